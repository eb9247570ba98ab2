"""Which wires carried a call onwards: the sidecar's upstream connection, and its delivery at the other end.

HTTP is stitched per request, because sidecars pool connections; opaque TCP and TLS per connection. A wire that could
carry a call must show it between the call's request and its reply: never is nearness in time alone enough.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import cached_property

from analyzer.base.fact import Fact, set_derived
from analyzer.base.stream import Stream
from analyzer.protocol.facts import Exchange, Request
from analyzer.verdict.carriers import Carriers
from analyzer.verdict.overlap import Overlap
from analyzer.verdict.reply import passed_http_manager, written_at_home
from analyzer.verdict.roles import Role, Said, cluster_of_sni

# Captures of one pod stamp the same packet up to this much apart.
CLOCK_SLACK_NS = 1_000_000
# Bytes of a plaintext payload that are compared between two legs.
_COMPARED_BYTES = 64


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


class _Search(Fact, frozen=True):
    """For what carried ``call`` onwards from ``via``: among the wires of ``carriers`` at ``addresses``.

    ``crowd`` is the address whose calls may be mistaken for this one.
    """

    call: Call
    via: Said
    carriers: Carriers
    addresses: tuple[str, ...]
    crowd: str

    def while_open(self, capture: str) -> tuple[int, int]:
        """The life of the call's own connection, on the clock of a capture.

        Envoy may connect upstream before the application's first byte (server-first protocols), never before its SYN.
        """
        connection = self.call.said.wire.connection
        return self._on_clock(capture, connection.first_ns, connection.last_ns)

    def while_asked(self, capture: str) -> tuple[int, int]:
        """From the request to its reply, on the clock of a capture."""
        return self._on_clock(capture, self.call.begin_ns, self.call.end_ns)

    def heard_ns(self, said: Said) -> int:
        """When the server of a wire last spoke between the request and the reply; 0 where it did not."""
        begin, end = self.while_asked(said.wire.main.capture)
        times = said.wire.connection.from_server.times_ns
        i = bisect_right(times, end)
        return times[i - 1] if i and times[i - 1] >= begin else 0

    def may_have_answered(self, said: Said) -> bool:
        """Whether the server of a wire spoke before the call was answered, or need not be seen to have done so."""
        exchange = self.call.exchange
        unseen = exchange is None or exchange.response is None or not said.wire.connection.from_server.times_ns
        return unseen or self.heard_ns(said) > 0

    def _on_clock(self, there: str, begin_ns: int, end_ns: int) -> tuple[int, int]:
        here = self.call.said.wire.main.capture
        if there == here:
            return begin_ns, end_ns
        opened = {s.capture: s.connection.first_ns for s in self.via.wire.sightings if s.connection.syn_seq is not None}
        shift = opened[there] - opened[here] if here in opened and there in opened else 0
        return begin_ns + shift - CLOCK_SLACK_NS, end_ns + shift + CLOCK_SLACK_NS


# The addresses behind a cluster, by its name.
Behind = Callable[[str], frozenset[str]]


def _anything(_: str) -> frozenset[str]:
    return frozenset()


class Stitcher:
    """Finds the wires that carried calls onwards; every readable exchange and every opaque wire is given once."""

    def __init__(
        self, all_said: Sequence[Said], gateways: frozenset[str] = frozenset(), behind: Behind = _anything
    ) -> None:
        """``gateways`` are the addresses of gateways' pods: what reaches one may leave it again.

        ``behind`` gives the addresses of a cluster's endpoints, none where they are not known.
        """
        self._behind = behind
        self._upstream = Carriers((s.wire.client.ip, s) for s in all_said if s.role is Role.UPSTREAM)
        self._delivery = Carriers(
            (s.delivered_at or s.wire.connection.server.ip, s) for s in all_said if s.role is Role.DELIVERY
        )
        self._all_said = all_said
        self._gateways = gateways
        self._given: set[tuple[int, int]] = set()
        self._tunnels: dict[int, Onward] = {}

    @cached_property
    def _in_flight(self) -> Overlap:
        pairs = ((said, address) for said in self._all_said for address in _crowds(said, self._gateways))
        return Overlap(span for said, address in pairs for span in _spans(said, address))

    @cached_property
    def _own_hellos(self) -> frozenset[bytes]:
        """What the TLS of applications begins with."""
        own = (said for said in self._all_said if said.role is Role.APP and said.conversation.tls is not None)
        return frozenset(map(_first_bytes, own))

    def upstream_of(self, call: Call, cluster: str | None, *, opaque: bool = False) -> Onward | None:
        """The sidecar's upstream leg of an application's call; ``cluster`` is the predicted one, where there is one.

        ``opaque``: it leads there whatever the bytes say, so that a request has no leg of its own.
        """
        return self._upstream_from(call, call.said, call.said.wire.client.ip, cluster, opaque=opaque)

    def through_gateway(self, call: Call, via: Said, gateway: str, cluster: str | None) -> Onward | None:
        """The gateway's upstream leg of a call that reached it by ``via``."""
        return self._upstream_from(call, via, gateway, cluster)

    def _upstream_from(
        self, call: Call, via: Said, address: str, cluster: str | None, *, opaque: bool = False
    ) -> Onward | None:
        if not self._upstream.any_at((address,)):
            return None
        search = _Search(call, via, self._upstream, (address,), address)
        if call.exchange is None:
            return self._connection(search, cluster)
        response = call.exchange.response
        if call.request is None or (response is not None and written_at_home(response)):
            return None
        found = self._plain_exchange(search, call.request) or (None if opaque else self._sealed(search, cluster))
        if found is None and (response is None or not passed_http_manager(response)):
            return self._tunnel(search, cluster)
        return found

    def delivery_of(self, call: Call, onward: Onward | None) -> Onward | None:
        """The leg from the server's sidecar to its application, of a call that came by ``onward`` or by itself."""
        via = onward.said if onward else call.said
        addresses = tuple(dict.fromkeys(s.ip for s in via.wire.servers))
        if not self._delivery.any_at(addresses):
            return None
        search = _Search(call, via, self._delivery, addresses, call.said.wire.client.ip)
        if call.exchange is None:
            return self._connection(search, None)
        request = onward.exchange.request if onward and onward.exchange else call.request
        return self._plain_exchange(search, request) if request is not None else None

    def anyone_calling(self, client: str, moment: int) -> bool:
        """Whether an application at an address had a call under way at a moment."""
        kinds = ((client, True), (client, False))
        return any(self._in_flight.count(kind, moment, moment) for kind in kinds)

    def was_given(self, said: Said) -> bool:
        """Whether a wire carried any call."""
        return (id(said), 0) in self._given

    def _plain_exchange(self, search: _Search, request: Request) -> Onward | None:
        found = [
            (said, exchange)
            for said, exchange in search.carriers.asked(search.addresses, search.while_asked)
            if (id(said), exchange.ordinal) not in self._given and _same_request(request, exchange.request)
            if not self._passed_on(said)
        ]
        same = [pair for pair in found if _same_target(request, pair[1].request)]
        if not same and self._alone(search):
            same = found  # rewritten by a route, and nobody else asked meanwhile
        if not same:
            return None
        # An id that the application sent may be on several of its requests; one that Envoy made is on one alone.
        tries = _tries(same) if request.header("x-request-id") is None else same[:1]
        for tried, asked in tries:
            self._give(tried, asked.ordinal)
        said, exchange = tries[-1]
        return Onward(said, exchange, certain=len(tries) == len(same))

    def _sealed(self, search: _Search, cluster: str | None) -> Onward | None:
        """A request inside TLS: of the wires whose client spoke after it, the one that was heard last before the reply.

        Those before it are attempts that failed, where Envoy tried again. Where other calls were under way too, one of
        several is not chosen: it may be theirs.
        """
        spoke = search.carriers.spoke(search.addresses, search.while_asked)
        active = sorted(
            (pair for pair in spoke if not self._passed_on(pair[1])), key=lambda pair: (pair[0], pair[1].wire.client)
        )
        sole = len(active) == 1 and self._alone(search)
        chosen = self._leading_to(cluster, [said for _, said in active], sole=sole)
        chosen = self._delivered(search, [said for said in chosen if search.may_have_answered(said)])
        if not chosen or (len(chosen) > 1 and not self._alone(search)):
            return None
        said = max(chosen, key=search.heard_ns)
        self._give(said, 0)
        return Onward(said, None, certain=sole and said.istio_mtls)

    def _delivered(self, search: _Search, found: list[Said]) -> list[Said]:
        """Of several wires those at whose other end the request was delivered meanwhile, where such ends were seen."""
        request = search.call.request
        if len(found) < 2 or request is None:
            return found
        return [said for said in found if self._may_deliver(search, said, request)] or found

    def _may_deliver(self, search: _Search, said: Said, request: Request) -> bool:
        addresses = tuple(dict.fromkeys(server.ip for server in said.wire.servers))
        if not self._delivery.any_at(addresses):
            return True
        beyond = _Search(search.call, said, self._delivery, addresses, search.crowd)
        asked = (exchange.request for _, exchange in self._delivery.asked(addresses, beyond.while_asked))
        return any(_same_request(request, each) and _same_target(request, each) for each in asked)

    def _tunnel(self, search: _Search, cluster: str | None) -> Onward | None:
        """HTTP that Envoy treats as opaque TCP: one upstream connection for all requests of the application's."""
        key = id(search.call.said)
        if key not in self._tunnels:
            found = self._connection(search, cluster)
            if found is None:
                return None
            self._tunnels[key] = found
        return self._tunnels[key]

    def _connection(self, search: _Search, cluster: str | None) -> Onward | None:
        mine = search.call.said
        fitting = [
            said
            for said in search.carriers.opened(search.addresses, search.while_open)
            if not self.was_given(said) and _may_carry_bytes(mine, said)
        ]
        same = [said for said in fitting if _same_bytes(mine, said)]
        fitting = [said for said in fitting if not self._passed_on(said)]
        alone = self._alone(search)
        chosen = same or self._leading_to(cluster, fitting, sole=alone and len(fitting) == 1)
        if not chosen:
            return None
        self._give(chosen[0], 0)
        unique = self._says_what_no_other_says(mine) if same else alone and not mine.may_seal_http
        return Onward(chosen[0], None, certain=unique and len(chosen) == 1)

    def _leading_to(self, cluster: str | None, found: list[Said], *, sole: bool) -> list[Said]:
        """Those that may lead to the predicted cluster: that name it, else name none and reach one of its endpoints.

        A sole one may, whatever it names.
        """
        if cluster is None or sole:
            return found
        named = [said for said in found if cluster_of_sni(said.sni) == cluster]
        unnamed = [said for said in found if cluster_of_sni(said.sni) is None]
        behind = self._behind(cluster)
        if not behind:
            return named or unnamed
        return [s for s in found if s in named or (s in unnamed and any(to.ip in behind for to in s.wire.servers))]

    def _alone(self, search: _Search) -> bool:
        """Whether no other call of its kind was under way in the same pod at the same time."""
        call = search.call
        kind = (search.crowd, call.exchange is not None)
        return self._in_flight.count(kind, call.begin_ns, call.end_ns) <= 1

    def _passed_on(self, said: Said) -> bool:
        """Whether the TLS on a sidecar's wire is an application's own."""
        return said.conversation.tls is not None and _first_bytes(said) in self._own_hellos

    def _says_what_no_other_says(self, said: Said) -> bool:
        kind = (said.wire.client.ip, _first_bytes(said))
        return self._in_flight.count(kind, said.wire.first_ns, said.wire.last_ns) <= 1

    def _give(self, said: Said, ordinal: int) -> None:
        self._given.add((id(said), ordinal))
        self._given.add((id(said), 0))


