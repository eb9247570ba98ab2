"""What the packets show happened to a call: who answered, with what, or who closed without a word."""

from __future__ import annotations

from analyzer.flow.connection import Connection
from analyzer.protocol.facts import Exchange, Response
from analyzer.verdict.call import Call
from analyzer.verdict.handshake import handshake_of
from analyzer.verdict.record import Observed
from analyzer.verdict.reply import written_by
from analyzer.verdict.roles import Said


def observe(call: Call) -> Observed:
    """What the call's own connection shows."""
    connection = call.said.wire.connection
    if call.exchange is not None:
        return _observe_exchange(call.exchange, connection)
    if call.said.conversation.answer is not None:
        return _observe_response(call.said.conversation.answer, connection)
    return _observe_connection(call.said, connection)


def _observe_exchange(exchange: Exchange, connection: Connection) -> Observed:
    if exchange.response is None:
        return Observed(closed_by=connection.closed_by, outcome=_ending(exchange, connection))
    return _observe_response(exchange.response, connection)


def _observe_response(response: Response, connection: Connection) -> Observed:
    who = written_by(response)
    return Observed(
        status=response.status,
        answered_by=who,
        closed_by=connection.closed_by if not response.complete else None,
        grpc_status=response.grpc_status,
        outcome="local-reply" if who == "envoy" else "answered",
    )


def _ending(exchange: Exchange, connection: Connection) -> str:
    if exchange.reset_by_server is not None or exchange.reset_by_client is not None:
        return "reset"
    return _unanswered(connection)


def _unanswered(connection: Connection) -> str:
    """How a connection ended that brought no byte from the server."""
    if connection.conn_state == "REJ" and not handshake_of(connection.history).acknowledged:
        return "refused"  # else the client heard the server accept
    if connection.reset_by == "server":
        return "reset"
    if connection.closed_by == "server":
        return "closed"
    if connection.closed_by == "client" or connection.conn_state == "S0":
        return "no-answer"
    return "open"


def _observe_connection(said: Said, connection: Connection) -> Observed:
    tls = said.conversation.tls
    alert = next((a.description for a in tls.alerts if a.level == 2), None) if tls else None
    if alert is not None:
        return Observed(closed_by=connection.closed_by, tls_alert=alert, outcome="tls-alert")
    if connection.from_server.captured or connection.server_bytes:
        return Observed(closed_by=connection.closed_by, outcome="answered")
    return Observed(closed_by=connection.closed_by, outcome=_unanswered(connection))
