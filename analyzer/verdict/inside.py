"""What a key log shows inside a call's own TLS, as evidence: Envoys that pass TLS on decide by its SNI alone."""

from __future__ import annotations

from analyzer.base.place import PacketPlace
from analyzer.protocol.facts import Exchange
from analyzer.verdict.call import Call
from analyzer.verdict.decision import Step
from analyzer.verdict.record import InsideRequest

# Requests of one connection that its record keeps, and that its chain tells.
KEPT_REQUESTS, TOLD_REQUESTS = 100, 3


def inside_of(call: Call) -> tuple[InsideRequest, ...]:
    """The first requests inside a call that is a TLS connection; none where no key log opens it."""
    if call.exchange is not None or call.said.conversation.inside is None:
        return ()
    asked = ((e.request, e.response) for e in call.said.exchanges[:KEPT_REQUESTS] if e.request is not None)
    return tuple(InsideRequest(q.method, q.host, q.target, a.status if a else None) for q, a in asked)


def inside_steps(call: Call) -> tuple[Step, ...]:
    """The link of the chain that says so; nothing where no key log opens it."""
    inside = call.said.conversation.inside
    if call.exchange is not None or inside is None:
        return ()
    capture, (sent, answered) = call.said.wire.main.capture, call.said.streams
    asked = [exchange for exchange in call.said.exchanges if exchange.request is not None]
    if not asked:
        said = f"{sent.captured:,} bytes from the client and {answered.captured:,} from the server, no HTTP"
        return (Step(f"a key log opens its TLS: {said}"),)
    told = "; ".join(map(_phrase, asked[:TOLD_REQUESTS]))
    more = f"; and {len(asked) - TOLD_REQUESTS:,} more" if len(asked) > TOLD_REQUESTS else ""
    packets = (sent.packet_at(e.request.start) for e in asked[:TOLD_REQUESTS] if e.request)
    places = tuple(PacketPlace(capture, packet) for packet in dict.fromkeys(packets) if packet)
    return (Step(f"a key log opens its TLS: {told}{more}", places),)


def _phrase(exchange: Exchange) -> str:
    request, response = exchange.request, exchange.response
    assert request is not None, "only what was asked is told"
    host = f" with Host {request.host}" if request.host is not None else ""
    answer = f"answered {response.status}" if response else "without an answer"
    return f"{request.method} {request.target}{host}, {answer}"
