"""Bytes that were sent twice and differ."""

import mmap
from bisect import bisect_right

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.flow.conflicts import PIECES_AT_ONCE, Conflicts, find_conflicts, may_exceed_budget
from analyzer.flow.part import part_of_traffic
from analyzer.flow.sequence import MAX_WINDOW
from analyzer.flow.streams import Streams
from analyzer.flow.traffic import Traffic


def conflicts_in(wire, **options) -> tuple[list[int], list[int]]:
    traffic = wire.traffic()
    found = find_conflicts(traffic, memoryview(bytes(wire.buffer)), **options)
    return traffic.lanes.rows[list(found.differing)].tolist(), traffic.lanes.rows[list(found.unchecked)].tolist()


def conflicting_rows(wire) -> list[int]:
    return conflicts_in(wire)[0]


def test_what_exceeds_the_budget_is_not_compared_and_said_so(wire) -> None:
    wire.talk().open().ask(b"good").ask(b"evil", seq=1001).ask(b"EVIL", seq=1001)

    assert conflicts_in(wire, budget=1) == ([4], [5])


def test_the_same_bytes_again_are_no_conflict(wire) -> None:
    wire.talk().open().ask(b"good").ask(b"good", seq=1001)

    assert conflicting_rows(wire) == []


def test_other_bytes_in_their_place_are(wire) -> None:
    wire.talk().open().ask(b"good").ask(b"evil", seq=1001)

    assert conflicting_rows(wire) == [4]


def test_a_waiting_segment_that_was_outdone_is(wire) -> None:
    wire.talk().open().ask(b"good", seq=1003).ask(b"abevil", seq=1001)

    assert conflicting_rows(wire) == [3]


def test_a_conflict_in_part_of_a_segment_is_found(wire) -> None:
    wire.talk().open().ask(b"ab").ask(b"cd").ask(b"abcX", seq=1001)

    assert conflicting_rows(wire) == [5]


def test_bytes_before_the_beginning_are_not_compared(wire) -> None:
    wire.talk().open().ask(b"good").ask(b"??go", seq=999)

    assert conflicting_rows(wire) == []


def test_bytes_that_were_not_captured_are_not_compared(wire) -> None:
    wire.talk().open().ask(b"go", wire_len=4).ask(b"go", seq=1001, wire_len=4)

    assert conflicting_rows(wire) == []


def test_bytes_are_compared_across_a_gap(wire) -> None:
    talk = wire.talk().open().ask(b"ab", wire_len=4).ask(b"ef")
    talk.ask(b"abcdXX", seq=1001)

    assert conflicting_rows(wire) == [5]


def test_more_than_is_in_memory_together_is_compared_in_a_mapped_file_as_in_memory(wire) -> None:
    talk, count = wire.talk().open(), PIECES_AT_ONCE + 9
    for _ in range(count):
        talk.ask(b"ab")
    for n in range(count):
        talk.ask(b"ab" if 0 < n < count - 1 else b"XY", seq=1001 + 2 * n)
    traffic, mapped = wire.traffic(), mmap.mmap(-1, len(wire.buffer))
    mapped[:] = bytes(wire.buffer)

    in_memory, in_file = (find_conflicts(traffic, memoryview(each)) for each in (bytes(wire.buffer), mapped))

    assert traffic.lanes.rows[list(in_memory.differing)].tolist() == [3 + count, 2 + 2 * count]
    assert in_file == in_memory


def test_segments_far_apart_are_held_against_their_own_connection(wire) -> None:
    far, near = wire.talk("10.0.0.1:1").open(), wire.talk("10.0.0.1:2").open()
    steps = 2 + (1 << 44) // MAX_WINDOW
    for step in range(steps):
        far.ask(b"ab", seq=1001 + step * (MAX_WINDOW - 1))
    far.ask(b"aX", seq=1001 + (steps - 1) * (MAX_WINDOW - 1))
    near.ask(b"cd").ask(b"cd", seq=1001)

    assert conflicting_rows(wire) == [6 + steps]


