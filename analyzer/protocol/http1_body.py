"""Where an HTTP/1 message ends (RFC 9112 section 6). Bodies are stepped over by arithmetic, also across gaps."""

from __future__ import annotations

import re
from typing import NamedTuple

from analyzer.base.oddity import Code, Family, Level
from analyzer.base.stream import Stream
from analyzer.protocol.facts import Headers
from analyzer.protocol.http1_head import HEAD_END, split_lines
from analyzer.protocol.notes import GAP, Notes

# Kinds of framing that are no length.
NO_LENGTH, CHUNKED, BROKEN = -1, -2, -3
# How much of a body Response.body keeps.
BODY_PREVIEW_LEN = 128
# A chunk-size line, with its extensions, and a trailer section longer than this are not read.
MAX_CHUNK_LINE_LEN = 4096
MAX_TRAILER_LEN = 16 * 1024
_FIRST_READ = 64

BAD_CONTENT_LENGTH = Code(
    "http1-bad-content-length",
    Family.PROTOCOL,
    Level.WARNING,
    "Content-Length is not one decimal number",
    "Where the message ends is a matter of opinion; Envoy answers 400, and nothing behind it is read as a request.",
)
CONTENT_LENGTH_CONFLICT = Code(
    "http1-content-length-conflict",
    Family.PROTOCOL,
    Level.WARNING,
    "several Content-Length headers",
    "A known way to smuggle requests (RFC 9112 section 6.3): Envoy answers 400. The first one is followed here.",
)
LENGTH_AND_CHUNKED = Code(
    "http1-content-length-and-chunked",
    Family.PROTOCOL,
    Level.WARNING,
    "both Content-Length and Transfer-Encoding",
    "A known way to smuggle requests (RFC 9112 section 6.3): Envoy answers 400 unless allow_chunked_length is set. "
    "Transfer-Encoding is followed here, as the RFC says.",
)
BAD_TRANSFER_ENCODING = Code(
    "http1-bad-transfer-encoding",
    Family.PROTOCOL,
    Level.WARNING,
    "Transfer-Encoding is not 'chunked'",
    "Envoy answers 501 to a transfer coding other than chunked.",
)
BAD_CHUNK = Code(
    "http1-bad-chunk",
    Family.PROTOCOL,
    Level.WARNING,
    "a chunk does not begin with its size in hexadecimal digits",
    "The message cannot be followed to its end; Envoy answers 400 and nothing behind it is read.",
)
LAX_CHUNK = Code(
    "http1-lax-chunk",
    Family.PROTOCOL,
    Level.WARNING,
    "a chunk has blanks, or a line end without CR, that servers read in different ways",
    "A known way to smuggle requests (RFC 9112 section 7.1 allows neither); it is read as Envoy reads it.",
)

_DIGITS = re.compile(r"[0-9]{1,19}")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\n]*)?\r?\n")
_CHUNK_SIZE_BEGUN = re.compile(rb"\r?|[0-9A-Fa-f]{0,16}(?:[ \t]*(?:;[^\n]*)?\r?)?")


class Body(NamedTuple):
    """What is known of a message's body.

    ``end`` is where the message ends, None where that is not known; ``reached`` is how far it was followed;
    ``first`` where its first body bytes lie, as position and length; ``lost``: a gap hides its end.
    """

    end: int | None
    reached: int
    first: tuple[int, int]
    trailers: Headers = ()
    lost: bool = False

    @classmethod
    def none(cls, position: int) -> Body:
        """No body: the message ends with its head."""
        return cls(position, position, (position, 0))


