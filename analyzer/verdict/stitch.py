"""Which wires carried a call onwards: the sidecar's upstream connection, and its delivery at the other end.

HTTP is stitched per request, because sidecars pool connections; opaque TCP and TLS per connection. A wire that could
carry a call must show it between the call's request and its reply: never is nearness in time alone enough.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from analyzer.protocol.facts import Exchange, Request
from analyzer.verdict.roles import Role, Said, cluster_of_sni

# An Envoy may connect upstream before the application's first byte (server-first protocols), never before its SYN;
# captures of one pod stamp the same packet up to this much apart.
CLOCK_SLACK_NS = 1_000_000
# Bytes of a plaintext payload that are compared between two legs.
_COMPARED_BYTES = 64


@dataclass(frozen=True, slots=True)
class Call:
    """One thing an Envoy has to decide about: an exchange of HTTP, or a whole connection (``exchange`` None)."""

    said: Said
    ordinal: int
    exchange: Exchange | None

    @property
    def request(self) -> Request | None:
        """The request's head, where it is HTTP and the head was captured."""
        return self.exchange.request if self.exchange else None

    @property
    def begin_ns(self) -> int:
        """When the call began: its request's first byte, or its connection's first packet."""
        request = self.request
        return self.said.wire.connection.from_client.time_at(request.start) if request else self.said.wire.first_ns

    @property
    def end_ns(self) -> int:
        """When its reply began to show, or its connection's last packet."""
        connection = self.said.wire.connection
        response = self.exchange.response if self.exchange else None
        return (connection.from_server.time_at(response.start) if response else 0) or self.said.wire.last_ns


@dataclass(frozen=True, slots=True)
class Onward:
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


class Stitcher:
    """The wires that can carry calls onwards, by the address that opens them; every readable exchange is given once."""

    def __init__(self, carriers: Iterable[Said]) -> None:
        self._by_client: dict[str, list[Said]] = {}
        self._by_server: dict[str, list[Said]] = {}
        self._given: set[tuple[int, int]] = set()
        self._tunnels: dict[int, Onward] = {}
        for said in carriers:
            if said.role is Role.UPSTREAM:
                self._by_client.setdefault(said.wire.client.ip, []).append(said)
            elif said.role is Role.DELIVERY:
                self._by_server.setdefault(said.wire.connection.server.ip, []).append(said)

    def upstream_of(self, call: Call, cluster: str | None) -> Onward | None:
        """The sidecar's upstream leg of an application's call; ``cluster`` is the predicted one, where there is one."""
        candidates = self._by_client.get(call.said.wire.client.ip, [])
        if call.request is None:
            return self._connection(call, candidates, cluster)
        return (
            self._plain_exchange(call, candidates)
            or self._sealed(call, candidates, cluster)
            or self._tunnel(call, candidates, cluster)
        )

    def delivery_of(self, call: Call, onward: Onward | None) -> Onward | None:
        """The leg from the server's sidecar to its application, of a call that came by ``onward`` or by itself."""
        via = onward.said if onward else call.said
        candidates = [d for ip in {s.ip for s in via.wire.servers} for d in self._by_server.get(ip, ())]
        if call.request is None:
            return self._connection(call, candidates, None)
        return self._plain_exchange(call, candidates)

    def was_given(self, said: Said) -> bool:
        """Whether a wire carried any call."""
        return (id(said), 0) in self._given

    def _plain_exchange(self, call: Call, candidates: list[Said]) -> Onward | None:
        request = call.request
        assert request is not None
        found = [
            (said, exchange)
            for said in candidates
            for exchange in _exchanges_between(said, call.begin_ns, call.end_ns)
            if (id(said), exchange.ordinal) not in self._given and _same_request(request, exchange.request)
        ]
        same = [pair for pair in found if _same_target(request, pair[1].request)] or found
        if not same:
            return None
        said, exchange = same[0]
        self._give(said, exchange.ordinal)
        return Onward(said, exchange, certain=len(same) == 1)

    def _sealed(self, call: Call, candidates: list[Said], cluster: str | None) -> Onward | None:
        """A request inside mutual TLS: the wire whose client spoke first after the request and before the reply."""
        active = [
            (moment, said)
            for said in candidates
            if said.istio_mtls and not said.carries_tcp
            for moment in (_first_data_between(said, call.begin_ns, call.end_ns),)
            if moment is not None
        ]
        named = [pair for pair in active if cluster_of_sni(pair[1].sni) == cluster] if cluster else []
        chosen = named or active
        if not chosen:
            return None
        _, said = min(chosen, key=lambda pair: (pair[0], pair[1].wire.client))
        self._give(said, 0)
        return Onward(said, None, certain=len(active) == 1)

    def _tunnel(self, call: Call, candidates: list[Said], cluster: str | None) -> Onward | None:
        """HTTP that Envoy treats as opaque TCP: one upstream connection for all requests of the application's."""
        key = id(call.said)
        if key not in self._tunnels:
            sealed = [said for said in candidates if said.istio_mtls and said.carries_tcp]
            found = self._connection(call, sealed, cluster)
            if found is None:
                return None
            self._tunnels[key] = found
        return self._tunnels[key]

    def _connection(self, call: Call, candidates: list[Said], cluster: str | None) -> Onward | None:
        begin, end = call.said.wire.first_ns - CLOCK_SLACK_NS, call.said.wire.last_ns
        fitting = [
            said
            for said in candidates
            if begin <= said.wire.first_ns <= end and not self.was_given(said) and _may_carry_bytes(call.said, said)
        ]
        same = [said for said in fitting if _same_bytes(call.said, said)]
        named = [said for said in fitting if cluster and cluster_of_sni(said.sni) == cluster]
        chosen = same or named or fitting
        if not chosen:
            return None
        self._give(chosen[0], 0)
        return Onward(chosen[0], None, certain=len(chosen) == 1)

    def _give(self, said: Said, ordinal: int) -> None:
        self._given.add((id(said), ordinal))
        self._given.add((id(said), 0))


