"""The requests of an HTTP/1 connection, in order (RFC 9112), with the rules of Envoy's codec where servers differ."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.base.fact import Fact
from analyzer.base.oddity import Code, Family, Level
from analyzer.base.stream import Stream
from analyzer.protocol.facts import Headers, Request
from analyzer.protocol.http1_body import CHUNKED, NO_LENGTH, Body, framing, walk_chunks
from analyzer.protocol.http1_head import MAX_HEAD_LEN, Head, read_head
from analyzer.protocol.http1_refusal import AUTHORITY, refusal_of
from analyzer.protocol.notes import GAP, HEAD_INCOMPLETE, Notes
from analyzer.protocol.request_line import (
    KNOWN_METHODS,
    UNKNOWN_METHOD,
    RequestLine,
    parse_request_line,
    parse_simple_request,
)
from analyzer.protocol.resync import next_request

NOT_A_REQUEST = Code(
    "http1-not-a-request",
    Family.PROTOCOL,
    Level.WARNING,
    "something that is no request follows on an HTTP/1 connection",
    "Envoy answers 400 and closes the connection.",
)
NO_VERSION = Code(
    "http1-no-version",
    Family.PROTOCOL,
    Level.WARNING,
    "a request with headers has no version in its first line",
    "Envoy takes such a line for HTTP/0.9 and answers 400; other servers may read it as HTTP/1.0.",
)
SEVERAL_HOSTS = Code(
    "http1-several-hosts",
    Family.PROTOCOL,
    Level.WARNING,
    "a request has several Host headers",
    "RFC 9112 section 3.2 asks for 400. Envoy joins the values with a comma and looks for that name.",
)
BAD_HOST = Code(
    "http1-bad-host",
    Family.PROTOCOL,
    Level.WARNING,
    "the Host of a request has a character that none has",
    "RFC 3986 section 3.2.2: Envoy answers 400 and closes the connection.",
)
HOST_MISMATCH = Code(
    "http1-absolute-form-mismatch",
    Family.PROTOCOL,
    Level.INFO,
    "the request target names {authority}, the Host header {host}",
    "The authority of an absolute-form target wins (RFC 9112 section 3.2.2), in Envoy too.",
)


class FoundRequest(Fact, frozen=True):
    """A request with what the capture lacks of it; ``after_loss``: requests before it may be missing.

    ``leaves_http``: if the server agrees, what follows is no longer HTTP/1 (CONNECT, Upgrade).
    """

    request: Request
    missing: tuple[str, ...] = ()
    after_loss: bool = False
    leaves_http: bool = False


def walk_requests(stream: Stream, position: int, notes: Notes, *, after_loss: bool = False) -> Iterator[FoundRequest]:
    """Every request from ``position`` on; ends at the last one that can be told from its bytes.

    The consumer stops taking where a request that ``leaves_http`` was agreed to.
    """
    at: int | None = position
    lost, refused = after_loss, None
    while at is not None and at < stream.length:
        head = read_head(stream, at, notes, from_client=True)
        line = None if head is None else _request_line(head, notes)
        if head is None or line is None:
            if head is not None and (head.whole or head.end >= stream.length):
                notes.odd(NOT_A_REQUEST, from_client=True, offset=at)
                return
            if stream.contiguous_end(at) >= stream.length:
                return
            notes.lack(GAP)
            at, lost = next_request(stream, at + 1), True
        elif head.whole:
            found, body = _whole_request(stream, line, head, notes, lost=lost, refused=refused)
            yield found
            refused = found.request.refused
            at, lost = (next_request(stream, body.reached), True) if body.lost else (body.end, False)
        else:
            request = _request(line, head, None, notes, refused=refused)
            yield FoundRequest(request, _lacks(stream, head, notes), lost)
            refused = request.refused
            if head.end - head.start >= MAX_HEAD_LEN:
                return
            at, lost = next_request(stream, head.end), True


def _request_line(head: Head, notes: Notes) -> RequestLine | None:
    """The request line of a head; one without a version only where a Host header shows that HTTP/0.9 is not meant."""
    line = parse_request_line(head.first_line)
    if line is not None or all(name != "host" for name, _ in head.headers):
        return line
    simple = parse_simple_request(head.first_line)
    if simple is None or simple.method not in KNOWN_METHODS:
        return None
    notes.odd(NO_VERSION, from_client=True, offset=head.start)
    return simple


def _whole_request(
    stream: Stream, line: RequestLine, head: Head, notes: Notes, *, lost: bool, refused: int | None
) -> tuple[FoundRequest, Body]:
    """The request of a whole head, and what is known of its body."""
    headers = head.headers
    fields = dict(headers)
    length = framing(fields, headers, notes, from_client=True, offset=head.start)
    if length == NO_LENGTH:
        body = Body.none(head.end)
    elif length >= 0:
        body = Body(head.end + length, head.end, (head.end, length))
    elif length == CHUNKED:
        body = walk_chunks(stream, head.end, notes, from_client=True)
    else:
        body = Body(None, head.end, (head.end, 0))
    leaves = line.method == "CONNECT" or ("upgrade" in fields and "upgrade" in fields.get("connection", "").lower())
    return FoundRequest(_request(line, head, body.end, notes, refused=refused), (), lost, leaves), body


def _request(line: RequestLine, head: Head, body_end: int | None, notes: Notes, *, refused: int | None) -> Request:
    host = _host(head.headers, notes, head.start)
    if line.target[0] != "/":
        _compare_authority(line, host, notes, head.start)
    if line.method not in KNOWN_METHODS:
        notes.odd(UNKNOWN_METHOD, from_client=True, offset=head.start, method=line.method)
    if refused is None:
        refused = refusal_of(line, head.headers, head.end - head.start)
    return Request(
        line.version, line.method, line.target, host, head.headers, head.start, head.end, body_end,
        whole=head.whole, refused=refused,
    )  # fmt: skip


def _host(headers: Headers, notes: Notes, offset: int) -> str | None:
    hosts = [value for name, value in headers if name == "host"]
    if any(AUTHORITY.fullmatch(host) is None for host in hosts):
        notes.odd(BAD_HOST, from_client=True, offset=offset)
    if len(hosts) > 1:
        notes.odd(SEVERAL_HOSTS, from_client=True, offset=offset)
        # HeaderMapImpl appends to :authority as to any header that is stored inline.
        return ",".join(hosts)
    return hosts[0] if hosts else None


def _compare_authority(line: RequestLine, host: str | None, notes: Notes, offset: int) -> None:
    _, scheme_end, rest = line.target.partition("://")
    authority = rest.partition("/")[0].partition("?")[0]
    if scheme_end and host is not None and authority.lower() != host.lower():
        notes.odd(HOST_MISMATCH, from_client=True, offset=offset, authority=authority, host=host)


def _lacks(stream: Stream, head: Head, notes: Notes) -> tuple[str, ...]:
    """Why the head is not whole."""
    cut = head.end < stream.length and head.end - head.start < MAX_HEAD_LEN
    code = GAP if cut else HEAD_INCOMPLETE
    notes.lack(code)
    return (code.name,)
