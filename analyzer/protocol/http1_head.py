"""Heads of HTTP/1 messages (RFC 9112 sections 2 to 5): where they end, and their lines. Lenient, and says where.

What Envoy's codec would refuse (its BalsaParser) is kept as it was sent and noted as an oddity.
"""

from __future__ import annotations

import re
from sys import intern
from typing import NamedTuple

from analyzer.base.oddity import Code, Family, Level
from analyzer.base.stream import Stream
from analyzer.protocol.facts import Headers
from analyzer.protocol.notes import Notes

# HttpConnectionManager.max_request_headers_kb, default: beyond it Envoy answers 431.
ENVOY_MAX_REQUEST_HEAD_LEN = 60 * 1024
# MAX_RESPONSE_HEADERS_KB of Envoy's HTTP/1 codec: beyond it Envoy answers its own client with 502.
ENVOY_MAX_RESPONSE_HEAD_LEN = 80 * 1024
# core.v3.HttpProtocolOptions.max_headers_count, default: beyond it Envoy answers 431.
ENVOY_MAX_HEADERS = 100
# What we read of a head that has no end, and how many of its lines we keep.
MAX_HEAD_LEN = 128 * 1024
MAX_HEADERS = 1000
# Nearly every head fits in the first read.
_FIRST_READ = 2048

HEAD_TOO_LARGE = Code(
    "http1-head-too-large",
    Family.LIMIT,
    Level.WARNING,
    "a message head is larger than Envoy reads",
    "Envoy answers 431 to a request head beyond max_request_headers_kb (60 by default), and takes a response head "
    "beyond 80 KiB for a protocol error of the server.",
)
TOO_MANY_HEADERS = Code(
    "http1-too-many-headers",
    Family.LIMIT,
    Level.WARNING,
    "a message head has {count} headers",
    "Envoy answers 431 to a request with more than max_headers_count headers (100 by default).",
)
OBS_FOLD = Code(
    "http1-obs-fold",
    Family.PROTOCOL,
    Level.INFO,
    "header {name} is folded over several lines",
    "Obsolete line folding (RFC 9112 section 5.2); Envoy joins the lines.",
)
BARE_LINE_FEED = Code(
    "http1-bare-line-feed",
    Family.PROTOCOL,
    Level.INFO,
    "lines end in LF without CR",
    "RFC 9112 section 2.2 lets a recipient accept it, and Envoy does.",
)
BAD_HEADER = Code(
    "http1-bad-header",
    Family.PROTOCOL,
    Level.WARNING,
    "a header line is not 'name: value'",
    "No colon, a name that is no token, a blank before the colon, or a control character: Envoy answers 400.",
)
LEADING_BLANK_LINE = Code(
    "http1-leading-blank-line",
    Family.PROTOCOL,
    Level.INFO,
    "blank lines stand before a message",
    "Servers skip them (RFC 9112 section 2.2); at the start of a connection Envoy's HTTP inspector does not, "
    "and takes the connection for opaque TCP.",
)

# A head ends at the first empty line; CR is optional (RFC 9112 section 2.2).
HEAD_END = re.compile(rb"\n\r?\n")
_CLEAN_HEAD = re.compile(rb"[^\r\n\0]*+(?:\r\n[!#$%&'*+\-.^_`|~0-9A-Za-z]++:[^\r\n\0]*+)*+\Z")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


class Head(NamedTuple):
    """The lines of one head; ``start`` is after blank lines, ``rest`` are bytes after it that were read with it.

    Not ``whole``: its end was not seen, ``end`` is where the bytes stop, and ``headers`` are the complete lines.
    """

    first_line: str
    headers: Headers
    start: int
    end: int
    whole: bool
    rest: bytes


