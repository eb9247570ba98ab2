"""HTTP/2 frames (RFC 9113 section 4.1): headers of nine bytes, walked without copying what is in DATA."""

from __future__ import annotations

from typing import NamedTuple

from analyzer.base.stream import Stream

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
FRAME_HEADER_LEN = 9

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM = END_ACK = 0x1
END_HEADERS, PADDED, PRIORITY_FLAG = 0x4, 0x8, 0x20

# The largest frame without a SETTINGS_MAX_FRAME_SIZE (RFC 9113 section 6.5.2).
_USUAL_FRAME_LEN = 1 << 14
# Flags that each type defines, fixed lengths, and whether it belongs to a stream (RFC 9113 section 6).
FLAGS = (0x09, 0x2D, 0x00, 0x00, 0x01, 0x0C, 0x01, 0x00, 0x00, 0x04)
_LENGTHS = {PRIORITY: 5, RST_STREAM: 4, PING: 8, WINDOW_UPDATE: 4}
_ON_STREAM = (DATA, HEADERS, PRIORITY, RST_STREAM, PUSH_PROMISE, CONTINUATION)
_ON_CONNECTION = (SETTINGS, PING, GOAWAY)


class Frame(NamedTuple):
    """A frame header and where the frame lies: ``start`` to ``body`` the header, to ``end`` the payload."""

    kind: int
    flags: int
    stream_id: int
    start: int
    body: int
    end: int

    @property
    def size(self) -> int:
        """The length of the payload."""
        return self.end - self.body


def read_frame(stream: Stream, position: int) -> Frame | None:
    """The frame header at ``position``, or None when its nine bytes are not there."""
    header = stream.read(position, FRAME_HEADER_LEN)
    if len(header) < FRAME_HEADER_LEN:
        return None
    body = position + FRAME_HEADER_LEN
    return Frame(
        header[3],
        header[4],
        int.from_bytes(header[5:], "big") & 0x7FFF_FFFF,
        position,
        body,
        body + int.from_bytes(header[:3], "big"),
    )


def is_plausible(frame: Frame) -> bool:
    """Whether a frame header keeps the rules of its type: for finding frames in the middle of a connection."""
    if frame.kind > CONTINUATION or frame.flags & ~FLAGS[frame.kind] or frame.size > _USUAL_FRAME_LEN:
        return False
    if frame.size != _LENGTHS.get(frame.kind, frame.size):
        return False
    if frame.kind in _ON_STREAM:
        return frame.stream_id > 0
    if frame.kind in _ON_CONNECTION:
        return frame.stream_id == 0 and (frame.kind != SETTINGS or frame.size % 6 == 0)
    return True


def looks_like_frames(stream: Stream, position: int) -> bool:
    """Whether frames fit at ``position``: two in a row, or one that ends where the bytes end and is no DATA."""
    frame = read_frame(stream, position)
    if frame is None or not is_plausible(frame):
        return False
    behind = read_frame(stream, frame.end)
    if behind is not None:
        return is_plausible(behind)
    ends_with_the_bytes = stream.piece_at(frame.end - 1) >= 0 and not stream.read(frame.end, 1)
    return frame.kind != DATA and ends_with_the_bytes
