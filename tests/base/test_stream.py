"""A Stream against the simplest model there is: a dictionary from position to (byte, packet)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.stream import End, Stream

Model = dict[int, tuple[int, int]]


def build(pieces: list[tuple[int, bytes]], tail_gap: int = 0) -> tuple[Stream, Model]:
    """A stream of (gap before it, bytes) pieces, laid into the buffer in reverse so that order there means nothing."""
    starts, lengths, offsets = [], [], []
    position = 0
    buffer = b"".join(data for _, data in reversed(pieces))
    end = len(buffer)
    model: Model = {}
    for i, (gap, data) in enumerate(pieces):
        position += gap
        end -= len(data)
        starts.append(position)
        lengths.append(len(data))
        offsets.append(end)
        model |= {position + k: (byte, i + 1) for k, byte in enumerate(data)}
        position += len(data)
    packets = list(range(1, len(pieces) + 1))
    times = [1000 * packet for packet in packets]
    stream = Stream(memoryview(buffer), starts, offsets, lengths, packets, times, position + tail_gap, True)
    return stream, model


streams = st.builds(
    build,
    st.lists(st.tuples(st.integers(0, 3), st.binary(min_size=1, max_size=5)), max_size=6),
    st.integers(0, 3),
)
positions = st.integers(0, 60)
check = settings(max_examples=100, deadline=None)


@given(built=streams, position=positions, size=st.integers(-1, 60))
@check
def test_read_gives_the_bytes_up_to_the_first_gap(built: tuple[Stream, Model], position: int, size: int) -> None:
    stream, model = built
    expected = bytearray()
    while len(expected) < size and position + len(expected) in model:
        expected.append(model[position + len(expected)][0])

    assert stream.read(position, size) == bytes(expected)


@given(built=streams, position=positions)
@check
def test_contiguous_end_is_the_first_position_without_a_byte(built: tuple[Stream, Model], position: int) -> None:
    stream, model = built
    end = position
    while end in model:
        end += 1

    assert stream.contiguous_end(position) == end


@given(built=streams, position=positions)
@check
def test_next_data_is_the_first_position_with_a_byte(built: tuple[Stream, Model], position: int) -> None:
    stream, model = built

    assert stream.next_data(position) == min((p for p in model if p >= position), default=None)


@given(built=streams, position=positions)
@check
def test_every_byte_knows_its_packet_and_time(built: tuple[Stream, Model], position: int) -> None:
    stream, model = built
    _, packet = model.get(position, (0, 0))

    assert (stream.packet_at(position), stream.time_at(position)) == (packet, 1000 * packet)


@given(built=streams)
@check
def test_captured_counts_the_bytes_and_not_the_gaps(built: tuple[Stream, Model]) -> None:
    stream, model = built

    assert stream.captured == len(model) <= stream.length


@given(built=streams)
@check
def test_walking_from_data_to_gap_visits_every_byte_once(built: tuple[Stream, Model]) -> None:
    stream, model = built
    walked = b""
    position = stream.next_data(0)
    while position is not None:
        end = stream.contiguous_end(position)
        walked += stream.read(position, end - position)
        position = stream.next_data(end)

    assert walked == bytes(model[p][0] for p in sorted(model))


@pytest.mark.parametrize("data", [b"", b"GET / HTTP/1.1\r\n\r\n"])
def test_a_stream_of_bytes_holds_just_those(data: bytes) -> None:
    stream = Stream.of(data, from_start=False, end=End.FIN)

    assert (stream.read(0, 100), stream.length, stream.from_start, stream.end) == (data, len(data), False, End.FIN)


def test_nothing_lies_before_the_first_byte() -> None:
    stream = Stream.of(b"x")

    assert (stream.read(-1, 1), stream.piece_at(-1), stream.next_data(-1)) == (b"", -1, 0)


def test_a_byte_that_was_cut_away_came_with_the_packet_before_it() -> None:
    stream = Stream(memoryview(b"abcd"), [0, 10], [0, 2], [2, 2], [3, 5], [0, 0], 20, True)

    assert [stream.packet_up_to(at) for at in (0, 1, 9, 10, 19)] == [3, 3, 3, 5, 5]
    assert Stream.of(b"").packet_up_to(4) == 0