def read_head(stream: Stream, position: int, notes: Notes, *, from_client: bool) -> Head | None:
    """The head at ``position``, or None when not even its first line is there."""
    size = _FIRST_READ
    data = stream.read(position, size)
    start = position
    if data[:1] in (b"\r", b"\n"):
        start += len(data) - len(data.lstrip(b"\r\n"))
        notes.odd(LEADING_BLANK_LINE, from_client=from_client, offset=position)
        data = stream.read(start, size)
    end = HEAD_END.search(data)
    while end is None and len(data) == size and size < MAX_HEAD_LEN:
        size = min(size * 8, MAX_HEAD_LEN)
        data = stream.read(start, size)
        end = HEAD_END.search(data)
    if end is None:
        return _unfinished(data, start, notes, from_client=from_client)
    _check_size(end.end(), start, notes, from_client=from_client)
    head = data[: end.start()].removesuffix(b"\r")
    lines, headers = split_lines(head, notes, from_client=from_client, offset=start)
    return Head(lines, headers, start, start + end.end(), True, data[end.end() :])


def _unfinished(data: bytes, start: int, notes: Notes, *, from_client: bool) -> Head | None:
    """What the complete lines of a cut head say."""
    last = data.rfind(b"\n")
    if last < 0:
        return None
    _check_size(len(data), start, notes, from_client=from_client)
    first_line, headers = split_lines(data[:last].removesuffix(b"\r"), notes, from_client=from_client, offset=start)
    return Head(first_line, headers, start, start + len(data), False, b"")


def _check_size(size: int, start: int, notes: Notes, *, from_client: bool) -> None:
    if size > (ENVOY_MAX_REQUEST_HEAD_LEN if from_client else ENVOY_MAX_RESPONSE_HEAD_LEN):
        notes.odd(HEAD_TOO_LARGE, from_client=from_client, offset=start)


def split_lines(head: bytes, notes: Notes, *, from_client: bool, offset: int) -> tuple[str, Headers]:
    """The first line and the headers of a head without its last line end."""
    if _CLEAN_HEAD.match(head) is None:
        return _split_odd_lines(head, notes, from_client=from_client, offset=offset)
    first_line, *lines = head.decode("latin-1").split("\r\n")
    if len(lines) > ENVOY_MAX_HEADERS:
        notes.odd(TOO_MANY_HEADERS, from_client=from_client, offset=offset, count=len(lines))
    headers = []
    for line in lines[:MAX_HEADERS]:
        name, _, value = line.partition(":")
        # A capture has few names and many heads: one string for each name keeps heads small.
        headers.append((intern(name.lower()), value.strip(" \t")))
    return first_line, tuple(headers)


def _split_odd_lines(head: bytes, notes: Notes, *, from_client: bool, offset: int) -> tuple[str, Headers]:
    first_line, *lines = head.decode("latin-1").split("\n")
    if not first_line.endswith("\r") or any(not line.endswith("\r") for line in lines[:-1]):
        notes.odd(BARE_LINE_FEED, from_client=from_client, offset=offset)
    if len(lines) > ENVOY_MAX_HEADERS:
        notes.odd(TOO_MANY_HEADERS, from_client=from_client, offset=offset, count=len(lines))
    headers: list[tuple[str, str]] = []
    for line in lines[:MAX_HEADERS]:
        text = line.removesuffix("\r")
        if text[:1] in (" ", "\t") and headers:
            (name, value), folded = headers[-1], text.strip(" \t")
            notes.odd(OBS_FOLD, from_client=from_client, offset=offset, name=name)
            headers[-1] = (name, f"{value} {folded}".strip(" "))
            continue
        name, colon, value = text.partition(":")
        if not colon or _TOKEN.fullmatch(name) is None or "\r" in value or "\0" in value:
            notes.odd(BAD_HEADER, from_client=from_client, offset=offset)
        # Envoy, were it to go on, drops CR from values (BalsaParser, as http-parser did).
        headers.append((name.strip(" \t").lower(), value.replace("\r", "").strip(" \t")))
    return first_line.removesuffix("\r"), tuple(headers)
