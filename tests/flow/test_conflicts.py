"""Bytes that were sent twice and differ."""

from analyzer.flow.conflicts import find_conflicts
from analyzer.flow.reassembly import build_streams


def conflicts_in(wire, **options) -> tuple[list[int], list[int]]:
    traffic = wire.traffic()
    buffer = memoryview(bytes(wire.buffer))
    streams = build_streams(buffer, traffic.records, traffic.lanes, traffic.placement, traffic.pieces)
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
