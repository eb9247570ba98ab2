"""What the frames of one direction of an HTTP/2 connection say, one event at a time (RFC 9113 section 6)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from analyzer.base.oddity import Code, Family, Level
from analyzer.base.stream import Stream
from analyzer.protocol.facts import Headers
from analyzer.protocol.http2_frames import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PADDED,
    PRIORITY_FLAG,
    PUSH_PROMISE,
    RST_STREAM,
    Frame,
    looks_like_frames,
    read_frame,
)
from analyzer.protocol.http2_headers import HeaderBlock, HeaderDecoder
from analyzer.protocol.notes import GAP, Notes
from analyzer.protocol.resync import next_fit

# A header block that is longer, or comes in more frames, is not read (CVE-2024-27316 and its family).
MAX_HEADER_BLOCK_LEN = 64 * 1024
MAX_CONTINUATIONS = 1024

BAD_FRAME = Code(
    "h2-bad-frame",
    Family.PROTOCOL,
    Level.WARNING,
    "a frame breaks the rules of HTTP/2",
    "Padding beyond the frame, a header block that another frame interrupts, or a stream number where none may be. "
    "Envoy closes the connection (GOAWAY); nothing behind it is read.",
)
CONTINUATION_FLOOD = Code(
    "h2-continuation-flood",
    Family.LIMIT,
    Level.WARNING,
    "a header block is spread over too many CONTINUATION frames",
    "Reading stops: a known way to exhaust servers. Envoy's codec closes such a connection.",
)
GOING_AWAY = Code(
    "h2-goaway",
    Family.PROTOCOL,
    Level.INFO,
    "the connection was given up with error code {error}",
    "GOAWAY with an error (RFC 9113 section 7): streams above the last one it names were not processed.",
)


class HeadersEvent(NamedTuple):
    """A header block; not ``whole``: some of its headers are not known. ``ends``: it ends its stream's direction.

    ``capitals``: a name of a header was sent with one.
    """

    stream_id: int
    headers: Headers
    whole: bool
    start: int
    end: int
    ends: bool
    capitals: bool = False


class DataEvent(NamedTuple):
    """Body bytes at ``position``, without padding; ``end`` is after the frame."""

    stream_id: int
    position: int
    size: int
    end: int
    ends: bool


class ResetEvent(NamedTuple):
    """RST_STREAM with its error code."""

    stream_id: int
    error: int


Event = HeadersEvent | DataEvent | ResetEvent


class _Block(NamedTuple):
    """A header block over its frames; ``data`` is None where a gap or the end of what was sent hides some of it."""

    data: bytes | None
    end: int


class _Broken(Exception):  # noqa: N818
    """The rules of framing are broken: nothing behind this can be trusted. Caught by ``walk_events``."""


def walk_events(
    stream: Stream, position: int, decoder: HeaderDecoder, notes: Notes, *, from_client: bool
) -> Iterator[Event]:
    """The events of the frames from ``position``, a frame boundary; after a gap, from the next one that fits."""
    at: int | None = position
    while at is not None and at < stream.length:
        frame = read_frame(stream, at)
        if frame is None:
            if stream.contiguous_end(at) >= stream.length:
                return
            notes.lack(GAP)
            decoder.lose_state()
            at = next_fit(stream, at + 1, looks_like_frames)
            continue
        try:
            event, at = _read(stream, frame, decoder)
        except _Broken as broken:
            notes.odd(broken.args[0], from_client=from_client, offset=frame.start)
            return
        if frame.kind == GOAWAY:
            _note_goaway(stream, frame, notes, from_client=from_client)
        if event is not None:
            yield event


def _read(stream: Stream, frame: Frame, decoder: HeaderDecoder) -> tuple[Event | None, int]:
    """The event of a frame, if it is one, and where the next frame begins."""
    if frame.kind in (HEADERS, PUSH_PROMISE):
        return _read_headers(stream, frame, decoder)
    if frame.kind == CONTINUATION:
        # Without a HEADERS frame before it: the capture begins, or goes on, inside a header block.
        decoder.lose_state()
    elif frame.kind in (DATA, RST_STREAM) and frame.stream_id == 0:
        raise _Broken(BAD_FRAME)
    elif frame.kind == DATA:
        position, size = _unpadded(stream, frame)
        return DataEvent(frame.stream_id, position, size, frame.end, bool(frame.flags & END_STREAM)), frame.end
    elif frame.kind == RST_STREAM:
        return ResetEvent(frame.stream_id, int.from_bytes(stream.read(frame.body, 4), "big")), frame.end
    return None, frame.end


def _unpadded(stream: Stream, frame: Frame) -> tuple[int, int]:
    """Where a payload lies between its pad length and its padding (RFC 9113 section 6.1)."""
    if not frame.flags & PADDED:
        return frame.body, frame.size
    pad = stream.read(frame.body, 1)
    size = frame.size - 1 - (pad[0] if pad else 0)
    if size < 0:
        raise _Broken(BAD_FRAME)
    return frame.body + 1, size


def _read_headers(stream: Stream, frame: Frame, decoder: HeaderDecoder) -> tuple[Event | None, int]:
    """HEADERS or PUSH_PROMISE with its CONTINUATION frames; both change the decoder's state."""
    if frame.stream_id == 0:
        raise _Broken(BAD_FRAME)
    block = _read_block(stream, frame)
    if block.data is None and stream.contiguous_end(frame.start) >= stream.length:
        return None, stream.length
    if block.data is None:
        decoder.lose_state()
        found = HeaderBlock((), False)
    else:
        found = decoder.decode(block.data, frame.start)
    if frame.kind == PUSH_PROMISE:
        return None, block.end
    ends = bool(frame.flags & END_STREAM)
    event = HeadersEvent(frame.stream_id, found.headers, found.whole, frame.start, block.end, ends, found.capitals)
    return event, block.end


def _read_block(stream: Stream, frame: Frame) -> _Block:
    position, size = _unpadded(stream, frame)
    extra = 4 if frame.kind == PUSH_PROMISE else 5 if frame.flags & PRIORITY_FLAG else 0
    if size < extra:
        raise _Broken(BAD_FRAME)
    parts = [_payload(stream, position + extra, size - extra)]
    end, flags, total = frame.end, frame.flags, size
    while not flags & END_HEADERS:
        more = read_frame(stream, end)
        if more is None:
            return _Block(None, end)
        if more.kind != CONTINUATION or more.stream_id != frame.stream_id:
            raise _Broken(BAD_FRAME)
        total += more.size
        if len(parts) > MAX_CONTINUATIONS or total > MAX_HEADER_BLOCK_LEN:
            raise _Broken(CONTINUATION_FLOOD)
        parts.append(_payload(stream, more.body, more.size))
        end, flags = more.end, more.flags
    return _Block(None if None in parts else b"".join(part for part in parts if part), end)


def _payload(stream: Stream, position: int, size: int) -> bytes | None:
    """Exactly these bytes, or None where some are not there."""
    if size > MAX_HEADER_BLOCK_LEN:
        raise _Broken(CONTINUATION_FLOOD)
    data = stream.read(position, size)
    return data if len(data) == size else None


def _note_goaway(stream: Stream, frame: Frame, notes: Notes, *, from_client: bool) -> None:
    error = int.from_bytes(stream.read(frame.body + 4, 4), "big")
    if error:
        notes.odd(GOING_AWAY, from_client=from_client, offset=frame.start, error=error)
