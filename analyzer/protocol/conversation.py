"""The door of this room: two byte streams in, everything that was said out. By content, never by port."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from analyzer.base.oddity import Code, Family, Level
from analyzer.base.stream import Stream
from analyzer.protocol.facts import Conversation, Exchange, TlsFacts
from analyzer.protocol.http1 import parse_http1
from analyzer.protocol.notes import Notes
from analyzer.protocol.opening import Kind, Opening, late_client_hello, late_records, open_conversation
from analyzer.protocol.resync import is_response_at
from analyzer.protocol.tls import SSL2_HELLO, parse_tls

LATE_TLS = Code(
    "tls-late",
    Family.PROTOCOL,
    Level.INFO,
    "TLS begins inside the connection",
    "After a STARTTLS or in a CONNECT tunnel. Envoy decided on the bytes before: the server name had no part in it.",
)


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
        opening.from_start,
        notes.missing,
        tuple(notes.oddities),
        said.inspected if said.inspected != said.protocol else None,
    )


class _Said(NamedTuple):
    """What one parser contributes to a conversation."""

    protocol: str
    exchanges: tuple[Exchange, ...]
    tls: TlsFacts | None
    inspected: str | None


def _http1(from_client: Stream, from_server: Stream, opening: Opening, notes: Notes) -> _Said:
    said = parse_http1(
        from_client,
        from_server,
        notes,
        client_start=opening.client_start,
        server_start=opening.server_start,
        in_step=opening.from_start,
    )
    tls = None
    if said.upgraded_to == "connect":
        tls = _late_tls(from_client, from_server, said.client_end, said.server_end, notes)
    versions = (exchange.request.version for exchange in said.exchanges if exchange.request is not None)
    return _Said(next(versions, "http/1.1"), said.exchanges, tls, opening.inspected)


def _http2(_from_client: Stream, _from_server: Stream, opening: Opening, _notes: Notes) -> _Said:
    return _Said("h2", (), None, opening.inspected)


def _tls(from_client: Stream, from_server: Stream, opening: Opening, notes: Notes) -> _Said:
    said = parse_tls(
        from_client, from_server, notes, client_start=opening.client_start, server_start=opening.server_start
    )
    return _Said("tls", (), said.facts, opening.inspected if said.sound else "tcp")


def _ssl2(_from_client: Stream, from_server: Stream, opening: Opening, notes: Notes) -> _Said:
    """A hello in SSL 2.0 framing; the server may answer it with SSL 3.0 or later."""
    notes.odd(SSL2_HELLO, from_client=True, offset=opening.client_start)
    said = parse_tls(Stream.of(b""), from_server, notes)
    return _Said("tls", (), said.facts, opening.inspected)


def _opaque(from_client: Stream, from_server: Stream, opening: Opening, notes: Notes) -> _Said:
    """No protocol that Envoy detects; yet a server may answer it with HTTP, and TLS may begin later."""
    exchanges: tuple[Exchange, ...] = ()
    if from_client.length and is_response_at(from_server, 0):
        exchanges = parse_http1(from_client, from_server, notes, client_start=from_client.length).exchanges[:1]
    tls = None if exchanges else _late_tls(from_client, from_server, opening.client_start, 0, notes)
    return _Said("tcp", exchanges, tls, None)


def _late_tls(
    from_client: Stream, from_server: Stream, client_start: int, server_start: int, notes: Notes
) -> TlsFacts | None:
    """The facts of TLS that begins inside the connection, None where none does."""
    asked = late_client_hello(from_client, client_start)
    if asked is None:
        return None
    notes.odd(LATE_TLS, from_client=True, offset=asked)
    answered = late_records(from_server, server_start)
    return parse_tls(from_client, from_server, notes, client_start=asked, server_start=answered).facts


def _speaks_first(one: Stream, other: Stream) -> bool:
    """Whether the first byte of ``one`` was captured before any byte of ``other``; False where that is not known."""
    if not (one.from_start and other.from_start):
        return False
    first, second = one.next_data(0), other.next_data(0)
    if first != 0 or second is None:
        return first == 0 and other.length == 0
    return second == 0 and (one.time_at(0), one.packet_at(0)) < (other.time_at(0), other.packet_at(0))


Parser = Callable[[Stream, Stream, Opening, Notes], _Said]
# A new protocol is one file, a kind in `opening`, and its line here.
PARSERS: Mapping[Kind, Parser] = MappingProxyType(
    {Kind.HTTP1: _http1, Kind.HTTP2: _http2, Kind.TLS: _tls, Kind.SSL2: _ssl2, Kind.OPAQUE: _opaque}
)
