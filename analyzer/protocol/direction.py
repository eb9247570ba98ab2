"""Which end of a connection is the client, by what it says: for captures that begin after the handshake."""

from __future__ import annotations

from itertools import islice

from analyzer.base.stream import Stream
from analyzer.protocol.http2_frames import HEADERS, PREFACE, PRIORITY_FLAG, looks_like_frames, read_frame
from analyzer.protocol.resync import is_request_at, is_response_at
from analyzer.protocol.tls_records import HANDSHAKE, HEADER_LEN, is_record_header

# How many captured pieces, and from each how many frames, are looked at.
_MAX_PIECES = 32
_MAX_FRAMES = 8
_CLIENT_HELLO, _SERVER_HELLO = 1, 2
# First byte of a header block that begins with :authority, :method, :path or :scheme, or else with :status, as an
# entry of the static table or a literal under its name (RFC 7541 appendix A); RFC 9113 section 8.3 puts these first.
_REQUEST_BLOCK = frozenset((*range(0x81, 0x88), *range(0x41, 0x48), *range(0x01, 0x08)))
_RESPONSE_BLOCK = frozenset((*range(0x88, 0x8F), *range(0x48, 0x4F), *range(0x08, 0x0F)))


def roles_reversed(from_client: Stream, from_server: Stream) -> bool:
    """Whether the one taken for the client answers, or the one taken for the server asks; False when in doubt."""
    as_taken = _asks(from_client) or _answers(from_server)
    return not as_taken and (_asks(from_server) or _answers(from_client))


def _asks(stream: Stream) -> bool:
    return any(
        is_request_at(stream, start)
        or stream.read(start, len(PREFACE)) == PREFACE
        or _begins_handshake(stream, start, _CLIENT_HELLO)
        or _first_block_byte(stream, start) in _REQUEST_BLOCK
        for start in islice(stream.starts, _MAX_PIECES)
    )


def _answers(stream: Stream) -> bool:
    return any(
        is_response_at(stream, start)
        or _begins_handshake(stream, start, _SERVER_HELLO)
        or _first_block_byte(stream, start) in _RESPONSE_BLOCK
        for start in islice(stream.starts, _MAX_PIECES)
    )


def _begins_handshake(stream: Stream, position: int, kind: int) -> bool:
    data = stream.read(position, HEADER_LEN + 1)
    return is_record_header(data[:HEADER_LEN]) and data[0] == HANDSHAKE and data[HEADER_LEN:] == bytes((kind,))


def _first_block_byte(stream: Stream, position: int) -> int | None:
    """The first byte of the first header block among the frames at ``position``, None where there is none."""
    if not looks_like_frames(stream, position):
        return None
    for _ in range(_MAX_FRAMES):
        frame = read_frame(stream, position)
        if frame is None:
            return None
        if frame.kind == HEADERS:
            skipped = 5 if frame.flags & PRIORITY_FLAG else 0
            return next(iter(stream.read(frame.body + skipped, 1)), None)
        position = frame.end
    return None
