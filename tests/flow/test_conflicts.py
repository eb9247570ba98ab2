"""Bytes that were sent twice and differ."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.flow.conflicts import find_conflicts, may_exceed_budget
from analyzer.flow.part import part_of_traffic
from analyzer.flow.streams import Streams


def conflicts_in(wire, **options) -> tuple[list[int], list[int]]:
    traffic = wire.traffic()
    buffer = memoryview(bytes(wire.buffer))
    streams = Streams(buffer, traffic.records, traffic.lanes, traffic.placement, traffic.pieces)
    found = find_conflicts(traffic, streams, **options)
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


@given(segments=st.lists(SEGMENTS, max_size=25), budget=st.integers(0, 12))
@settings(max_examples=100, deadline=None)
def test_whoever_does_not_exceed_the_budget_is_compared_whole_also_in_parts(new_wire, segments, budget) -> None:
    wire = new_wire()
    talks = [wire.talk(f"10.0.0.1:{port}").open() for port in (1, 2, 3)]
    for talk, from_client, at, data, wire_len in segments:
        begin = (1001 if from_client else 5001) + at
        talks[talk].send(int(not from_client), "PA", data, seq=begin, wire_len=max(wire_len or 0, len(data)))
    traffic, buffer = wire.traffic(), memoryview(bytes(wire.buffer))
    if may_exceed_budget(traffic, budget=budget):
        return

    def strange(part) -> list[tuple[int, list[int]]]:
        streams = Streams(buffer, part.records, part.lanes, part.placement, part.pieces)
        found = find_conflicts(part, streams, budget=budget)
        assert found.unchecked == ()
        return part.lanes.rows[list(found.differing)].tolist()

    parts = [part_of_traffic(traffic, np.array([number])) for number in range(len(traffic.lanes))]
    assert sorted(row for part in parts for row in strange(part)) == sorted(strange(traffic))
