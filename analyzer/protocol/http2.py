"""An HTTP/2 connection: its streams as exchanges, gRPC included (RFC 9113 section 8, gRPC over HTTP/2)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from analyzer.base.oddity import Code, Family, Level
from analyzer.base.stream import Stream
from analyzer.protocol.facts import Exchange, Headers, Request, Response
from analyzer.protocol.http1_body import BODY_PREVIEW_LEN
from analyzer.protocol.http1_responses import grpc_status
from analyzer.protocol.http2_events import DataEvent, Event, HeadersEvent, ResetEvent, walk_events
from analyzer.protocol.http2_frames import PREFACE
from analyzer.protocol.http2_headers import HeaderDecoder
from analyzer.protocol.http2_refusal import length_of, refusal_of
from analyzer.protocol.notes import HPACK_STATE, Notes

BAD_PSEUDO_HEADERS = Code(
    "h2-bad-pseudo-headers",
    Family.PROTOCOL,
    Level.WARNING,
    "the pseudo-headers of a message are not those that RFC 9113 asks for",
    "Missing, repeated or unknown, in a part of a connection that Envoy may have read otherwise.",
)
HOST_MISMATCH = Code(
    "h2-host-mismatch",
    Family.PROTOCOL,
    Level.INFO,
    ":authority is {authority}, the host header {host}",
    "Envoy goes by :authority.",
)
ODD_STREAM = Code(
    "h2-odd-stream",
    Family.PROTOCOL,
    Level.WARNING,
    "a stream has a number that its sender may not use",
    "Clients use odd numbers, each higher than the one before (RFC 9113 section 5.1.1): Envoy closes the connection.",
)
REFUSED_REQUEST = Code(
    "h2-refused-request",
    Family.PROTOCOL,
    Level.WARNING,
    "a request is none that Envoy takes: {why}",
    "RFC 9113 section 8 calls it malformed. Envoy closes the connection: neither it nor what follows is routed.",
)

LENGTH_MISMATCH = Code(
    "h2-length-mismatch",
    Family.PROTOCOL,
    Level.WARNING,
    "a request says that {said} bytes follow, and {sent} do",
    "RFC 9113 section 8.1.1 calls it malformed, and both of Envoy's codecs reset its stream. Its head was routed by "
    "then: the verdict is that of its route.",
)

_STATUS = re.compile(r"[1-9][0-9][0-9]")


@dataclass(slots=True)
class _StreamState:
    """What is known of one stream while frames are read; ``given`` is a request that came before HTTP/2 (h2c).

    ``late``: its number is lower than one that was used before it, so that codecs leave it out. ``asked_len`` is how
    long the request's body was.
    """

    given: Request | None = None
    asked: HeadersEvent | None = None
    late: bool = False
    asked_end: int | None = None
    asked_len: int = 0
    replied: HeadersEvent | None = None
    trailers: Headers = ()
    trailers_whole: bool = True
    body: bytes = b""
    body_end: int | None = None
    reset_by_client: int | None = None
    reset_by_server: int | None = None


def parse_http2(
    from_client: Stream, from_server: Stream, notes: Notes, *, client_start: int = 0, server_start: int = 0,
    from_start: bool = True, upgraded: Request | None = None,
) -> tuple[Exchange, ...]:  # fmt: skip
    """The exchanges of a connection by stream number, ordinals from 1; the preface at ``client_start`` is optional.

    Not ``from_start``: both header tables were filled before. ``upgraded`` is the HTTP/1.1 request that became
    stream 1 (RFC 7540 section 3.2).
    """
    streams: dict[int, _StreamState] = {}
    if upgraded is not None:
        streams[1] = _StreamState(upgraded)
    if from_client.read(client_start, len(PREFACE)) == PREFACE:
        client_start += len(PREFACE)
    asking = HeaderDecoder(notes, from_client=True, from_start=from_start)
    for event in walk_events(from_client, client_start, asking, notes, from_client=True):
        _hear_client(streams, event, notes)
    known_end = from_client.contiguous_end(client_start)
    refused = _refused(streams, known_end, notes) if from_start else frozenset()
    _note_lengths(streams, known_end, notes)
    replying = HeaderDecoder(notes, from_client=False, from_start=from_start and from_server.from_start)
    for event in walk_events(from_server, server_start, replying, notes, from_client=False):
        _hear_server(streams, event, from_server)
    ordered = sorted(streams.items())
    sent = from_server.length
    return tuple(
        _exchange(i, number, state, sent, notes, refused=number in refused)
        for i, (number, state) in enumerate(ordered, 1)
    )


def _refused(streams: dict[int, _StreamState], known_end: int, notes: Notes) -> frozenset[int]:
    """The streams whose requests Envoy does not take: the first malformed head closes the connection.

    Heads behind ``known_end``, where bytes are missing, are not judged: they may be no requests' heads.
    """
    heads = {n: each.asked for n, each in streams.items() if each.asked is not None and each.asked.end <= known_end}
    closed = known_end
    for number, head in sorted(heads.items(), key=lambda pair: pair[1].start):
        why = refusal_of(head.headers, capitals=head.capitals) if head.whole else ""
        if why:
            notes.odd(REFUSED_REQUEST, from_client=True, offset=head.start, why=why)
        if why or number % 2 == 0:
            closed = head.start
            break
    return frozenset(number for number, head in heads.items() if head.start >= closed or streams[number].late)


def _note_lengths(streams: dict[int, _StreamState], known_end: int, notes: Notes) -> None:
    """Say of which requests the DATA is not as long as their Content-Length has it, where all of it was captured."""
    for _, state in sorted(streams.items()):
        head, end = state.asked, state.asked_end
        if head is None or end is None or end > known_end or not head.whole:
            continue
        said = next((length_of(value) for name, value in head.headers if name == "content-length"), None)
        if said is not None and said != state.asked_len:
            notes.odd(LENGTH_MISMATCH, from_client=True, offset=head.start, said=said, sent=state.asked_len)


def _hear_client(streams: dict[int, _StreamState], event: Event, notes: Notes) -> None:
    state = streams.get(event.stream_id)
    if isinstance(event, ResetEvent):
        if state is not None:
            state.reset_by_client = event.error
        return
    if state is None:
        if not isinstance(event, HeadersEvent):
            return
        late = event.stream_id < next(reversed(streams), 0)
        if event.stream_id % 2 == 0 or late:
            notes.odd(ODD_STREAM, from_client=True, offset=event.start)
        state = streams[event.stream_id] = _StreamState(asked=event, late=late)
    if isinstance(event, DataEvent) and state.asked_end is None:
        state.asked_len += event.size
    if event.ends and state.asked_end is None:
        state.asked_end = event.end


def _hear_server(streams: dict[int, _StreamState], event: Event, stream: Stream) -> None:
    state = streams.get(event.stream_id)
    if state is None:
        # A pushed response, or the answer to a request that the capture does not show.
        if event.stream_id % 2 == 0 or not isinstance(event, HeadersEvent):
            return
        state = streams[event.stream_id] = _StreamState()
    if isinstance(event, ResetEvent):
        state.reset_by_server = event.error
        return
    if isinstance(event, DataEvent):
        state.body += stream.read(event.position, min(event.size, BODY_PREVIEW_LEN - len(state.body)))
    elif state.replied is not None:
        state.trailers, state.trailers_whole = event.headers, event.whole
    elif event.ends or not _is_interim(event.headers):
        state.replied = event
    if event.ends and state.body_end is None:
        state.body_end = event.end


def _is_interim(headers: Headers) -> bool:
    return any(name == ":status" and value[:1] == "1" for name, value in headers)


def _exchange(ordinal: int, stream_id: int, state: _StreamState, sent: int, notes: Notes, *, refused: bool) -> Exchange:
    asked, response = state.asked, _response(state, sent)
    request = state.given if asked is None else _request(asked, stream_id, state.asked_end, notes, refused=refused)
    connects = request is not None and request.method == "CONNECT" and response is not None and response.status < 300
    known = asked is None or asked.whole
    if not known:
        notes.lack(HPACK_STATE)
    return Exchange(
        ordinal,
        request,
        response,
        upgraded=connects or state.given is not None,
        reset_by_client=state.reset_by_client,
        reset_by_server=state.reset_by_server,
        missing=() if known else (HPACK_STATE.name,),
    )


def _request(event: HeadersEvent, stream_id: int, body_end: int | None, notes: Notes, *, refused: bool) -> Request:
    """The request of a header block (RFC 9113 section 8.3.1); what is not known of a partial one is empty."""
    pseudo, headers = _split(event.headers)
    authority = pseudo.get(":authority")
    host = next((value for name, value in headers if name == "host"), None)
    method = pseudo.get(":method", "")
    target = pseudo.get(":path", authority or "" if method == "CONNECT" else "")
    repeated = len(pseudo) + len(headers) < len(event.headers)
    if not refused and (repeated or (event.whole and not (method and target))):
        notes.odd(BAD_PSEUDO_HEADERS, from_client=True, offset=event.start)
    if authority is not None and host is not None and host.lower() != authority.lower():
        notes.odd(HOST_MISMATCH, from_client=True, offset=event.start, authority=authority, host=host)
    return Request(
        "h2",
        method,
        target,
        host if authority is None else authority,
        headers,
        event.start,
        event.end,
        body_end,
        stream_id,
        event.whole,
        0 if refused else None,
    )


def _split(headers: Headers) -> tuple[dict[str, str], Headers]:
    """Pseudo-headers, of a repeated one the first, and the others."""
    pseudo: dict[str, str] = {}
    for name, value in headers:
        if name[:1] == ":":
            pseudo.setdefault(name, value)
    return pseudo, tuple(pair for pair in headers if pair[0][:1] != ":")


def _response(state: _StreamState, sent: int) -> Response | None:
    """The final response of a stream; None where there is none, or where its status is not known.

    ``sent`` is how long the server's stream is: an end that it announced but did not reach is none yet.
    """
    event = state.replied
    if event is None:
        return None
    pseudo, headers = _split(event.headers)
    status = pseudo.get(":status", "")
    if _STATUS.fullmatch(status) is None:
        return None
    return Response(
        int(status),
        headers,
        event.start,
        event.end,
        state.body,
        state.body_end,
        state.body_end is not None and state.body_end <= sent,
        state.trailers,
        grpc_status(state.trailers or headers),
        event.whole and state.trailers_whole,
    )