def _exchanges_between(said: Said, begin_ns: int, end_ns: int) -> Iterator[Exchange]:
    stream = said.wire.connection.from_client
    for exchange in said.conversation.exchanges:
        if exchange.request is None:
            continue
        moment = stream.time_at(exchange.request.start)
        if begin_ns - CLOCK_SLACK_NS <= moment <= end_ns + CLOCK_SLACK_NS:
            yield exchange


def _same_request(mine: Request, other: Request | None) -> bool:
    """Envoy keeps the method, and an ``x-request-id`` that the application itself sent."""
    if other is None or mine.method != other.method:
        return False
    sent = mine.header("x-request-id")
    return sent is None or sent == other.header("x-request-id")


def _same_target(mine: Request, other: Request | None) -> bool:
    return other is not None and mine.target == other.target and (mine.host or "").lower() == (other.host or "").lower()


def _first_data_between(said: Said, begin_ns: int, end_ns: int) -> int | None:
    times = said.wire.connection.from_client.times_ns
    i = bisect_left(times, begin_ns - CLOCK_SLACK_NS)
    return times[i] if i < len(times) and times[i] <= end_ns + CLOCK_SLACK_NS else None


def _may_carry_bytes(mine: Said, other: Said) -> bool:
    """Whether ``other`` can be the tcp_proxy leg of ``mine``: opaque on one side of mutual TLS, or the same bytes."""
    if other.istio_mtls != mine.istio_mtls:
        return other.carries_tcp if other.istio_mtls else True
    sent, passed_on = _first_bytes(mine), _first_bytes(other)
    size = min(len(sent), len(passed_on))
    return sent[:size] == passed_on[:size]


def _same_bytes(mine: Said, other: Said) -> bool:
    sent = _first_bytes(mine)
    return bool(sent) and sent == _first_bytes(other)


def _first_bytes(said: Said) -> bytes:
    return said.wire.connection.from_client.read(0, _COMPARED_BYTES)
