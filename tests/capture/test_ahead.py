"""A capture that was read ahead is the one that is read when it is needed."""

import os
from pathlib import Path

import numpy as np
import pytest

from analyzer.base.errors import CaptureError
from analyzer.base.table import PacketTable, RecordTable
from analyzer.capture.ahead import read_ahead
from analyzer.capture.capture import Capture
from analyzer.capture.decode import decode_packets
from analyzer.capture.sources import find_captures


def columns(table: PacketTable | RecordTable) -> dict[str, list[int]]:
    return {
        name: getattr(table, name).tolist()
        for name in type(table).__struct_fields__
        if getattr(table, name) is not None
    }


def facts(capture: Capture) -> tuple[object, ...]:
    return (
        capture.name, capture.format, bytes(capture.buffer), columns(capture.records), capture.interfaces,
        capture.oddities, capture.complete, capture.error, columns(decode_packets(capture)),
    )  # fmt: skip


@pytest.mark.parametrize("count", [0, 3, 9_000])
def test_a_capture_is_the_same_with_its_packets(mapped_source, write_pcap, http_packet: bytes, count: int) -> None:
    found = mapped_source(write_pcap([http_packet, b"\x45"] * count, link=101))

    with read_ahead(found) as read:
        capture = read()

    assert facts(capture) == facts(found.read())
    assert capture.decoded is not None
    assert decode_packets(capture) is capture.decoded.packets


def test_packets_that_were_read_ahead_lie_in_shared_memory(mapped_source, write_pcap, http_packet: bytes) -> None:
    found = mapped_source(write_pcap([http_packet] * 9_000, link=101))

    with read_ahead(found) as read:
        capture = read()

    held = [np.asarray(decode_packets(capture).seq), capture.records.time_ns]
    assert [type(_owner(array).obj).__name__ for array in held] == ["mmap", "mmap"]


def _owner(array: np.ndarray) -> memoryview:
    owner = array.base
    while isinstance(owner, np.ndarray):
        owner = owner.base
    assert isinstance(owner, memoryview)
    return owner


def test_a_capture_that_breaks_off_is_told_alike(mapped_source, write_pcap) -> None:
    found = mapped_source(write_pcap([b"whole", b"cut"])[:-1])

    with read_ahead(found) as read:
        assert facts(read()) == facts(found.read())


@pytest.mark.parametrize("data", [b"", b"no capture", b"\xd4\xc3\xb2\xa1\x09\x00"])
def test_what_is_no_capture_is_told_when_it_is_waited_for(mapped_source, data: bytes) -> None:
    found = mapped_source(data)

    with read_ahead(found) as read, pytest.raises(CaptureError) as told:
        read()

    with pytest.raises(CaptureError, match=r"x\.pcap") as expected:
        found.read()
    assert str(told.value) == str(expected.value)


def test_a_file_that_is_gone_is_told_when_it_is_waited_for(mapped_source, write_pcap) -> None:
    found = mapped_source(write_pcap([b"x"]))
    assert found.path is not None
    found.path.unlink()

    with read_ahead(found) as read, pytest.raises(CaptureError, match="no such file"):
        read()


def test_a_ring_is_the_same_with_its_packets(mapped_source, tmp_path: Path, write_pcap, http_packet: bytes) -> None:
    mapped_source(b"")
    paths = [tmp_path / "r.pcap0", tmp_path / "r.pcap1"]
    for second, path in enumerate(paths, 1):
        path.write_bytes(write_pcap([(second, 0, http_packet), (second, 1, b"\x45")], link=101))
    [found] = find_captures([str(path) for path in paths])

    with read_ahead(found) as read:
        capture = read()

    assert facts(capture) == facts(found.read())
    assert capture.decoded is not None
    assert len(capture.records) == 4


def test_files_of_a_ring_that_become_shorter_meanwhile_are_told_so(mapped_source, tmp_path: Path, write_pcap) -> None:
    mapped_source(b"")
    paths = [tmp_path / "r.pcap0", tmp_path / "r.pcap1"]
    for second, path in enumerate(paths, 1):
        path.write_bytes(write_pcap([(second, 0, b"first"), (second, 1, b"second")]))
    [found] = find_captures([str(path) for path in paths])

    with read_ahead(found) as read:
        os.truncate(paths[0], paths[0].stat().st_size - 1)
        capture = read()

    assert (capture.records.time_ns // 1000).tolist() == [1_000_000, 2_000_000, 2_000_001]
    assert capture.error == "r.pcap0+1: the file became shorter while it was read; what it has lost is missing"


def test_pcapng_is_read_when_it_is_waited_for(mapped_source, pcapng, http_packet: bytes) -> None:
    writer = pcapng()
    found = mapped_source(writer.section() + writer.interface(101) + writer.enhanced(http_packet))

    with read_ahead(found) as read:
        assert facts(read()) == facts(found.read())


def test_where_there_is_no_memory_to_share_it_is_read_when_it_is_waited_for(
    mapped_source, write_pcap, monkeypatch
) -> None:
    def full(*_: object) -> None:
        raise OSError

    monkeypatch.setattr("analyzer.capture.ahead.Room", full)
    found = mapped_source(write_pcap([b"x"]))

    with read_ahead(found) as read:
        assert facts(read()) == facts(found.read())


def test_what_is_lost_ahead_is_read_when_it_is_waited_for(mapped_source, write_pcap, monkeypatch) -> None:
    monkeypatch.setattr("analyzer.capture.ahead._pack", lambda *_: os.kill(os.getpid(), 9))
    found = mapped_source(write_pcap([b"x"]))

    with read_ahead(found) as read:
        assert facts(read()) == facts(found.read())


def test_a_file_that_became_shorter_meanwhile_is_told_so(mapped_source, write_pcap) -> None:
    data = write_pcap([b"first", b"second"])
    found = mapped_source(data)
    assert found.path is not None

    with read_ahead(found) as read:
        os.truncate(found.path, len(data) - 1)
        capture = read()

    assert (capture.complete, len(capture.records)) == (False, 1)
    assert capture.error == "x.pcap: the file became shorter while it was read; what it has lost is missing"
