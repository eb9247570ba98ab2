"""Streams that are made when they are asked for are those of a table that is read row by row."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.stream import End, Stream
from analyzer.capture.decode import decode_packets
from analyzer.capture.reader import read_capture
from analyzer.flow.sequence import END_AT, END_KIND
from analyzer.flow.streams import ENDS, Streams
from analyzer.flow.traffic import Traffic, read_traffic

CAPTURES = sorted((Path(__file__).resolve().parents[2] / "captures").glob("*/interfaces/*.pcap"))
C, S = 0, 1


def streams_of(wire) -> Streams:
    return streams_in(memoryview(bytes(wire.buffer)), wire.traffic())


def streams_in(buffer: memoryview, traffic: Traffic) -> Streams:
    return Streams(buffer, traffic.records, traffic.lanes, traffic.placement, traffic.pieces)


def shown(stream: Stream) -> tuple:
    """All that a stream has."""
    columns = (stream.starts, stream.offsets, stream.lengths, stream.packets, stream.times_ns, stream.breaks)
    return (
        *map(list, columns), stream.length, stream.from_start, stream.end, stream.end_packet, stream.end_time_ns,
        stream.heard,
    )  # fmt: skip


def expected(traffic: Traffic) -> list[tuple]:
    """The same, lane by lane."""
    pieces, placement, time_ns = traffic.pieces, traffic.placement, traffic.records.time_ns
    numbers = traffic.records.numbers
    found = []
    for lane, (first, stop) in enumerate(pairwise(pieces.starts.tolist())):
        own = slice(first, stop)
        rows = pieces.row[own].tolist()
        end = ENDS[placement.lanes[END_KIND][lane]]
        at = int(traffic.lanes.rows[placement.lanes[END_AT][lane]]) if end is not End.OPEN else -1
        packets = [row + 1 if numbers is None else int(numbers[row]) for row in (*rows, at)]
        found.append(
            (
                pieces.position[own].tolist(), pieces.offset[own].tolist(), pieces.length[own].tolist(), packets[:-1],
                time_ns[rows].tolist(), [at - first for at in pieces.breaks.tolist() if first <= at < stop],
                int(pieces.lengths[lane]), bool(placement.from_start[lane]), end,
                packets[-1] if end is not End.OPEN else 0, int(time_ns[at]) if end is not End.OPEN else 0,
                int(pieces.heard[lane]),
            )
        )  # fmt: skip
    return found


@pytest.fixture
def several(wire):
    """Three connections: one that is whole, one with lost bytes, one of which only the client was captured."""
    wire.talk("10.0.0.1:1").open().ask(b"one").answer(b"ONE").close()
    talk = wire.talk("10.0.0.1:2").open().ask(b"two").ask(b"lost", skip=True).ask(b"more").ask(b"gone", skip=True)
    talk.ask(b"end").answer(b"lost", skip=True).answer(b"TWO").send(S, "RA")
    wire.talk("10.0.0.1:3").send(C, "S").send(C, "A", b"three", seq=1001)
    return wire


def test_each_stream_has_what_the_tables_have_of_its_lane(several) -> None:
    assert list(map(shown, streams_of(several))) == expected(several.traffic())


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.name)
def test_streams_of_recorded_captures_have_what_the_tables_have(path) -> None:
    capture = read_capture(path, name=path.name)
    traffic = read_traffic(decode_packets(capture), capture.records)

    assert list(map(shown, streams_in(capture.buffer, traffic))) == expected(traffic)


def test_the_breaks_of_a_lane_are_its_own(several) -> None:
    assert [list(stream.breaks) for stream in streams_of(several)] == [[], [], [1, 2], [0], [], []]


def test_a_stream_reads_from_the_buffer(several) -> None:
    streams = streams_of(several)

    assert [streams[lane].read(0, 9) for lane in (0, 1, 4)] == [b"one", b"ONE", b"three"]


def test_there_are_two_streams_a_connection(several, new_wire) -> None:
    assert (len(streams_of(several)), len(streams_of(new_wire()))) == (6, 0)
    assert list(streams_of(new_wire())) == []


def test_streams_are_found_as_in_any_sequence(several) -> None:
    streams = streams_of(several)
    all_of = list(map(shown, streams))

    assert [shown(streams[lane]) for lane in range(-6, 6)] == all_of + all_of
    assert [shown(each) for each in streams[1:5:2]] == all_of[1:5:2]
    assert [shown(each) for each in streams[::-1]] == all_of[::-1]
    assert streams[9:] == []


@pytest.mark.parametrize("lane", [6, -7])
def test_a_lane_that_no_connection_has_is_an_index_error(several, lane) -> None:
    streams = streams_of(several)

    with pytest.raises(IndexError):
        streams[lane]


@given(lanes=st.lists(st.integers(0, 5), max_size=9))
@settings(max_examples=30, deadline=None)
def test_some_are_made_in_the_order_in_which_they_are_asked_for(new_wire, lanes) -> None:
    wire = new_wire()
    for port in (1, 2, 3):
        wire.talk(f"10.0.0.1:{port}").open().ask(b"x" * port).answer(b"y" * port).close()
    streams = streams_of(wire)

    assert [shown(each) for each in streams.at(lanes)] == [shown(streams[lane]) for lane in lanes]


def test_a_stream_is_made_anew_each_time(several) -> None:
    streams = streams_of(several)

    assert streams[0] is not streams[0]
    assert shown(streams[0]) == shown(streams[0])
