"""Captures written anew with shorter packets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analyzer.base.fact import replace
from analyzer.capture.capture import Capture
from analyzer.capture.pcap_writer import write_cut
from analyzer.capture.reader import read_capture, read_capture_bytes

NAKED = Path(__file__).resolve().parents[2] / "captures/shop-default/pods/legacy_naked-0.any.pcap"


@pytest.fixture
def naked() -> Capture:
    return read_capture(NAKED, name="a.pcap")


def again(capture, kept):
    return read_capture_bytes(b"".join(write_cut(capture, np.asarray(kept, np.int64))), name="a.pcap")


def data(capture, row):
    begin = int(capture.records.data_off[row])
    return bytes(capture.buffer[begin : begin + int(capture.records.captured_len[row])])


def test_packets_are_cut_and_keep_their_time_and_their_length_on_the_wire(naked) -> None:
    kept = np.minimum(naked.records.captured_len.astype(np.int64), 50)

    found = again(naked, kept)

    assert (found.format, found.complete) == ("pcap-ns", True)
    assert found.records.captured_len.tolist() == kept.tolist()
    for column in ("time_ns", "wire_len", "link"):
        assert getattr(found.records, column).tolist() == getattr(naked.records, column).tolist()
    assert all(data(found, row) == data(naked, row)[:50] for row in range(len(kept)))


def test_packets_below_0_are_left_out(naked) -> None:
    kept = np.full(len(naked.records), -1)
    kept[[2, 5]] = (0, 7)

    found = again(naked, kept)

    assert found.records.captured_len.tolist() == [0, 7]
    assert found.records.time_ns.tolist() == naked.records.time_ns[[2, 5]].tolist()


def test_several_interfaces_are_written_as_pcapng(naked) -> None:
    interface = replace(naked.interfaces[0], name="eth0")
    two = replace(naked, interfaces=(*naked.interfaces, interface))
    two.records.interface[1] = 1

    found = again(two, [30, 40, *[-1] * (len(two.records) - 2)])

    assert found.format == "pcapng"
    assert found.records.captured_len.tolist() == [30, 40]
    assert found.records.interface.tolist() == [0, 1]


def test_a_time_that_pcap_has_no_room_for_is_written_as_pcapng(naked) -> None:
    records = replace(naked.records, time_ns=np.full(len(naked.records), 2**62, np.int64))

    assert again(replace(naked, records=records), [20] * len(records)).format == "pcapng"
