"""What a connection is, by its first bytes: as Envoy's inspectors would take them, and as people mean them.

Where the beginning is not in the capture, the first place where one of the protocols fits is looked for instead.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from enum import Enum
from itertools import chain
from typing import NamedTuple

from analyzer.base.oddity import Code, Family, Level
from analyzer.base.stream import Stream
from analyzer.protocol.http2_frames import PREFACE, looks_like_frames
from analyzer.protocol.notes import FIRST_BYTES_INCOMPLETE, GAP, MIDSTREAM, REQUESTS_UNSEEN, Notes
from analyzer.protocol.preamble import skip_preamble
from analyzer.protocol.request_line import (
    KNOWN_METHODS,
    MAX_INSPECT_LEN,
    NOT_INSPECTED_AS_HTTP,
    inspector_takes,
    parse_request_line,
    parse_simple_request,
)
from analyzer.protocol.resync import is_request_at, is_response_at, next_fit, next_request, next_response
from analyzer.protocol.tls_records import HANDSHAKE, HEADER_LEN, is_record_header, looks_like_records

LINE_TOO_LONG = Code(
    "http1-request-line-too-long",
    Family.LIMIT,
    Level.WARNING,
    "no line end comes within the first 64 KiB",
    "Envoy's HTTP inspector gives up there and closes the connection.",
)
NO_BEGINNING = Code(
    "frames-without-beginning",
    Family.PROTOCOL,
    Level.INFO,
    "the connection begins with {what}",
    "Only a ClientHello, or the preface of HTTP/2, makes a connection what it looks like here: Envoy's inspectors take "
    "it for opaque TCP.",
)

# How many captured pieces of each direction are looked at for TLS or HTTP/2 framing when the beginning is missing.
MAX_PIECES = 64
_FIRST_READ = 512
# The one response that servers send unasked (RFC 9110 section 15.5.9).
_REQUEST_TIMEOUT = b"408"
_SSL2_CLIENT_HELLO = re.compile(rb"[\x80-\xbf].\x01(?:\x03[\0-\x04]|\0\x02)", re.DOTALL)

# What HTTP/0.9 has not: behind a request line without a version it shows that later HTTP is meant.
_HOST_LINE = re.compile(rb"\nHost[ \t]*:", re.IGNORECASE)

# A request line that may still be on its way.
_LINE_BEGUN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}(?: +[/*A-Za-z][!-~]*(?: +(?:H[TP/.0-9]*)?\r?)?| *)")


class Kind(Enum):
    """What a connection turned out to be."""

    HTTP1 = "http/1"
    HTTP2 = "h2"
    TLS = "tls"
    SSL2 = "ssl2"
    OPAQUE = "tcp"


class Opening(NamedTuple):
    """How to read a connection.

    Positions are where the protocol begins on each stream. ``inspected`` is Envoy's word where it differs from
    ``kind``; not ``from_start``: the first bytes are not there, or not all, and what Envoy detected is not known.
    """

    kind: Kind
    client_start: int = 0
    server_start: int = 0
    inspected: str | None = None
    from_start: bool = True


def open_conversation(from_client: Stream, from_server: Stream, notes: Notes) -> Opening:
    """Find out what the connection is. A client that says nothing makes it opaque."""
    if from_client.from_start and from_client.next_data(0) == 0:
        opening = _by_first_bytes(from_client, from_server, notes)
        return opening if from_server.from_start else _with_late_server(opening, from_server)
    if from_client.length == 0:
        return _by_answers(from_client, from_server, notes)
    if from_client.from_start or from_server.from_start:
        notes.lack(GAP)
    else:
        notes.lack(MIDSTREAM)
    return _by_any_bytes(from_client, from_server)


def _by_answers(from_client: Stream, from_server: Stream, notes: Notes) -> Opening:
    """No byte of the client: it was silent, or its half is not in the capture and the answers betray the protocol."""
    if _is_server_hello(from_server.read(0, HEADER_LEN + 1)):
        notes.lack(REQUESTS_UNSEEN)
        return Opening(Kind.TLS, from_start=False)
    if is_response_at(from_server, 0) and from_server.read(9, 3) != _REQUEST_TIMEOUT:
        notes.lack(REQUESTS_UNSEEN)
        return _by_any_bytes(from_client, from_server)
    if from_client.from_start:
        return Opening(Kind.OPAQUE)
    notes.lack(MIDSTREAM)
    return _by_any_bytes(from_client, from_server)


def _is_server_hello(data: bytes) -> bool:
    return data[:1] == b"\x16" and is_record_header(data[:HEADER_LEN]) and data[HEADER_LEN:] == b"\x02"


def _by_first_bytes(from_client: Stream, from_server: Stream, notes: Notes) -> Opening:
    data = from_client.read(0, _FIRST_READ)
    before = skip_preamble(from_client, from_server, data, notes)
    if before is None:
        opening = _by_protocol(from_client, 0, data, notes)
        _note_likeness(opening, from_client, notes)
        return opening
    opening = _by_protocol(from_client, before.client_end, from_client.read(before.client_end, _FIRST_READ), notes)
    inspected = None if opening.kind is Kind.OPAQUE else "tcp"
    return opening._replace(server_start=before.server_end, inspected=inspected)


def _by_protocol(stream: Stream, start: int, data: bytes, notes: Notes) -> Opening:
    kind = _binary_kind(data)
    if kind is None and _may_become_binary(data):
        return _unfinished(stream, start, notes)
    return _by_request_line(stream, start, data, notes) if kind is None else Opening(kind, start)


def _note_likeness(opening: Opening, stream: Stream, notes: Notes) -> None:
    """What opaque bytes look like, where that is a protocol which begins otherwise."""
    if opening.kind is not Kind.OPAQUE or not opening.from_start:
        return
    if looks_like_records(stream, opening.client_start):
        notes.odd(NO_BEGINNING, from_client=True, offset=opening.client_start, what="TLS records and no ClientHello")
    elif looks_like_frames(stream, opening.client_start):
        notes.odd(NO_BEGINNING, from_client=True, offset=opening.client_start, what="frames of HTTP/2 and no preface")


def _binary_kind(data: bytes) -> Kind | None:
    """TLS or the HTTP/2 preface; a shorter prefix of either is none yet."""
    if data[:1] == b"\x16" and is_record_header(data[:HEADER_LEN]):
        # An empty handshake record is legal (RFC 8446 section 5.1 forbids it only later).
        empty = data[3:HEADER_LEN] == b"\0\0"
        return Kind.TLS if empty or data[HEADER_LEN : HEADER_LEN + 1] == b"\x01" else None
    if data.startswith(PREFACE):
        return Kind.HTTP2
    return Kind.SSL2 if _SSL2_CLIENT_HELLO.match(data) else None


def _by_request_line(stream: Stream, start: int, data: bytes, notes: Notes) -> Opening:
    blank = len(data) - len(data.lstrip(b"\r\n"))
    line, line_feed, _ = data[blank:].partition(b"\n")
    if not line_feed and len(data) == _FIRST_READ:
        line, line_feed, _ = stream.read(start + blank, MAX_INSPECT_LEN).partition(b"\n")
    if not line_feed:
        return _by_unfinished_line(stream, start, data, line, notes)
    text = line.removesuffix(b"\r").decode("latin-1")
    request = parse_request_line(text)
    if request is None:
        simple = parse_simple_request(text)
        taken = blank == 0 and simple is not None and inspector_takes(simple)
        if simple is not None and simple.method in KNOWN_METHODS and _HOST_LINE.search(data):
            return Opening(Kind.HTTP1, start, inspected="http/1.0" if taken else "tcp")
        return Opening(Kind.OPAQUE, start, inspected="http/1.0" if taken else None)
    if blank == 0 and inspector_takes(request):
        return Opening(Kind.HTTP1, start)
    notes.odd(NOT_INSPECTED_AS_HTTP, from_client=True, offset=start)
    return Opening(Kind.HTTP1, start, inspected="tcp")


def _by_unfinished_line(stream: Stream, start: int, data: bytes, line: bytes, notes: Notes) -> Opening:
    if len(line) >= MAX_INSPECT_LEN:
        notes.odd(LINE_TOO_LONG, from_client=True, offset=start)
    elif _LINE_BEGUN.fullmatch(data) is not None:
        return _unfinished(stream, start, notes)
    return Opening(Kind.OPAQUE, start)


def _may_become_binary(data: bytes) -> bool:
    """Whether these are the first bytes of a TLS record header, or of the HTTP/2 preface, and no more."""
    begins_tls = data[:1] == b"\x16" and b"\x16\x03".startswith(data[:2])
    return (begins_tls and len(data) <= HEADER_LEN) or PREFACE.startswith(data)


def _unfinished(stream: Stream, start: int, notes: Notes) -> Opening:
    """More bytes could make this TLS or HTTP: they were lost, or are still coming."""
    lost = stream.contiguous_end(start) < stream.length
    notes.lack(GAP if lost else FIRST_BYTES_INCOMPLETE)
    return Opening(Kind.OPAQUE, start, from_start=False)


def _with_late_server(opening: Opening, from_server: Stream) -> Opening:
    """The opening where the capture has the client's beginning and not the server's."""
    fits = {Kind.HTTP1: is_response_at, Kind.HTTP2: looks_like_frames, Kind.TLS: looks_like_records}.get(opening.kind)
    start = None if fits is None else next_fit(from_server, 0, fits)
    return opening if start is None else opening._replace(server_start=start)


def _by_any_bytes(from_client: Stream, from_server: Stream) -> Opening:
    """The first place where a protocol fits, the client's bytes before the server's."""
    client, server = from_client.next_data(0), from_server.next_data(0)
    client = from_client.length if client is None else client
    server = from_server.length if server is None else server
    if is_request_at(from_client, client) or is_response_at(from_server, server):
        return _resumed_http1(from_client, from_server)
    for fits, kind in ((looks_like_records, Kind.TLS), (looks_like_frames, Kind.HTTP2)):
        asked = _first_fit(from_client, fits)
        answered = _first_fit(from_server, fits)
        if asked is not None or answered is not None:
            return Opening(
                kind,
                from_client.length if asked is None else asked,
                from_server.length if answered is None else answered,
                from_start=False,
            )
    return _resumed_http1(from_client, from_server)


def _resumed_http1(from_client: Stream, from_server: Stream) -> Opening:
    asked, answered = next_request(from_client, 0), next_response(from_server, 0)
    if asked is None and answered is None:
        return Opening(Kind.OPAQUE, from_start=False)
    return Opening(
        Kind.HTTP1,
        from_client.length if asked is None else asked,
        from_server.length if answered is None else answered,
        from_start=False,
    )


def _first_fit(stream: Stream, fits: Callable[[Stream, int], bool]) -> int | None:
    return next((start for start in stream.starts[:MAX_PIECES] if fits(stream, start)), None)


def late_client_hello(stream: Stream, position: int) -> int | None:
    """Where a TLS ClientHello begins, at ``position`` or at a captured piece after it; None where none does."""
    first = bisect_right(stream.starts, position)
    later = zip(stream.starts[first : first + MAX_PIECES], stream.offsets[first : first + MAX_PIECES], strict=True)
    # To look at one byte first is faster than to read from each of many pieces.
    candidates = chain((position,), (at for at, offset in later if stream.buffer[offset] == HANDSHAKE))
    return next((at for at in candidates if _binary_kind(stream.read(at, HEADER_LEN + 1)) is Kind.TLS), None)


def late_records(stream: Stream, position: int) -> int:
    """Where TLS records begin, at ``position`` or at a captured piece after it; the stream's end where they do not."""
    return next((at for at in _candidates(stream, position) if looks_like_records(stream, at)), stream.length)


def _candidates(stream: Stream, position: int) -> Sequence[int]:
    first = bisect_right(stream.starts, position)
    return (position, *stream.starts[first : first + MAX_PIECES])
