"""What is counted ahead, or by several processes, is what one process counts."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from analyzer.base.errors import CaptureError
from analyzer.base.fact import replace
from analyzer.capture.capture import Capture
from analyzer.capture.sources import CaptureSource, find_captures
from analyzer.counting import Counted, count_ahead, count_packets, forget_columns

ROOT = Path(__file__).resolve().parents[1]
LO = ROOT / "captures" / "shop-default" / "interfaces" / "shop_sleep-0.lo.pcap"


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The source of a file with these bytes, which is mapped."""
    monkeypatch.setattr("analyzer.capture.reader.MAPPED_FROM", 1)

    def of(data: bytes) -> CaptureSource:
        (tmp_path / "x.pcap").write_bytes(data)
        [found] = find_captures([str(tmp_path / "x.pcap")])
        return found

    return of


def values(found: Counted) -> list[object]:
    tuples, count = found
    arrays = (tuples.table, tuples.tuple_of, tuples.syns, tuples.syn_acks, count.fates)
    return [*(array.tolist() for array in arrays), count.rows, count.bytes, count.first_ns, count.last_ns, tuples.sure]


def told(capture: Capture) -> tuple[object, ...]:
    columns = [
        column.tolist()
        for name in type(capture.records).__slots__
        if (column := getattr(capture.records, name)) is not None
    ]
    return capture.name, capture.format, columns, capture.interfaces, capture.oddities, capture.complete, capture.error


@pytest.mark.parametrize("window_rows", [64, 1_000, 100_000])
@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_processes_and_windows_do_not_show(source, window_rows: int, jobs: int) -> None:
    capture = source(LO.read_bytes()).read()

    found = count_packets(capture, jobs, window_rows=window_rows)

    assert values(found) == values(count_packets(capture, 1))


@pytest.mark.parametrize("lost", [0, 9])
def test_what_is_counted_ahead_is_what_is_counted_here(source, lost: int) -> None:
    """Also where the last record is cut."""
    data = LO.read_bytes()
    found = source(data[: len(data) - lost])

    with count_ahead(found) as read:
        capture, counted = read()

    assert told(capture) == told(found.read())
    assert counted is not None
    assert values(counted) == values(count_packets(capture, 1))


def test_what_is_compressed_is_read_and_not_counted(source) -> None:
    found = source(gzip.compress(LO.read_bytes()))

    with count_ahead(found) as read:
        capture, counted = read()

    assert told(capture) == told(found.read())
    assert counted is None


@pytest.mark.parametrize("data", [b"", b"no capture", b"\xd4\xc3\xb2\xa1\x09\x00"])
def test_what_is_no_capture_is_told_when_it_is_waited_for(source, data: bytes) -> None:
    with count_ahead(source(data)) as read, pytest.raises(CaptureError):
        read()


def test_what_a_file_has_lost_meanwhile_is_not_counted(source) -> None:
    found = source(LO.read_bytes())

    with count_ahead(found) as read:
        assert found.path is not None
        with found.path.open("r+b") as file:
            file.truncate(20_000)
        capture, counted = read()

    assert not capture.complete
    assert counted is None


def test_fragments_are_told_of(source) -> None:
    counted = count_packets(source(LO.read_bytes()).read(), 1)
    fates = counted.packets.fates.copy()
    fates[5] = 1

    assert not counted.in_pieces
    assert counted._replace(packets=replace(counted.packets, fates=fates)).in_pieces


def test_columns_that_were_let_go_are_read_again(source) -> None:
    capture = source(LO.read_bytes()).read()
    before = capture.records.time_ns.tolist()

    forget_columns(capture)

    assert capture.records.time_ns.tolist() == before