def _crowds(said: Said, gateways: frozenset[str]) -> list[str]:
    """The addresses from which the calls of a wire go on: the application's own, or the gateway's that it reaches."""
    own = [said.wire.client.ip] if said.role is Role.APP else []
    return own + [server.ip for server in said.wire.servers if server.ip in gateways]


def _spans(said: Said, address: str) -> Iterator[tuple[Hashable, int, int]]:
    """When the calls of a wire were under way: by pod and kind, and by pod and what an opaque connection began with."""
    for call in calls_of(said):
        if call.exchange is None:
            yield (address, _first_bytes(said)), call.begin_ns, call.end_ns
        if call.exchange is None or call.request is not None:
            yield (address, call.exchange is not None), call.begin_ns, call.end_ns


def _same_request(mine: Request, other: Request | None) -> bool:
    """Envoy keeps the method, and an ``x-request-id`` that is there already."""
    if other is None or mine.method != other.method:
        return False
    sent = mine.header("x-request-id")
    return sent is None or sent == other.header("x-request-id")


def _tries(found: list[tuple[Said, Exchange]]) -> list[tuple[Said, Exchange]]:
    """The first of exchanges that say the same, and those by which Envoy tried again: they keep its request's id.

    In the order of their time; what the last one brings is what the client hears of.
    """
    first = found[0][1].request
    known = first.header("x-request-id") if first else None
    if known is None:
        return found[:1]
    return [pair for pair in found if pair[1].request and pair[1].request.header("x-request-id") == known]


def _same_target(mine: Request, other: Request | None) -> bool:
    return other is not None and mine.target == other.target and (mine.host or "").lower() == (other.host or "").lower()


def _may_carry_bytes(mine: Said, other: Said) -> bool:
    """Whether ``other`` can be the tcp_proxy leg of ``mine``: in TLS that a sidecar begins or ends, or unchanged."""
    if other.istio_mtls != mine.istio_mtls:
        return other.carries_tcp if other.istio_mtls else True
    if other.role is Role.UPSTREAM and mine.conversation.tls is None and other.conversation.tls is not None:
        return True
    here, there = mine.wire.connection, other.wire.connection
    return _agree(here.from_client, there.from_client) and _agree(here.from_server, there.from_server)


def _agree(one: Stream, other: Stream) -> bool:
    first, second = one.read(0, _COMPARED_BYTES), other.read(0, _COMPARED_BYTES)
    size = min(len(first), len(second))
    return first[:size] == second[:size]


def _same_bytes(mine: Said, other: Said) -> bool:
    sent = _first_bytes(mine)
    return bool(sent) and sent == _first_bytes(other)


def _first_bytes(said: Said) -> bytes:
    return said.wire.connection.from_client.read(0, _COMPARED_BYTES)
