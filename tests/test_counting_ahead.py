"""What is counted while records are found is what is counted of a capture that was read."""

from __future__ import annotations

import gzip
import os
import signal
from pathlib import Path

import pytest

from analyzer.base.errors import CaptureError
from analyzer.capture.sections import read_section
from analyzer.capture.sources import find_captures
from analyzer.counting import count_packets
from analyzer.counting_ahead import count_ahead
from made.counts import told, values
from made.rings import write_ring

ROOT = Path(__file__).resolve().parents[1]
LO = ROOT / "captures" / "shop-default" / "interfaces" / "shop_sleep-0.lo.pcap"


@pytest.mark.parametrize("lost", [0, 9])
@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_what_is_counted_ahead_is_what_is_counted_here(mapped_source, jobs: int, lost: int) -> None:
    """Also where the last record is cut."""
    data = LO.read_bytes()
    found = mapped_source(data[: len(data) - lost])

    with count_ahead(found, jobs) as read:
        capture, counted = read()

    assert told(capture) == told(found.read())
    assert counted is not None
    assert values(counted) == values(count_packets(capture, 1))


def test_what_is_compressed_is_read_and_not_counted(mapped_source) -> None:
    found = mapped_source(gzip.compress(LO.read_bytes()))

    with count_ahead(found) as read:
        capture, counted = read()

    assert told(capture) == told(found.read())
    assert counted is None


@pytest.mark.parametrize("data", [b"", b"no capture", b"\xd4\xc3\xb2\xa1\x09\x00"])
def test_what_is_no_capture_is_told_when_it_is_waited_for(mapped_source, data: bytes) -> None:
    with count_ahead(mapped_source(data)) as read, pytest.raises(CaptureError):
        read()


def test_what_a_file_has_lost_meanwhile_is_not_counted(mapped_source) -> None:
    found = mapped_source(LO.read_bytes())

    with count_ahead(found) as read:
        assert found.path is not None
        with found.path.open("r+b") as file:
            file.truncate(20_000)
        capture, counted = read()

    assert not capture.complete
    assert counted is None


def test_files_of_a_ring_are_counted_ahead(tmp_path, mapped_source) -> None:
    mapped_source(b"")
    [found] = find_captures([str(path) for path in write_ring(tmp_path / "ring.pcap", LO.read_bytes(), 3)])

    with count_ahead(found, 2) as read:
        capture, counted = read()

    assert told(capture) == told(found.read())
    assert counted is not None
    assert values(counted) == values(count_packets(capture, 1))


def test_files_that_were_appended_to_one_another_are_read_and_not_counted(mapped_source) -> None:
    found = mapped_source(LO.read_bytes() * 2)

    with count_ahead(found, 2) as read:
        capture, counted = read()

    assert told(capture) == told(found.read())
    assert counted is None


def test_what_a_lost_fork_has_read_is_read_here(mapped_source, monkeypatch) -> None:
    found, here = mapped_source(LO.read_bytes()), os.getpid()

    def lost(*arguments, **how):
        if os.getpid() != here and arguments[2].begin > 24:
            os.kill(os.getpid(), signal.SIGKILL)
        return read_section(*arguments, **how)

    monkeypatch.setattr("analyzer.counting_ahead.read_section", lost)

    with count_ahead(found, 2) as read:
        capture, counted = read()

    assert told(capture) == told(found.read())
    assert counted is None
