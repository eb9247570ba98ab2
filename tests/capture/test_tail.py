"""A growing capture is cut into the records that the whole one has, wherever its bytes are parted."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.base.errors import CaptureError
from analyzer.capture.reader import read_capture_bytes
from analyzer.capture.records import MAX_RECORD_LEN
from analyzer.capture.tail import BEGIN, HEADER, RECORD, Tail

NAKED = Path(__file__).resolve().parents[2] / "captures" / "shop-default" / "pods" / "legacy_naked-0.any.pcap"


@pytest.fixture(params=["pcap", "pcap-big", "pcapng", "pcapng-big"])
def capture(request, write_pcap, pcapng) -> bytes:
    order = ">" if request.param.endswith("big") else "<"
    packets = [bytes([n]) * (14 + n) for n in range(20)]
    if request.param.startswith("pcapng"):
        section = pcapng(order)
        blocks = [section.section(), section.interface(), *(section.enhanced(packet) for packet in packets)]
        return b"".join(blocks)
    return write_pcap(packets, order=order)


@pytest.mark.parametrize("step", [1, 7, 100, 10_000])
def test_records_are_those_of_the_whole_capture(capture, step) -> None:
    tail = Tail("a")

    pieces = [piece for at in range(0, len(capture), step) for piece in tail.feed(capture[at : at + step])]

    assert b"".join(piece.raw for piece in pieces) == capture
    assert sum(piece.kind == RECORD for piece in pieces) == len(read_capture_bytes(capture, name="a").records)
    assert (tail.waiting, tail.error) == (0, None)


def test_a_cut_record_waits_for_its_rest(capture) -> None:
    tail = Tail("a")

    pieces = tail.feed(capture[:-1])

    assert sum(piece.kind == RECORD for piece in pieces) == 19
    assert tail.waiting > 0


def test_a_header_and_what_adds_to_it_are_told_apart(pcapng) -> None:
    section = pcapng()

    pieces = Tail("a").feed(section.section() + section.interface() + section.block(0x0BAD, b"1234"))

    assert [piece.kind for piece in pieces] == [BEGIN, HEADER]


def test_a_file_that_was_begun_anew_has_a_header_again(write_pcap) -> None:
    tail = Tail("a")
    tail.feed(write_pcap([b"one"])[:-1])

    tail.restart()

    assert [piece.kind for piece in tail.feed(write_pcap([b"two"]))] == [BEGIN, RECORD]


def test_a_record_that_cannot_be_ends_it(write_pcap) -> None:
    tail = Tail("a")

    tail.feed(write_pcap([b"one"]) + b"\xff" * 16)

    assert tail.error == f"a: packet 2: record claims 4294967295 bytes; a record holds at most {MAX_RECORD_LEN}"
    assert tail.feed(b"more") == []


def test_a_block_that_cannot_be_ends_it(pcapng) -> None:
    tail = Tail("a")

    tail.feed(pcapng().section() + b"\x06\0\0\0\x03\0\0\0" + bytes(16))

    assert tail.error == "a: packet 1: block claims 3 bytes; a block holds 12 to 524288"


def test_what_is_no_capture_is_an_error_at_once() -> None:
    with pytest.raises(CaptureError, match="a: not a capture: it begins with 1f 8b 08 00"):
        Tail("a").feed(b"\x1f\x8b\x08\x00")
