"""The walk over records, compiled or not, with packets or without."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.kernel import run_kernel
from analyzer.base.table import DECODED
from analyzer.capture.decode import blank_table
from analyzer.capture.frames import NO_LINK_HEADER
from analyzer.capture.network.ipv4_tcp import columns_of
from analyzer.capture.pcap_walk import (
    AT,
    AT_END,
    FILE_HEADER,
    HEADER_CUT,
    LEFT,
    LENGTH,
    LENGTH_BAD,
    NO_HEADER,
    RUNNING,
    STATES,
    STOPPED,
    number_at,
    walk_records,
)
from analyzer.capture.records import MAX_RECORD_LEN

RECORD = struct.pack("<IIII", 1, 2, 3, 9) + b"abc"
# How long a header is, the order of bytes, where the lengths stand, nanoseconds in a fraction.
LITTLE = (16, 0, 8, 12, 1000)


class Walk:
    """A walk over some bytes, of which ``before`` lie in the file before them and ``behind`` after them."""

    def __init__(
        self, data: bytes, *, layout=LITTLE, room: int = 8, before: int = 0, behind: int = 0, packets: int = 0,
        compile_rows: int = 1 << 60,
    ) -> None:  # fmt: skip
        self.state = np.zeros(STATES, np.int64)
        self.state[AT], self.state[NO_HEADER] = before, -1
        self.records = tuple(np.zeros(room, kind) for kind in (np.int64, np.int64, np.uint32, np.uint32, np.bool_))
        self.packets, self.left = blank_table(packets), np.zeros(packets, np.int64)
        bounds = np.array([before, before + len(data) + behind, MAX_RECORD_LEN])
        self.found = run_kernel(
            walk_records, 8, np.frombuffer(data, np.uint8), self.state, bounds, layout, self.records,
            (*NO_LINK_HEADER, before), columns_of(self.packets), self.left, compile_rows=compile_rows,
        )  # fmt: skip

    @property
    def bytes(self) -> list[bytes]:
        columns = (self.state, *self.records, *columns_of(self.packets), self.left)
        return [column.tobytes() for column in columns]


def test_a_record_is_told_with_its_place_in_the_file() -> None:
    walk = Walk(RECORD * 2, before=100)

    time_ns, data_off, captured_len, wire_len, is_bad = (column[:2].tolist() for column in walk.records)
    assert walk.found == 2
    assert time_ns == [1_000_002_000] * 2
    assert (data_off, captured_len, wire_len, is_bad) == ([116, 135], [3, 3], [9, 9], [False, False])
    assert (walk.state[AT], walk.state[STOPPED]) == (138, AT_END)


def test_the_highest_byte_may_come_first_and_the_lengths_the_other_way_round() -> None:
    walk = Walk(struct.pack(">IIII", 1, 999_999_999, 9, 3) + b"abc", layout=(16, 1, 12, 8, 1))

    assert [column[0] for column in walk.records] == [1_999_999_999, 16, 3, 9, False]


def test_a_fraction_of_more_than_a_second_is_held_back() -> None:
    walk = Walk(struct.pack("<IIII", 7, 4_000_000_000, 0, 0))

    assert (walk.records[0][0], walk.records[4][0]) == (7_999_999_999, True)


@pytest.mark.parametrize(
    ("data", "behind", "stopped", "found"),
    [
        (RECORD, 0, AT_END, 1),
        (RECORD, 19, RUNNING, 1),
        (RECORD[:10], 9, RUNNING, 0),
        (RECORD + RECORD[:-1], 1, RUNNING, 1),
        (RECORD + b"cut", 0, HEADER_CUT, 1),
        (RECORD[:-1], 0, LENGTH_BAD, 0),
        (RECORD + b"\xd4\xc3\xb2\xa1\x02\x00\x04\x00" + bytes(16), 0, FILE_HEADER, 1),
        (RECORD * 9, 0, RUNNING, 8),
    ],
)
def test_a_walk_tells_how_it_stopped(data: bytes, behind: int, stopped: int, found: int) -> None:
    walk = Walk(data, behind=behind)

    assert (walk.found, walk.state[STOPPED]) == (found, stopped)
    assert walk.state[AT] == found * len(RECORD)


def test_a_length_that_cannot_be_is_told() -> None:
    assert Walk(struct.pack("<IIII", 1, 2, MAX_RECORD_LEN + 1, 3), behind=1 << 20).state[LENGTH] == MAX_RECORD_LEN + 1


def test_packets_are_decoded_and_the_others_are_left(http_packet: bytes) -> None:
    data = b"".join(struct.pack("<IIII", 1, 2, len(p), len(p)) + p for p in (b"\x45", http_packet, b"\x60"))

    walk = Walk(data, before=50, packets=8)

    assert (walk.packets.fate == DECODED).tolist() == [False, True, *[False] * 6]
    assert walk.left[: walk.state[LEFT]].tolist() == [0, 2]
    assert walk.packets.payload_off[1] == 50 + 17 + 16 + len(http_packet) - walk.packets.payload_len[1]


@settings(max_examples=50, deadline=None)
@given(
    noise=st.binary(max_size=60),
    layout=st.sampled_from([LITTLE, (24, 1, 12, 8, 1), (16, 1, 8, 12, 1)]),
    before=st.sampled_from([0, 5]),
    behind=st.sampled_from([0, 30]),
    packets=st.sampled_from([0, 8]),
)
def test_the_compiled_walk_leaves_the_same_bytes(
    http_packet: bytes, noise: bytes, layout, before: int, behind: int, packets: int
) -> None:
    order = ">" if layout[1] else "<"
    header = struct.pack(f"{order}IIII", 1, 2, len(http_packet), len(http_packet))
    data = noise + (header + bytes(layout[0] - 16) + http_packet) * 4 + noise
    plain, compiled = (
        Walk(data, layout=layout, before=before, behind=behind, packets=packets, compile_rows=compile_rows)
        for compile_rows in (1 << 60, 0)
    )

    assert (plain.found, plain.bytes) == (compiled.found, compiled.bytes)


@pytest.mark.parametrize(("is_big", "number"), [(0, 0xFF03_02FE), (1, 0xFE02_03FF)])
def test_a_number_has_four_bytes_in_either_order(is_big: int, number: int) -> None:
    assert number_at(b"x\xfe\x02\x03\xff", 1, is_big) == number  # type: ignore[arg-type]