def framing(fields: dict[str, str], headers: Headers, notes: Notes, *, from_client: bool, offset: int) -> int:
    """The body's length in bytes, or NO_LENGTH, CHUNKED or BROKEN. ``fields`` are ``headers`` as a dictionary."""
    coding = fields.get("transfer-encoding")
    length = fields.get("content-length")
    if coding is not None:
        if length is not None:
            notes.odd(LENGTH_AND_CHUNKED, from_client=from_client, offset=offset)
        if coding.lower() == "chunked":
            return CHUNKED
        notes.odd(BAD_TRANSFER_ENCODING, from_client=from_client, offset=offset)
        # RFC 9112 section 6.3: chunked as the last coding still frames the message.
        return CHUNKED if coding.lower().rpartition(",")[2].strip() == "chunked" else BROKEN
    if length is None:
        return NO_LENGTH
    if len(fields) != len(headers):
        lengths = [value for name, value in headers if name == "content-length"]
        if len(lengths) > 1:
            notes.odd(CONTENT_LENGTH_CONFLICT, from_client=from_client, offset=offset)
            length = lengths[0]
    if _DIGITS.fullmatch(length) is None:
        notes.odd(BAD_CONTENT_LENGTH, from_client=from_client, offset=offset)
        return BROKEN
    return int(length)


def walk_chunks(stream: Stream, position: int, notes: Notes, *, from_client: bool) -> Body:
    """Follow a chunked body from its first chunk-size line (RFC 9112 section 7.1)."""
    first = (position, 0)
    at = position
    line = stream.read(at, _FIRST_READ)
    while True:
        match = _CHUNK_SIZE.match(line)
        if match is None and len(line) == _FIRST_READ:
            line = stream.read(at, MAX_CHUNK_LINE_LEN)
            match = _CHUNK_SIZE.match(line)
        if match is None:
            return _no_chunk(stream, at, line, first, notes, from_client=from_client)
        size = int(match[1], 16)
        if line[match.end(1) : match.end(1) + 1] not in (b"\r", b";") or match[0][-2:] != b"\r\n":
            notes.odd(LAX_CHUNK, from_client=from_client, offset=at)
        at += match.end()
        if size == 0:
            return _walk_trailers(stream, at, first, notes, from_client=from_client)
        if first[1] == 0:
            first = (at, size)
        at += size
        line = stream.read(at, _FIRST_READ + 2)
        if line[:1] not in (b"\r", b"\n"):
            return _no_chunk(stream, at, line, first, notes, from_client=from_client)
        ending = 2 if line[:2] == b"\r\n" else 1
        if line[:1] == b"\n":
            notes.odd(LAX_CHUNK, from_client=from_client, offset=at)
        at += ending
        line = line[ending : ending + _FIRST_READ]


def _no_chunk(stream: Stream, at: int, line: bytes, first: tuple[int, int], notes: Notes, *, from_client: bool) -> Body:
    """The walk cannot go on: a gap, the end of what was sent so far, or something that is no chunk."""
    if len(line) < _FIRST_READ and stream.contiguous_end(at) < stream.length:
        notes.lack(GAP)
        return Body(None, at, first, lost=True)
    if len(line) >= _FIRST_READ or _CHUNK_SIZE_BEGUN.fullmatch(line) is None:
        notes.odd(BAD_CHUNK, from_client=from_client, offset=at)
    return Body(None, at, first)


def _walk_trailers(stream: Stream, at: int, first: tuple[int, int], notes: Notes, *, from_client: bool) -> Body:
    data = stream.read(at, 2)
    if data == b"\r\n":
        return Body(at + 2, at + 2, first)
    if data[:1] == b"\n":
        return Body(at + 1, at + 1, first)
    data = stream.read(at, MAX_TRAILER_LEN)
    end = HEAD_END.search(data)
    if end is None:
        lost = len(data) < MAX_TRAILER_LEN and stream.contiguous_end(at) < stream.length
        if lost:
            notes.lack(GAP)
        return Body(None, at, first, lost=lost)
    # A trailer section is a head without a first line.
    section = b"-\r\n" + data[: end.start()].removesuffix(b"\r")
    _, trailers = split_lines(section, notes, from_client=from_client, offset=at)
    return Body(at + end.end(), at + end.end(), first, trailers)
