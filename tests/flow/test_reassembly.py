"""Packets of one direction to bytes in order."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.kernel import run_kernel
from analyzer.base.stream import End
from analyzer.flow.reassembly import take_pieces

C, S = 0, 1
BASE = 1001
TEXT = bytes(range(65, 65 + 52))
check = settings(max_examples=100, deadline=None)


def segment(talk, start: int, data: bytes, **options):
    return talk.send(C, "A", data, seq=BASE + start, **options)


def gapless(stream) -> bytes:
    return stream.read(0, stream.length)


def reference(segments: list[tuple[int, bytes]]) -> dict[int, int]:
    """What a Linux receiver reads, byte by byte: the definition that the kernel is held against."""
    delivered: dict[int, int] = {}
    queue: list[tuple[int, int, int, bytes]] = []
    for arrival, (start, data) in enumerate(segments):
        queue.append((start, -len(data), arrival, data))
        while True:
            expected = next(n for n in range(len(delivered) + 1) if n not in delivered)
            ready = min((item for item in queue if item[0] <= expected < item[0] - item[1]), default=None)
            if ready is None:
                break
            delivered[expected] = ready[3][expected - ready[0]]
    for start, _, _, data in sorted(queue):
        for n, byte in enumerate(data):
            delivered.setdefault(start + n, byte)
    return delivered


def test_segments_in_order_are_the_stream(wire) -> None:
    wire.talk().open().ask(b"hello ").ask(b"world")

    assert gapless(wire.connection().from_client) == b"hello world"


def test_each_piece_knows_its_packet_and_time(wire) -> None:
    wire.talk().open().ask(b"hello ").ask(b"world")
    stream = wire.connection().from_client

    assert (list(stream.packets), list(stream.times_ns)) == ([4, 5], [3_000_000, 4_000_000])


def test_a_stream_knows_what_its_sender_had_heard_when_it_began(wire) -> None:
    wire.talk().open().ask(b"hello").answer(b"hi").ask(b"!")
    connection = wire.connection()

    assert (connection.from_client.heard, connection.from_server.heard) == (0, 5)


def test_a_fin_is_nothing_to_hear(wire) -> None:
    wire.talk().open().send(C, "FA").answer(b"bye")

    assert wire.connection().from_server.heard == 0


def test_acknowledgements_of_nothing_that_was_sent_are_not_believed(wire) -> None:
    wire.talk().open().answer(b"hi", ack=900).ask(b"x", ack=2**31)

    assert [stream.heard for stream in (wire.connection().from_client, wire.connection().from_server)] == [0, 0]


def test_a_retransmission_adds_nothing(wire) -> None:
    talk = wire.talk().open().ask(b"hello").ask(b"!")
    segment(talk, 0, b"hello")

    assert list(wire.connection().from_client.packets) == [4, 5]


def test_a_retransmission_that_brings_more_adds_the_more(wire) -> None:
    segment(segment(wire.talk().open(), 0, b"hello"), 0, b"hello world")
    stream = wire.connection().from_client

    assert (gapless(stream), list(stream.starts)) == (b"hello world", [0, 5])


def test_a_segment_that_comes_too_early_waits(wire) -> None:
    segment(segment(wire.talk().open(), 6, b"world"), 0, b"hello ")
    stream = wire.connection().from_client

    assert (gapless(stream), list(stream.packets)) == (b"hello world", [5, 4])


def test_bytes_that_were_delivered_never_change(wire) -> None:
    segment(segment(wire.talk().open(), 0, b"good"), 0, b"evil")

    assert gapless(wire.connection().from_client) == b"good"


def test_of_waiting_segments_the_one_further_left_wins(wire) -> None:
    talk = wire.talk().open()
    segment(segment(segment(talk, 4, b"GOOD"), 2, b"evil"), 0, b"ab")

    assert gapless(wire.connection().from_client) == b"abevilOD"


def test_of_waiting_segments_that_start_together_the_longest_wins(wire) -> None:
    talk = wire.talk().open()
    segment(segment(segment(talk, 2, b"xx"), 2, b"longer"), 0, b"ab")

    assert gapless(wire.connection().from_client) == b"ablonger"


def test_of_waiting_segments_that_are_alike_the_first_wins(wire) -> None:
    talk = wire.talk().open()
    segment(segment(segment(talk, 2, b"good"), 2, b"evil"), 0, b"ab")

    assert gapless(wire.connection().from_client) == b"abgood"


def test_the_segment_that_fills_the_hole_wins_over_those_that_wait(wire) -> None:
    segment(segment(wire.talk().open(), 2, b"wait"), 0, b"first!")

    assert gapless(wire.connection().from_client) == b"first!"


def test_a_lost_segment_leaves_a_gap(wire) -> None:
    wire.talk().open().ask(b"hello ").ask(b"lost", skip=True).ask(b"world")
    stream = wire.connection().from_client

    assert (list(stream.starts), stream.breaks, stream.length) == ([0, 10], [1], 15)


def test_a_gap_at_the_beginning_is_a_break(wire) -> None:
    wire.talk().open().ask(b"lost", skip=True).ask(b"world")

    assert wire.connection().from_client.breaks == [0]


def test_what_the_peer_acknowledges_was_sent(wire) -> None:
    wire.talk().open().ask(b"hello").ask(b"lost", skip=True).send(S, "A")

    assert wire.connection().from_client.length == 9


def test_a_fin_is_no_byte(wire) -> None:
    wire.talk().open().ask(b"hello").close()

    assert wire.connection().from_client.length == 5


@pytest.mark.parametrize("said", [b"hello", b""])
def test_a_fin_that_was_not_captured_is_no_byte(wire, said) -> None:
    wire.talk().open().ask(said).send(C, "FA", skip=True).send(S, "A").send(C, "A")

    assert wire.connection().from_client.length == len(said)


def test_a_fin_behind_the_reset_that_follows_it_is_no_byte(wire) -> None:
    wire.talk().open().send(S, "R", seq=5002).send(S, "FA", seq=5001)

    assert wire.connection().server_bytes == 0


def test_a_snaplen_leaves_gaps_of_the_right_size(wire) -> None:
    wire.talk().open().ask(b"head", wire_len=100).ask(b"next")
    stream = wire.connection().from_client

    assert (list(stream.starts), list(stream.lengths)) == ([0, 100], [4, 4])


def test_a_retransmission_behind_the_captured_bytes_of_another_adds_nothing(wire) -> None:
    talk = wire.talk().open().ask(b"head", wire_len=100).ask(b"next")
    segment(talk, 50, b"later", wire_len=50)

    assert list(wire.connection().from_client.starts) == [0, 100]


def test_bytes_from_before_the_beginning_are_dropped(wire) -> None:
    talk = wire.talk()
    talk.open()
    segment(talk, -2, b"..hello")

    assert gapless(wire.connection().from_client) == b"hello"


def test_a_stream_says_how_it_ended(wire) -> None:
    wire.talk().open().send(C, "FA").send(S, "R")
    ends = [
        (s.end, s.end_packet, s.end_time_ns) for s in (wire.connection().from_client, wire.connection().from_server)
    ]

    assert ends == [(End.FIN, 4, 3_000_000), (End.RST, 5, 4_000_000)]


def test_a_stream_that_goes_on_has_no_end(wire) -> None:
    wire.talk().open()
    stream = wire.connection().from_client

    assert (stream.end, stream.end_packet, stream.end_time_ns) == (End.OPEN, 0, 0)


def test_long_streams_read_like_short_ones(wire) -> None:
    talk = wire.talk().open()
    for n in range(65):
        talk.ask(bytes([n]))
    stream = wire.connection().from_client

    assert gapless(stream) == bytes(range(65))
    assert stream.packet_at(3) == 7


cuts = st.lists(st.integers(1, len(TEXT) - 1), unique=True, max_size=12)


@given(cuts=cuts, data=st.data(), isn=st.sampled_from([0, 2**32 - 20, 2**31 - 20]))
@check
def test_any_cutting_order_and_repetition_gives_the_same_stream(new_wire, cuts, data, isn: int) -> None:
    wire = new_wire()
    wire.talk(isn=(isn, 5000)).open()
    bounds = [0, *sorted(cuts), len(TEXT)]
    spans = list(pairwise(bounds))
    spans += data.draw(st.lists(st.tuples(st.integers(0, 51), st.integers(1, 52)), max_size=6))
    for first, stop in data.draw(st.permutations(spans)):
        wire.packet("10.0.0.1:40000", "10.0.0.2:80", "A", seq=isn + 1 + first, ack=5001, data=TEXT[first:stop])

    found = wire.connection()

    assert gapless(found.from_client) == TEXT
    assert not found.oddities


@given(segments=st.lists(st.tuples(st.integers(0, 30), st.binary(min_size=2, max_size=9)), max_size=12))
@check
def test_conflicting_bytes_are_what_a_linux_receiver_reads(new_wire, segments) -> None:
    wire = new_wire()
    talk = wire.talk().open()
    for start, data in segments:
        segment(talk, start, data)
    stream = wire.connection().from_client

    found = {n: stream.read(n, 1)[0] for n in range(stream.length) if stream.packet_at(n)}

    assert found == reference(segments)


@given(order=st.permutations(range(9)))
@check
def test_the_order_of_capture_does_not_matter(new_wire, order) -> None:
    wire = new_wire()
    wire.talk().open().ask(b"one").answer(b"ONE").ask(b"two").answer(b"TWO").ask(b"three").answer(b"THREE")

    found = wire.shuffled(list(order)).connection()

    assert gapless(found.from_client) == b"onetwothree"
    assert gapless(found.from_server) == b"ONETWOTHREE"


def taken(position, usable, captured, *, as_cut: bool, compile_rows: int = 1 << 60) -> tuple[object, ...]:
    """The pieces of two lanes, whose segments are taken as they come, or by what those before leave to each."""
    size, half = len(position), len(position) // 2
    lanes, order = np.array([0, half, size]), np.arange(size)
    cut_starts, index, begin = np.zeros(3, np.int64), order[:0], order[:0]
    if as_cut:
        found = [
            (i, max(position[i], before, 0))
            for lane in (range(half), range(half, size))
            for i in lane
            for before in [max((position[k] + usable[k] for k in range(lane.start, i)), default=0)]
            if position[i] + usable[i] > max(before, 0)
        ]
        index, begin = np.array(found, np.int64).reshape(-1, 2).T.copy()
        cut_starts = np.searchsorted(index, lanes)
    pieces, notes = np.zeros((2, 4, size), np.int64)
    starts, counts = np.zeros(3, np.int64), np.zeros(2, np.int64)
    columns = captured.astype(np.uint32), order * 100, order, position, usable
    cuts = index, begin, cut_starts
    arguments = columns, lanes, cuts, pieces, starts, notes, counts
    count = run_kernel(take_pieces, 0, *arguments, compile_rows=compile_rows)
    broken, repeated = counts.tolist()
    tables = pieces[:, :count].tolist(), starts.tolist(), notes[:2, :broken].tolist()
    return tables if as_cut else (*tables, notes[2, :repeated].tolist())


segments_in_order = st.lists(
    st.tuples(st.integers(-4, 0), st.integers(1, 9), st.integers(0, 9)), min_size=2, max_size=30
)


def in_order(rows) -> tuple[np.ndarray, ...]:
    """Position, length and captured length of segments of two lanes, none of which comes before its place is there."""
    step, usable, captured = np.array(rows, np.int64).T
    position = np.zeros(len(rows), np.int64)
    for lane in (range(len(rows) // 2), range(len(rows) // 2, len(rows))):
        reached = 0
        for i in lane:
            position[i] = reached + step[i]
            reached = max(reached, position[i] + usable[i])
    return position, usable.copy(), captured.copy()


@given(rows=segments_in_order)
@check
def test_segments_that_come_in_order_are_taken_as_if_they_had_waited(rows) -> None:
    columns = in_order(rows)

    assert taken(*columns, as_cut=False)[:3] == taken(*columns, as_cut=True)


@given(rows=segments_in_order)
@check
def test_what_is_not_all_taken_is_noted_as_repeated(rows) -> None:
    position, usable, captured = in_order(rows)
    half = len(rows) // 2
    reached = [
        max((position[k] + usable[k] for k in range(0 if i < half else half, i)), default=0) for i in range(len(rows))
    ]

    noted = taken(position, usable, captured, as_cut=False)[3]

    assert noted == [i for i in range(len(rows)) if position[i] < max(reached[i], 0)]


@given(rows=segments_in_order, as_cut=st.booleans())
@settings(max_examples=40, deadline=None)
def test_the_compiled_pieces_are_the_plain_ones(rows, as_cut: bool) -> None:
    columns = in_order(rows)

    assert taken(*columns, as_cut=as_cut, compile_rows=0) == taken(*columns, as_cut=as_cut)
