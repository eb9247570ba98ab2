"""The responses of an HTTP/1 connection, each with the request that it answers (RFC 9112 section 9.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from analyzer.base.oddity import Code, Family, Level
from analyzer.base.stream import End, Stream
from analyzer.protocol.facts import Headers, Request, Response
from analyzer.protocol.http1_body import BODY_PREVIEW_LEN, CHUNKED, NO_LENGTH, Body, framing, walk_chunks
from analyzer.protocol.http1_head import Head, read_head
from analyzer.protocol.notes import GAP, Notes
from analyzer.protocol.resync import is_response_at, next_response

NOT_A_RESPONSE = Code(
    "http1-not-a-response",
    Family.PROTOCOL,
    Level.WARNING,
    "something that is no response follows on an HTTP/1 connection",
    "Envoy, as the client of such a server, answers its own client with 502 (upstream protocol error).",
)

_STATUS = re.compile(r"HTTP/[0-9]\.[0-9] +([1-9][0-9][0-9])(?: .*)?", re.DOTALL)
_GRPC_STATUS = re.compile(r"[0-9]{1,3}")


class Asks(Protocol):
    """Who knows which request a response answers."""

    def request_for(self, position: int, status: int) -> Request | None:
        """The request that the final response at ``position`` of the server's stream answers."""

    def lost(self) -> None:
        """Bytes of the server's stream were lost: responses may be missing from here on."""


class FoundResponse(NamedTuple):
    """A final response, the request that it answers, and whether it ends HTTP on the connection (101, CONNECT)."""

    response: Response
    request: Request | None
    leaves_http: bool


def walk_responses(stream: Stream, position: int, asks: Asks, notes: Notes) -> Iterator[FoundResponse]:
    """Every final response from ``position`` on; interim ones (1xx but 101) are stepped over."""
    at: int | None = position
    while at is not None and at < stream.length:
        head = read_head(stream, at, notes, from_client=False)
        match = None if head is None else _STATUS.fullmatch(head.first_line)
        if head is None or match is None or not head.whole:
            if head is not None and match is not None and match[1] >= "200":
                request = asks.request_for(head.start, int(match[1]))
                yield FoundResponse(_cut_response(head, int(match[1])), request, False)
            if stream.contiguous_end(at) >= stream.length:
                if head is not None and match is None:
                    notes.odd(NOT_A_RESPONSE, from_client=False, offset=at)
                return
            notes.lack(GAP)
            at = next_response(stream, at + 1)
            asks.lost()
            continue
        status = int(match[1])
        if status < 200 and status != 101:
            at = head.end
            continue
        request = asks.request_for(head.start, status)
        leaves = status == 101 or (request is not None and request.method == "CONNECT" and status < 300)
        body = Body.none(head.end) if leaves else _body(stream, head, status, request, notes)
        yield FoundResponse(_response(stream, head, status, body), request, leaves)
        if leaves:
            return
        at = body.end
        if body.lost:
            at = next_response(stream, body.reached)
            asks.lost()


def _body(stream: Stream, head: Head, status: int, request: Request | None, notes: Notes) -> Body:
    """Where the response ends (RFC 9112 section 6.3)."""
    if status in (204, 304) or (request is not None and request.method == "HEAD"):
        return Body.none(head.end)
    length = framing(dict(head.headers), head.headers, notes, from_client=False, offset=head.start)
    if length > 0 and request is None and is_response_at(stream, head.end):
        # The answer to a HEAD that the capture does not show.
        return Body.none(head.end)
    if length >= 0:
        return Body(head.end + length, head.end, (head.end, length))
    if length == CHUNKED:
        return walk_chunks(stream, head.end, notes, from_client=False)
    closed = stream.end is End.FIN and length == NO_LENGTH
    return Body(stream.length if closed else None, head.end, (head.end, stream.length - head.end))


def _cut_response(head: Head, status: int) -> Response:
    """What the first lines of a head tell whose end was not seen."""
    return Response(status, head.headers, head.start, head.end, grpc_status=grpc_status(head.headers), whole=False)


def _response(stream: Stream, head: Head, status: int, body: Body) -> Response:
    position, size = body.first
    size = min(size, BODY_PREVIEW_LEN)
    read_already = position == head.end and len(head.rest) >= size
    preview = head.rest[:size] if read_already else stream.read(position, size)
    return Response(
        status,
        head.headers,
        head.start,
        head.end,
        preview,
        body.end,
        body.end is not None and body.end <= stream.length,
        body.trailers,
        grpc_status(body.trailers or head.headers),
    )


def grpc_status(headers: Headers) -> int | None:
    """The gRPC status of trailers or of a trailers-only head, None where there is none."""
    for name, value in headers:
        if name == "grpc-status":
            return int(value) if _GRPC_STATUS.fullmatch(value) else None
    return None
