"""Packets that are handed on by windows are those of the whole capture."""

from __future__ import annotations

import numpy as np
import pytest

from analyzer.base.table import IP_FRAGMENT, PacketTable, RecordTable
from analyzer.capture.decode import decode_packets
from analyzer.capture.reader import read_capture_bytes
from analyzer.capture.record_log import RecordLog, Sink
from analyzer.capture.windows import WindowLog


@pytest.fixture
def windows(write_pcap):
    """A function that reads a capture of packets by windows of so many rows; gives these, and the capture."""

    def read(packets: list[bytes], rows: int, **how):
        data, found = write_pcap(packets, **how), []
        log = WindowLog(lambda *window: found.append(window), rows=rows)
        capture = read_capture_bytes(data, name="x.pcap", sink=Sink(RecordLog("x.pcap"), log))
        log.finish()
        return found, capture

    return read


def joined(tables: list[PacketTable] | list[RecordTable]) -> dict[str, list[int]]:
    names = [name for name in type(tables[0]).__struct_fields__ if name != "numbers"]
    return {name: np.concatenate([getattr(table, name) for table in tables]).tolist() for name in names}


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("rows", [1, 7, 5_000, 100_000])
def test_windows_have_the_packets_of_the_whole(
    windows, http_packet: bytes, rows: int, compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analyzer.capture.pcap.pays", lambda *_: compiled)
    found, capture = windows([http_packet, b"\x45"] * 5_000, rows, link=101)

    assert joined([packets for packets, _ in found]) == joined([decode_packets(capture)])
    assert joined([records for _, records in found]) == joined([capture.records])


def test_windows_of_packets_that_do_not_begin_plainly_are_those_of_the_whole(windows, http_packet: bytes) -> None:
    found, capture = windows([b"\x02\x00\x00\x00" + http_packet] * 3, 2, link=0)

    assert joined([packets for packets, _ in found]) == joined([decode_packets(capture)])


def test_a_capture_without_packets_has_no_windows(windows) -> None:
    found, capture = windows([], 100, link=101)

    assert not found
    assert not len(capture.records)


def test_fragments_stay_what_they_are(windows, http_packet: bytes) -> None:
    # "More fragments" in the IP header.
    [(packets, _)], _ = windows([http_packet[:6] + b"\x20" + http_packet[7:]], 100, link=101)

    assert packets.fate.tolist() == [IP_FRAGMENT]
