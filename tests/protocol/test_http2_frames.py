import pytest

from analyzer.base.stream import Stream
from analyzer.protocol.http2_frames import looks_like_frames, read_frame

SETTINGS, PING, GOAWAY = 4, 6, 7


def test_a_frame_header_says_where_the_frame_lies(say) -> None:
    frame = read_frame(Stream.of(b"xx" + say.frame(1, 5, 0x8000_0003, b"abc")), 2)

    assert frame == (1, 5, 3, 2, 11, 14)
    assert frame.size == 3


def test_half_a_header_is_no_frame(say) -> None:
    assert read_frame(Stream.of(say.frame(0, 0, 1)[:8]), 0) is None


@pytest.mark.parametrize(
    ("kind", "flags", "stream_id", "size"),
    [
        *((0, 0x09, 1, 10), (1, 0x2D, 1, 10), (2, 0, 1, 5), (3, 0, 1, 4), (4, 1, 0, 0), (4, 0, 0, 12)),
        *((6, 1, 0, 8), (7, 0, 0, 8), (8, 0, 0, 4), (8, 0, 5, 4), (9, 4, 1, 3)),
    ],
)
def test_frames_of_every_kind_are_plausible(kind: int, flags: int, stream_id: int, size: int, say) -> None:
    data = say.frame(kind, flags, stream_id, bytes(size)) + say.frame(PING, 0, 0, bytes(8))

    assert looks_like_frames(Stream.of(data), 0)


@pytest.mark.parametrize(
    ("kind", "flags", "stream_id", "size"),
    [(10, 0, 0, 0), (0, 0x40, 1, 1), (0, 0, 0, 1), (3, 0, 1, 5), (4, 0, 1, 0), (4, 0, 0, 7), (1, 4, 1, 16_385)],
)
def test_frames_that_break_a_rule_are_not(kind: int, flags: int, stream_id: int, size: int, say) -> None:
    data = say.frame(kind, flags, stream_id, bytes(size)) + say.frame(PING, 0, 0, bytes(8))

    assert not looks_like_frames(Stream.of(data), 0)


def test_the_last_frame_must_end_where_the_bytes_do(say) -> None:
    ping, data = say.frame(PING, 0, 0, bytes(8)), say.frame(0, 0, 1, b"x")

    assert looks_like_frames(Stream.of(ping), 0)
    assert not looks_like_frames(Stream.of(ping + b"x"), 0)
    assert not looks_like_frames(Stream.of(data), 0)


def test_what_follows_a_frame_must_be_one(say) -> None:
    assert not looks_like_frames(Stream.of(say.frame(PING, 0, 0, bytes(8)) + b"not a frame"), 0)