# Whether a part of a capture may be compared by itself.


def test_what_repeats_nothing_exceeds_no_budget(wire) -> None:
    wire.talk().open().ask(b"good").answer(b"ok").close()

    assert not may_exceed_budget(wire.traffic(), budget=0)


def test_an_empty_capture_exceeds_no_budget(wire) -> None:
    assert not may_exceed_budget(wire.traffic(), budget=0)


def test_many_repeats_exceed_a_small_budget(wire) -> None:
    talk = wire.talk().open()
    for _ in range(9):
        talk.ask(b"good", seq=1001)

    assert may_exceed_budget(wire.traffic(), budget=1)
    assert not may_exceed_budget(wire.traffic(), budget=1000)


SEGMENTS = st.tuples(
    st.integers(0, 2), st.booleans(), st.integers(-6, 30), st.sampled_from([b"", b"a", b"bcd", b"efghijkl"]),
    st.sampled_from([None, 9]),
)  # fmt: skip


def written(wire, segments) -> tuple[Traffic, memoryview]:
    talks = [wire.talk(f"10.0.0.1:{port}").open() for port in (1, 2, 3)]
    for talk, from_client, at, data, wire_len in segments:
        begin = (1001 if from_client else 5001) + at
        talks[talk].send(int(not from_client), "PA", data, seq=begin, wire_len=max(wire_len or 0, len(data)))
    return wire.traffic(), memoryview(bytes(wire.buffer))


def by_streams(traffic: Traffic, buffer: memoryview, budget: int) -> Conflicts:
    """The definition: byte by byte, one packet after the other."""
    streams = Streams(buffer, traffic.records, traffic.lanes, traffic.placement, traffic.pieces)
    differing, unchecked, compared = [], [], 0
    for index in traffic.pieces.repeated.tolist():
        row, position = traffic.lanes.rows[index], int(traffic.placement.position[index])
        stream, offset = streams[int(traffic.lanes.lane_of[index])], int(traffic.packets.payload_off[row])
        size = min(int(traffic.placement.usable[index]), int(traffic.packets.payload_len[row]))
        compared += bisect_right(stream.starts, position + size) - bisect_right(stream.starts, position) + 1
        sent_before = [stream.read_piece(position + n, 1) for n in range(size)]
        if compared > budget:
            unchecked.append(index)
        elif any(byte and byte != buffer[offset + n : offset + n + 1] for n, byte in enumerate(sent_before)):
            differing.append(index)
    return Conflicts(tuple(differing), tuple(unchecked), compared)


@given(segments=st.lists(SEGMENTS, max_size=25), budget=st.integers(0, 60))
@settings(max_examples=300, deadline=None)
def test_conflicts_are_those_of_all_bytes_one_by_one(new_wire, segments, budget) -> None:
    traffic, buffer = written(new_wire(), segments)

    expected = by_streams(traffic, buffer, budget)

    assert find_conflicts(traffic, buffer, budget=budget) == expected
    assert may_exceed_budget(traffic, budget=budget) == (expected.compared > budget)


@given(segments=st.lists(SEGMENTS, max_size=25), budget=st.integers(0, 12))
@settings(max_examples=100, deadline=None)
def test_whoever_does_not_exceed_the_budget_is_compared_whole_also_in_parts(new_wire, segments, budget) -> None:
    traffic, buffer = written(new_wire(), segments)
    if may_exceed_budget(traffic, budget=budget):
        return

    def strange(part) -> list[tuple[int, list[int]]]:
        found = find_conflicts(part, buffer, budget=budget)
        assert found.unchecked == ()
        return part.lanes.rows[list(found.differing)].tolist()

    parts = [part_of_traffic(traffic, np.array([number])) for number in range(len(traffic.lanes))]
    assert sorted(row for part in parts for row in strange(part)) == sorted(strange(traffic))
