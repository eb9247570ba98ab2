"""The plain HTTP/1.1 connection, which most are: every request answered in turn, every head in one segment.

Gives what ``http1`` gives, in a fraction of its time, or nothing at all: whatever is unusual is for the whole parser.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from sys import intern
from typing import NamedTuple

from analyzer.base.stream import Stream
from analyzer.protocol.facts import Exchange, Headers, Request, Response
from analyzer.protocol.http1_body import BODY_PREVIEW_LEN, walk_chunks
from analyzer.protocol.http1_head import ENVOY_MAX_HEADERS
from analyzer.protocol.http1_refusal import AUTHORITY
from analyzer.protocol.http1_responses import grpc_status
from analyzer.protocol.notes import Notes
from analyzer.protocol.request_line import KNOWN_METHODS

# How much of a segment is looked at for the end of a head.
_MAX_HEAD_LEN = 2048
_REQUEST_LINE = re.compile(r"([A-Z]+) (/[!-~]*) HTTP/1\.1")
_STATUS_LINE = re.compile(r"HTTP/[0-9]\.[0-9] +([2-9][0-9][0-9])(?: [^\r\n\0]*)?")
_FIELD = re.compile(r"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([^\x00-\x08\x0a-\x1f\x7f]*)")
_LENGTH = re.compile(r"[0-9]{1,19}")
# A server may send this one unasked (RFC 9110 section 15.5.9).
_REQUEST_TIMEOUT = 408
_WITHOUT_BODY = (204, 304)
# Of these a second one changes the meaning.
_SINGLE = ("content-length", "transfer-encoding", "host")


# The first line, the headers, and these as a dictionary, which nobody changes.
_Lines = tuple[str, Headers, dict[str, str]]


class _Head(NamedTuple):
    """A whole head; ``fields`` are ``headers`` as a dictionary, ``rest`` the bytes behind it that were read with it."""

    line: str
    headers: Headers
    fields: dict[str, str]
    start: int
    end: int
    rest: bytes


class _UnusualError(Exception):
    """Something that is for the whole parser; never seen outside."""


def parse_plain(
    from_client: Stream, from_server: Stream, *, client_start: int, server_start: int
) -> tuple[Exchange, ...] | None:
    """The exchanges of a plain connection, read from the given positions; None where anything about it is unusual."""
    if from_client.breaks or from_server.breaks:
        return None
    exchanges: list[Exchange] = []
    asked, answered = client_start, server_start
    try:
        while asked < from_client.length and answered < from_server.length:
            request = _request(from_client, asked)
            response = _response(from_server, answered, request)
            exchanges.append(Exchange(len(exchanges) + 1, request, response))
            # Both bodies have an end here, so that both messages do.
            asked, answered = request.body_end or 0, response.body_end or 0
    except _UnusualError:
        return None
    in_turn = asked == from_client.length and answered >= from_server.length
    return tuple(exchanges) if in_turn else None


def _request(stream: Stream, position: int) -> Request:
    head = _read_head(stream, position, _lines_of)
    line = _REQUEST_LINE.fullmatch(head.line)
    fields = head.fields
    if line is None or len(fields) != len(head.headers) or "upgrade" in fields or "transfer-encoding" in fields:
        raise _UnusualError
    method, target = line.groups()
    host = fields.get("host")
    if method == "CONNECT" or method not in KNOWN_METHODS or (host and AUTHORITY.fullmatch(host) is None):
        raise _UnusualError
    end = head.end + _length(fields, 0)
    return Request("http/1.1", intern(method), target, host, head.headers, head.start, head.end, end)


def _response(stream: Stream, position: int, request: Request) -> Response:
    head = _read_head(stream, position, _known_lines_of)
    status, fields = _status_of(head.line), head.fields
    if status == _REQUEST_TIMEOUT or (len(fields) != len(head.headers) and _repeats(head.headers)):
        raise _UnusualError
    if status in _WITHOUT_BODY or request.method == "HEAD":
        return _answer(stream, head, status, head.end, (head.end, 0))
    if "transfer-encoding" in fields:
        return _chunked(stream, head, status)
    length = _length(fields, None)
    return _answer(stream, head, status, head.end + length, (head.end, length))


def _answer(
    stream: Stream, head: _Head, status: int, end: int, first: tuple[int, int], trailers: Headers = ()
) -> Response:
    position, size = first[0], min(first[1], BODY_PREVIEW_LEN)
    read_already = position == head.end and len(head.rest) >= size
    body = head.rest[:size] if read_already else stream.read(position, size)
    called = grpc_status(trailers or head.headers) if trailers or "grpc-status" in head.fields else None
    return Response(
        status, head.headers, head.start, head.end, body, end, end <= stream.length, trailers, called
    )  # fmt: skip


def _chunked(stream: Stream, head: _Head, status: int) -> Response:
    if "content-length" in head.fields or head.fields["transfer-encoding"].lower() != "chunked":
        raise _UnusualError
    notes = Notes()
    body = walk_chunks(stream, head.end, notes, from_client=False)
    if body.end is None or notes.oddities or notes.missing:
        raise _UnusualError
    return _answer(stream, head, status, body.end, body.first, body.trailers)


def _read_head(stream: Stream, position: int, lines_of: Callable[[bytes], _Lines]) -> _Head:
    data = stream.read_piece(position, _MAX_HEAD_LEN)
    end = data.find(b"\r\n\r\n")
    if end < 0:
        raise _UnusualError
    line, headers, fields = lines_of(data[:end])
    end += 4
    return _Head(line, headers, fields, position, position + end, data[end : end + BODY_PREVIEW_LEN])


def _lines_of(head: bytes) -> _Lines:
    line, *lines = head.decode("latin-1").split("\r\n")
    if len(lines) > ENVOY_MAX_HEADERS:
        raise _UnusualError
    headers = tuple([_field(line) for line in lines])
    return line, headers, dict(headers)


# A server's heads are often equal to the byte; a client's hardly ever.
_known_lines_of = lru_cache(maxsize=4096)(_lines_of)


@lru_cache(maxsize=8192)
def _field(line: str) -> tuple[str, str]:
    """Name and value of a header line; equal lines, of which a capture has many, are one pair."""
    found = _FIELD.fullmatch(line)
    if found is None:
        raise _UnusualError
    return intern(found[1].lower()), found[2].strip(" \t")


@lru_cache(maxsize=1024)
def _status_of(line: str) -> int:
    found = _STATUS_LINE.fullmatch(line)
    if found is None:
        raise _UnusualError
    return int(found[1])


def _length(fields: dict[str, str], absent: int | None) -> int:
    """Content-Length; ``absent`` where there is none, which must be a number then."""
    text = fields.get("content-length")
    if text is None and absent is not None:
        return absent
    if text is None or _LENGTH.fullmatch(text) is None:
        raise _UnusualError
    return int(text)


def _repeats(headers: Headers) -> bool:
    names = [name for name, _ in headers]
    return any(names.count(name) > 1 for name in _SINGLE)
