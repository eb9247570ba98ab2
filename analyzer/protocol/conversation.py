"""The door of this room: two byte streams in, everything that was said out. By content, never by port."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from analyzer.base.fact import replace
from analyzer.base.oddity import Code, Family, Level
from analyzer.base.stream import Stream
from analyzer.protocol.facts import Conversation, Exchange, Response, TlsFacts
from analyzer.protocol.http1 import Http1Conversation, parse_http1
from analyzer.protocol.notes import Notes
from analyzer.protocol.opening import Kind, Opening, late_client_hello, late_records, open_conversation
from analyzer.protocol.resync import is_request_at, is_response_at
from analyzer.protocol.tls import SSL2_HELLO, parse_tls

INNER_TLS = Code(
    "tls-inside",
    Family.PROTOCOL,
    Level.INFO,
    "TLS begins inside the connection",
    "After a STARTTLS or in a CONNECT tunnel. Envoy decided on the bytes before: the server name had no part in it.",
)


INNER_HTTP = Code(
    "http-inside",
    Family.PROTOCOL,
    Level.INFO,
    "HTTP begins inside a CONNECT tunnel",
    "Envoy decided about the CONNECT, and passes on what comes in its tunnel: these requests go where that one went.",
)

_MAX_BLANK = 4


def parse_conversation(from_client: Stream, from_server: Stream) -> Conversation:
    """Everything said on a connection, whatever it is; bytes of any kind give facts, nothing raises."""
    notes = Notes()
    opening = open_conversation(from_client, from_server, notes)
    said = PARSERS[opening.kind](from_client, from_server, opening, notes)
    return Conversation(
        said.protocol,
        said.exchanges,
        said.tls,
        _speaks_first(from_server, from_client),
        opening.from_start and said.known,
        notes.missing,
        tuple(notes.oddities),
        said.inspected if said.inspected != said.protocol else None,
        said.inner_tls,
        said.answer,
    )


class _Said(NamedTuple):
    """What one parser contributes to a conversation."""

    protocol: str
    exchanges: tuple[Exchange, ...] = ()
    tls: TlsFacts | None = None
    inspected: str | None = None
    inner_tls: TlsFacts | None = None
    answer: Response | None = None
    known: bool = True


def _http1(from_client: Stream, from_server: Stream, opening: Opening, notes: Notes) -> _Said:
    said = parse_http1(
        from_client,
        from_server,
        notes,
        client_start=opening.client_start,
        server_start=opening.server_start,
        in_step=opening.from_start and (from_server.from_start or not from_server.length),
    )
    exchanges, inner_tls = said.exchanges, None
    if said.upgraded_to == "connect":
        inner_tls = _inner_tls(from_client, from_server, said.client_end, said.server_end, notes)
        exchanges = _continue_in_tunnel(from_client, from_server, said, notes)
    elif said.upgraded_to == "h2c":
        exchanges = _continue_as_http2(from_client, from_server, said, notes)
    versions = (exchange.request.version for exchange in exchanges if exchange.request is not None)
    return _Said(next(versions, "http/1.1"), exchanges, inspected=opening.inspected, inner_tls=inner_tls)


def _continue_as_http2(
    from_client: Stream, from_server: Stream, said: Http1Conversation, notes: Notes
) -> tuple[Exchange, ...]:
    """The exchanges of a connection that a 101 turned into HTTP/2: stream 1 answers the request that asked for it."""
    from analyzer.protocol.http2 import parse_http2

    *before, last = said.exchanges
    after = parse_http2(
        from_client,
        from_server,
        notes,
        client_start=said.client_end,
        server_start=said.server_end,
        upgraded=last.request,
    )
    if last.request is None:
        before.append(last)
    else:
        after = (replace(after[0], missing=last.missing), *after[1:])
    return (*before, *(replace(exchange, ordinal=len(before) + exchange.ordinal) for exchange in after))


def _continue_in_tunnel(
    from_client: Stream, from_server: Stream, said: Http1Conversation, notes: Notes
) -> tuple[Exchange, ...]:
    """The exchanges of a connection, and those in the tunnel that the last one opened; no tunnel inside a tunnel."""
    before = max(exchange.ordinal for exchange in said.exchanges if exchange.upgraded)
    opened = said.exchanges[before - 1].request
    # Clients that end a head with one blank line too many have no meaning by it (RFC 9112 section 2.2).
    blank = from_client.read(said.client_end, _MAX_BLANK)
    begin = said.client_end + len(blank) - len(blank.lstrip(b"\r\n"))
    if opened is None or not is_request_at(from_client, begin):
        return said.exchanges
    notes.odd(INNER_HTTP, from_client=True, offset=begin)
    inner = parse_http1(from_client, from_server, notes, client_start=begin, server_start=said.server_end)
    return (
        *said.exchanges[:before],
        *(replace(each, ordinal=before + each.ordinal, upgraded=False, within=opened) for each in inner.exchanges),
    )


def _http2(from_client: Stream, from_server: Stream, opening: Opening, notes: Notes) -> _Said:
    # hpack is loaded only where HTTP/2 is met.
    from analyzer.protocol.http2 import parse_http2

    exchanges = parse_http2(
        from_client,
        from_server,
        notes,
        client_start=opening.client_start,
        server_start=opening.server_start,
        from_start=opening.from_start,
    )
    answer = _http1_answer(from_client, from_server, notes)
    return _Said("h2", exchanges, inspected=opening.inspected, answer=answer)


def _tls(from_client: Stream, from_server: Stream, opening: Opening, notes: Notes) -> _Said:
    answer = _http1_answer(from_client, from_server, notes)
    server_start = from_server.length if answer else opening.server_start
    said = parse_tls(from_client, from_server, notes, client_start=opening.client_start, server_start=server_start)
    inspected = opening.inspected if said.sound else "tcp"
    # Envoy's inspector waits for a whole hello before it says anything.
    return _Said("tls", tls=said.facts, inspected=inspected, answer=answer, known=said.facts.client_hello is not None)


def _ssl2(_from_client: Stream, from_server: Stream, opening: Opening, notes: Notes) -> _Said:
    """A hello in SSL 2.0 framing; the server may answer it with SSL 3.0 or later."""
    notes.odd(SSL2_HELLO, from_client=True, offset=opening.client_start)
    said = parse_tls(Stream.of(b""), from_server, notes)
    return _Said("tls", tls=said.facts, inspected=opening.inspected)


def _opaque(from_client: Stream, from_server: Stream, opening: Opening, notes: Notes) -> _Said:
    """No protocol that Envoy detects; yet a server may answer it with HTTP, and TLS may begin later."""
    answer = _http1_answer(from_client, from_server, notes)
    inner_tls = (
        None if answer else _inner_tls(from_client, from_server, opening.client_start, opening.server_start, notes)
    )
    return _Said("tcp", inspected=opening.inspected, inner_tls=inner_tls, answer=answer)


def _http1_answer(from_client: Stream, from_server: Stream, notes: Notes) -> Response | None:
    """What the server says in HTTP/1 to a client that does not speak it."""
    if not from_client.length or not is_response_at(from_server, 0):
        return None
    exchanges = parse_http1(from_client, from_server, notes, client_start=from_client.length).exchanges
    return exchanges[0].response if exchanges else None


def _inner_tls(
    from_client: Stream, from_server: Stream, client_start: int, server_start: int, notes: Notes
) -> TlsFacts | None:
    """The facts of TLS that begins inside the connection, None where none does."""
    asked = late_client_hello(from_client, client_start)
    if asked is None:
        return None
    notes.odd(INNER_TLS, from_client=True, offset=asked)
    answered = late_records(from_server, server_start)
    # What is missing of it is not missing of the connection: Envoy decided before.
    inner = Notes()
    facts = parse_tls(from_client, from_server, inner, client_start=asked, server_start=answered).facts
    notes.oddities += inner.oddities
    return facts


def _speaks_first(one: Stream, other: Stream) -> bool:
    """Whether ``one`` spoke before it heard ``other``; False where that is not known.

    What the first segments acknowledge tells, and where they cross the order in which they were captured.
    """
    if not (one.from_start and other.from_start):
        return False
    first, second = one.next_data(0), other.next_data(0)
    if first != 0 or second is None:
        return first == 0 and other.length == 0
    if one.heard or other.heard:
        return not one.heard
    return second == 0 and (one.time_at(0), one.packet_at(0)) < (other.time_at(0), other.packet_at(0))


Parser = Callable[[Stream, Stream, Opening, Notes], _Said]
# A new protocol is one file, a kind in `opening`, and its line here.
PARSERS: Mapping[Kind, Parser] = MappingProxyType(
    {Kind.HTTP1: _http1, Kind.HTTP2: _http2, Kind.TLS: _tls, Kind.SSL2: _ssl2, Kind.OPAQUE: _opaque}
)
