"""The chain of a call in sentences: what the packets show before the decision, and what they show after it."""

from __future__ import annotations

from functools import lru_cache

from analyzer.base.escape import shorten
from analyzer.base.place import PacketPlace
from analyzer.base.stream import Stream
from analyzer.mesh.redirect import TUNNEL_PORT
from analyzer.verdict.call import Call, Onward
from analyzer.verdict.decision import Step
from analyzer.verdict.record import Leg, Observed
from analyzer.verdict.roles import Role, Said
from analyzer.verdict.wires import Sighting

_PROTOCOL_NAMES = {"http/1.0": "HTTP/1.0", "http/1.1": "HTTP/1.1", "h2": "HTTP/2", "tls": "TLS", "tcp": "TCP"}
# RFC 6066 section 3: a server name is a DNS name; one that is longer is somebody's probe.
_MAX_NAME_LEN = 255


def packets_of(call: Call) -> tuple[int, int]:
    """The first and last packet of a call on its own connection, 1-based: from its request to the end of its reply."""
    connection = call.said.wire.connection
    exchange = call.exchange
    if exchange is None:
        return connection.first_packet, connection.last_packet
    places: list[int] = []
    if exchange.request is not None:
        request = exchange.request
        places += _first_and_last(connection.from_client, request.start, request.end)
    if exchange.response is not None:
        response = exchange.response
        places += _first_and_last(connection.from_server, response.start, response.body_end or response.end)
    seen = [p for p in places if p]
    if exchange.response is None:
        seen.append(connection.last_packet)
    return (min(seen), max(seen)) if seen else (connection.first_packet, connection.last_packet)


def _first_and_last(stream: Stream, start: int, end: int) -> tuple[int, int]:
    """The packets that brought the first and the last of some bytes, 0 where they are not there.

    Of a segment that the snapshot length cut the end is missing, yet that packet brought it.
    """
    first = stream.packet_at(start)
    return first, stream.packet_up_to(end - 1) if first else stream.packet_at(end - 1)


def legs_of(said: Said) -> tuple[Leg, ...]:
    """A call's own connection as legs: one for each capture that saw it, the one that shows most first."""
    wire = said.wire
    others = [s for s in wire.sightings if s is not wire.main]
    return tuple(_leg(s, said, said.role.value, certain=True) for s in (wire.main, *others))


def onward_legs(onward: Onward, role: str) -> tuple[Leg, ...]:
    """An onward wire as legs: one for each capture that saw it."""
    return tuple(_leg(s, onward.said, role, certain=onward.certain) for s in onward.said.wire.sightings)


def _leg(sighting: Sighting, said: Said, role: str, *, certain: bool) -> Leg:
    connection = sighting.connection
    return Leg(
        role=role,
        capture=sighting.capture,
        client=connection.client,
        server=connection.server,
        first_packet=connection.first_packet,
        last_packet=connection.last_packet,
        sni=said.sni,
        certain=certain,
        uid=connection.uid,
    )


def asked_step(call: Call, who: str) -> Step:
    """What was asked of whom; ``who`` is the client in a person's words."""
    connection, request = call.said.wire.connection, call.request
    protocol = _PROTOCOL_NAMES[call.said.conversation.protocol]
    if request is not None:
        host = f" with Host {_short_host(request.host)}" if request.host is not None else " without Host"
        what = f"{who} sent {request.method} {request.target}{host} ({protocol})"
    elif call.said.sni is not None:
        what = f"{who} began TLS with SNI {shorten(call.said.sni, _MAX_NAME_LEN)}"
    else:
        what = f"{who} opened a {protocol} connection"
    sealed = call.said.conversation.tls is not None
    tunnel = ", by its port an HBONE tunnel" if sealed and connection.server.port == TUNNEL_PORT else ""
    return Step(f"{what} to {connection.server}{tunnel}", (_place(call.said, asked_packet(call)),))


def asked_packet(call: Call) -> int:
    """The packet that brought the first byte of what was asked; the connection's first one where that is not there."""
    connection, request = call.said.wire.connection, call.request
    packet = connection.from_client.packet_at(request.start) if request is not None else 0
    return packet or connection.first_packet


def _short_host(host: str) -> str:
    """A host as it is shown; of an overlong one no half of what stands before an @, which would not be known for it."""
    return host if len(host) <= _MAX_NAME_LEN else shorten(host.rpartition("@")[2], _MAX_NAME_LEN)


def redirected_steps(said: Said) -> tuple[Step, ...]:
    """What iptables did to an application's connection; nothing to others."""
    connection = said.wire.connection
    if said.role is not Role.APP:
        return ()
    if not connection.joined:
        return (Step("iptables redirected it to the sidecar; only one half of the connection is in the capture"),)
    sentence = (
        f"iptables redirected it to the sidecar on port {connection.redirect_port}; "
        f"the answers come from {connection.server}, which is where the client meant to go"
    )
    return (Step(sentence, (_place(said, connection.first_packet),)),)


def after_decision(call: Call, observed: Observed, onward: tuple[Onward, ...], last_packet: int) -> tuple[Step, ...]:
    """Who carried the call onward, and how it ended with ``last_packet`` of its own connection."""
    answered = Step(_ending(observed), (_place(call.said, last_packet),))
    return (*(_carried(leg) for leg in onward), answered)


def _carried(onward: Onward) -> Step:
    connection = onward.said.wire.connection
    surely = "" if onward.certain else ", as far as time and size tell"
    name = "the sidecar's connection" if onward.said.role is Role.UPSTREAM else "the delivery to the application"
    sni = f" with SNI {shorten(onward.said.sni, _MAX_NAME_LEN)}" if onward.said.sni else ""
    sentence = f"{name} {connection.client} → {connection.server}{sni} carried it{surely}"
    places = tuple(PacketPlace(s.capture, s.connection.first_packet) for s in onward.said.wire.sightings)
    return Step(sentence, places)


@lru_cache(maxsize=1024)
def _ending(observed: Observed) -> str:
    outcome = "status" if observed.status and observed.outcome == "answered" else observed.outcome
    sentence = _OUTCOMES[outcome].format(status=observed.status, by=_BY[observed.answered_by], alert=observed.tls_alert)
    if observed.agrees is True:
        sentence += "; that is what the model says"
    elif observed.agrees is False:
        sentence += f"; that is not what the model says: {observed.why}"
    return sentence


_BY = {"app": "the application", "envoy": "an Envoy by itself", None: "the application or an Envoy"}
_OUTCOMES = {
    "answered": "the packets show an answer from the server",
    "status": "the packets show {status} from {by}",
    "local-reply": "the packets show {status} from {by}",
    "reset": "the packets show a reset without an answer",
    "closed": "the packets show a close without an answer",
    "refused": "the packets show a refused connection",
    "no-answer": "the packets show no answer",
    "tls-alert": "the packets show the TLS alert {alert}",
    "open": "the capture ends before an answer",
}


def _place(said: Said, packet: int) -> PacketPlace:
    return PacketPlace(said.wire.main.capture, packet)
