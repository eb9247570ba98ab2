"""One thing an Envoy has to decide about, and the legs that carried it onwards."""

from __future__ import annotations

from analyzer.base.fact import Fact, set_derived
from analyzer.mesh.path import split_target
from analyzer.protocol.facts import Exchange, Request
from analyzer.verdict.roles import Said


class Call(Fact, frozen=True):
    """One thing an Envoy has to decide about: an exchange of HTTP, or a whole connection (``exchange`` None).

    ``begin_ns`` is its request's first byte, or its connection's first packet; ``end_ns`` when its reply began to show,
    or its connection's last packet. ``request`` is None where it is no HTTP, or the head was not captured. ``asked`` is
    the request that an Envoy was asked: ``request``, or the CONNECT in whose tunnel it was sent.
    """

    said: Said
    ordinal: int
    exchange: Exchange | None
    # Derived, as are the times.
    request: Request | None = None
    asked: Request | None = None
    begin_ns: int = 0
    end_ns: int = 0

    def __post_init__(self) -> None:
        wire, exchange = self.said.wire, self.exchange
        if exchange is None:
            set_derived(self, "begin_ns", wire.first_ns)
            set_derived(self, "end_ns", wire.last_ns)
            return
        request, response, connection = exchange.request, exchange.response, wire.connection
        end = connection.from_server.time_at(response.start) if response else 0
        set_derived(self, "request", request)
        set_derived(self, "asked", exchange.within or request)
        set_derived(self, "begin_ns", connection.from_client.time_at(request.start) if request else wire.first_ns)
        set_derived(self, "end_ns", end or wire.last_ns)


class Onward(Fact, frozen=True):
    """A leg of a call: ``certain`` when only this wire can have carried it; ``exchange`` where it is readable."""

    said: Said
    exchange: Exchange | None
    certain: bool


def calls_of(said: Said) -> list[Call]:
    """The calls on a wire, in their order: each exchange of HTTP, or the connection itself."""
    exchanges = said.conversation.exchanges
    if not exchanges:
        return [Call(said, 1, None)]
    return [Call(said, exchange.ordinal, exchange) for exchange in exchanges]


def host_and_path(request: Request) -> tuple[str | None, str]:
    """What a request asks for, of whom: an absolute-form target says both, as Envoy sends them on."""
    parts = split_target(request.target)
    return (request.host, request.target) if parts is None else parts[1:]
