"""A capture is sent without its bytes, and only the same files make it again."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from analyzer.base.errors import CaptureError, UsageError
from analyzer.capture.sources import find_captures
from analyzer.cluster_capture import VERSION, can_be_sent, check_whole, received, sent_capture, to_send
from made.rings import write_ring

LO = Path(__file__).resolve().parents[1] / "captures" / "shop-default" / "interfaces" / "shop_sleep-0.lo.pcap"


def sent(*paths: Path):
    """What is sent of a capture, and the capture."""
    (source,) = find_captures([str(path) for path in paths])
    capture = source.read()
    return sent_capture(source, capture), capture


def test_what_is_sent_is_small_and_makes_the_same_capture() -> None:
    found, capture = sent(LO)

    opened = received(to_send(found)).open()

    assert len(to_send(found)) < 1000
    assert (opened.buffer, opened.interfaces, len(opened.records)) == (capture.buffer, capture.interfaces, 0)


def test_the_files_of_a_ring_are_sent_as_one(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("analyzer.capture.reader.MAPPED_FROM", 1)

    found, capture = sent(*write_ring(tmp_path / "ring.pcap", LO.read_bytes(), 3))

    assert len(found.paths) == 3
    assert found.open().buffer == capture.buffer


def test_a_relative_path_is_sent_as_a_whole_one(monkeypatch) -> None:
    monkeypatch.chdir(LO.parent)

    assert sent(Path(LO.name))[0].paths == (LO,)


def test_a_file_that_is_not_there_is_an_error(mapped_source) -> None:
    copied = mapped_source(LO.read_bytes(), LO.name).path
    found, _ = sent(copied)
    copied.unlink()

    with pytest.raises(CaptureError, match="no such file"):
        found.open()


@pytest.mark.parametrize("data", [b"", LO.read_bytes()[:-1], LO.read_bytes()[:-1] + b"?", LO.read_bytes() + b"?"])
def test_another_file_is_an_error(mapped_source, data) -> None:
    copied = mapped_source(LO.read_bytes(), LO.name).path
    found, _ = sent(copied)
    copied.write_bytes(data)

    with pytest.raises(CaptureError, match="another file; expected the same one on all machines"):
        found.open()


def test_a_file_that_becomes_shorter_is_an_error(mapped_source) -> None:
    copied = mapped_source(LO.read_bytes(), LO.name).path
    opened = sent(copied)[0].open()
    check_whole(opened)
    os.truncate(copied, 4096)

    with pytest.raises(CaptureError, match="became shorter"):
        check_whole(opened)


def test_what_was_compressed_cannot_be_sent(tmp_path) -> None:
    path = tmp_path / f"{LO.name}.gz"
    path.write_bytes(gzip.compress(LO.read_bytes()))

    assert [can_be_sent(sent(each)[1]) for each in (LO, path)] == [True, False]


def test_values_and_their_arrays_are_received_as_they_were_sent() -> None:
    values = received(to_send({"rows": np.arange(3), "bytes": memoryview(b"as they are")}))

    assert values["rows"].tolist() == [0, 1, 2]
    assert bytes(values["bytes"]) == b"as they are"


def test_what_another_release_sent_is_not_read() -> None:
    with pytest.raises(UsageError, match=f"found a worker of version {VERSION}, expected 7"):
        received(b"\7" + to_send("whatever")[1:])
