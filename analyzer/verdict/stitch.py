"""Which wires carried a call onwards: the sidecar's upstream connection, and its delivery at the other end.

HTTP is stitched per request, because sidecars pool connections; opaque TCP and TLS per connection. A wire that could
carry a call must show it between the call's request and its reply: never is nearness in time alone enough.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from functools import cached_property

from analyzer.base.fact import replace
from analyzer.base.pages import letting_go
from analyzer.base.stream import Stream
from analyzer.protocol.facts import Request
from analyzer.verdict.call import Call, Onward, calls_of
from analyzer.verdict.carriers import Carriers
from analyzer.verdict.overlap import Overlap
from analyzer.verdict.reply import passed_http_manager, written_at_home
from analyzer.verdict.rivals import Rivals, settle
from analyzer.verdict.roles import Role, Said, cluster_of_sni
from analyzer.verdict.search import Apart, Search, Tries, by_id, clocks_apart, same_request, same_target, saying_of
from analyzer.verdict.wires import WIRES_AT_ONCE, buffers_of

# Bytes of a plaintext payload that are compared between two legs.
_COMPARED_BYTES = 64


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
        # Deliveries that are known before they are looked for, by their call's exchange.
        self._settled: dict[int, Tries] = {}

    @cached_property
    def _apart(self) -> Apart:
        return clocks_apart(said.wire for said in self._all_said)

    @cached_property
    def _rivals(self) -> Rivals[Call]:
        own = (call for said in self._all_said if said.role is Role.APP for call in calls_of(said))
        return Rivals((saying_of(call), call.begin_ns, call.end_ns, call) for call in own if call.request)

    @cached_property
    def _in_flight(self) -> Overlap:
        pairs = ((said, address) for said in self._looked_into() for address in _crowds(said, self._gateways))
        return Overlap(span for said, address in pairs for span in _spans(said, address))

    @cached_property
    def _passing_on(self) -> frozenset[int]:
        """The wires whose TLS begins as that of an application's own connection, by ``id``."""
        begins = {id(said): _first_bytes(said) for said in self._looked_into() if said.conversation.tls is not None}
        own = {begins[id(said)] for said in self._all_said if said.role is Role.APP and id(said) in begins}
        return frozenset(number for number, begin in begins.items() if begin in own)

    def _looked_into(self) -> Iterator[Said]:
        """Every wire, for who reads what was sent on it."""
        return letting_go(self._all_said, buffers_of(said.wire for said in self._all_said), every=WIRES_AT_ONCE)

    def upstream_of(self, call: Call, cluster: str | None, *, opaque: bool = False) -> Onward | None:
        """The sidecar's upstream leg of an application's call; ``cluster`` is the predicted one, where there is one.

        ``opaque``: it leads there whatever the bytes say, so that a request has no leg of its own. Answers alone do not
        tell which of the sidecar's connections brought them.
        """
        if not call.said.wire.connection.client_packets:
            return None
        return self._upstream_from(call, call.said, call.said.wire.client.ip, cluster, opaque=opaque)

    def through_gateway(self, call: Call, via: Said, gateway: str, cluster: str | None) -> Onward | None:
        """The gateway's upstream leg of a call that reached it by ``via``."""
        return self._upstream_from(call, via, gateway, cluster)

    def _upstream_from(
        self, call: Call, via: Said, address: str, cluster: str | None, *, opaque: bool = False
    ) -> Onward | None:
        if not self._upstream.any_at((address,)):
            return None
        search = Search(call, via, self._upstream, (address,), address, self._apart)
        if call.exchange is None:
            return self._connection(search, cluster)
        response = call.exchange.response
        if call.request is None or (response is not None and written_at_home(response)):
            return None
        found = self._plain_exchange(search, call.request, cluster)
        found = found or (None if opaque else self._sealed(search, cluster))
        if found is None and (response is None or not passed_http_manager(response)):
            return self._tunnel(search, cluster)
        return found

    def delivery_of(self, call: Call, onward: Onward | None) -> Onward | None:
        """The leg from the server's sidecar to its application, of a call that came by ``onward`` or by itself."""
        if id(call.exchange) in self._settled:
            return self._onward(self._settled[id(call.exchange)], certain=False)
        via = onward.said if onward else call.said
        addresses = tuple(dict.fromkeys(s.ip for s in via.wire.servers))
        if not self._delivery.any_at(addresses):
            return None
        search = Search(call, via, self._delivery, addresses, call.said.wire.client.ip, self._apart)
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

    def _plain_exchange(self, search: Search, request: Request, cluster: str | None = None) -> Onward | None:
        same = self._saying(search, request)
        if not same and self._alone(search):
            # A route rewrote it, and nobody else asked meanwhile.
            same = by_id(self._asked_behind(search, request, cluster), request)
        if len(same) > 1:
            rivals = self._rivals_of(search.call)
            if len(rivals) > 1:
                searches = (replace(search, call=each) for each in rivals)
                known = settle([list(self._saying(each, each.call.request or request)) for each in searches])
                return self._onward(same.get(known[_place_of(search.call, rivals)]), certain=False)
        free = [tries for tries in same.values() if not self._was_carried(tries)]
        if not free:
            return None
        shown = all(exchange.request and exchange.request.whole for _, exchange in free[0])
        return self._onward(free[0], certain=len(same) == 1 and (shown or self._alone(search)))

    def _onward(self, tries: Tries | None, *, certain: bool) -> Onward | None:
        """The last of the exchanges by which Envoy tried."""
        for tried, asked in tries or ():
            self._give(tried, asked.ordinal)
        return Onward(*tries[-1], certain=certain) if tries else None

    def _was_carried(self, tries: Tries) -> bool:
        return any((id(said), exchange.ordinal) in self._given for said, exchange in tries)

    def _saying(self, search: Search, request: Request) -> dict[Hashable, Tries]:
        """What was asked of the same target of the same host; several by which Envoy tried again are one."""
        asked = self._asked(search, request)
        return by_id([pair for pair in asked if same_target(request, pair[1].request)], request)

    def _asked(self, search: Search, request: Request) -> Tries:
        return [pair for pair in search.asked(request) if not self._passed_on(pair[0])]

    def _asked_behind(self, search: Search, request: Request, cluster: str | None) -> Tries:
        """What was asked of those that the predicted cluster may lead to."""
        asked = self._asked(search, request)
        fitting = {id(said) for said in self._leading_to(cluster, [said for said, _ in asked], sole=False)}
        return [pair for pair in asked if id(pair[0]) in fitting]

    def _rivals_of(self, call: Call) -> Sequence[Call]:
        """The calls of the same pod that say the same and were under way at the same time, with this one."""
        return self._rivals.at(saying_of(call), call.begin_ns)

    def _sealed(self, search: Search, cluster: str | None) -> Onward | None:
        """A request inside TLS: of the wires whose client spoke after it, the one that was heard last before the reply.

        Those before it are attempts that failed, where Envoy tried again. Where other calls were under way too, one of
        several is not chosen: it may be theirs.
        """
        active = self._active(search)
        sole = len(active) == 1 and self._alone(search)
        chosen = self._leading_to(cluster, active, sole=sole)
        chosen = self._delivered(search, [said for said in chosen if search.may_have_answered(said)])
        if len(chosen) > 1 and not self._alone(search):
            return self._by_delivery(search, cluster)
        if not chosen:
            return None
        said = max(chosen, key=search.heard_ns)
        for each in (said, *_attempts(search, active, said)):
            self._give(each, 0)
        return Onward(said, None, certain=sole and said.istio_mtls)

    def _active(self, search: Search) -> list[Said]:
        """The wires that may seal a request, and whose client spoke after it; the first to speak comes first."""
        spoke = search.carriers.spoke(search.addresses, search.while_asked)
        free = (pair for pair in spoke if not self._passed_on(pair[1]))
        return [said for _, said in sorted(free, key=lambda pair: (pair[0], pair[1].wire.client))]

    def _by_delivery(self, search: Search, cluster: str | None) -> Onward | None:
        """Of several wires that which leads to the delivery that can be no other call's that says the same."""
        rivals = self._rivals_of(search.call)
        if not rivals:
            return None
        options = [self._deliveries(replace(search, call=each), cluster) for each in rivals]
        place = _place_of(search.call, rivals)
        mine = options[place].get(settle([list(each) for each in options])[place])
        if mine is None:
            return None
        vias, tries = mine
        self._settled[id(search.call.exchange)] = tries
        if len(vias) > 1:
            return None
        self._give(vias[0], 0)
        return Onward(vias[0], None, certain=False)

    def _deliveries(self, search: Search, cluster: str | None) -> dict[Hashable, tuple[list[Said], Tries]]:
        """What may have been the delivery of a call, each with the wires that may have led there."""
        found: dict[Hashable, tuple[list[Said], Tries]] = {}
        request = search.call.request
        if request is None:
            return found
        for via in self._leading_to(cluster, self._active(search), sole=False):
            addresses = tuple(dict.fromkeys(server.ip for server in via.wire.servers))
            beyond = Search(search.call, via, self._delivery, addresses, search.crowd, self._apart)
            for key, tries in self._saying(beyond, request).items():
                if beyond.may_lead_to(tries):
                    found.setdefault(key, ([], tries))[0].append(via)
        return found

    def _delivered(self, search: Search, found: list[Said]) -> list[Said]:
        """Of several wires those at whose other end the request was delivered meanwhile, where such ends were seen."""
        request = search.call.request
        if len(found) < 2 or request is None:
            return found
        return [said for said in found if self._may_deliver(search, said, request)] or found

    def _may_deliver(self, search: Search, said: Said, request: Request) -> bool:
        addresses = tuple(dict.fromkeys(server.ip for server in said.wire.servers))
        if not self._delivery.any_at(addresses):
            return True
        beyond = Search(search.call, said, self._delivery, addresses, search.crowd, self._apart)
        asked = (exchange.request for _, exchange in self._delivery.asked(addresses, beyond.while_asked))
        return any(same_request(request, each) and same_target(request, each) for each in asked)

    def _tunnel(self, search: Search, cluster: str | None) -> Onward | None:
        """HTTP that Envoy treats as opaque TCP: one upstream connection for all requests of the application's."""
        key = id(search.call.said)
        if key not in self._tunnels:
            found = self._connection(search, cluster)
            if found is None:
                return None
            self._tunnels[key] = found
        return self._tunnels[key]

    def _connection(self, search: Search, cluster: str | None) -> Onward | None:
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

    def _alone(self, search: Search) -> bool:
        """Whether no other call of its kind was under way in the same pod at the same time."""
        call = search.call
        kind = (search.crowd, call.exchange is not None)
        return self._in_flight.count(kind, call.begin_ns, call.end_ns) <= 1

    def _passed_on(self, said: Said) -> bool:
        """Whether the TLS on a sidecar's wire is an application's own."""
        return said.conversation.tls is not None and id(said) in self._passing_on

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


def _attempts(search: Search, active: Iterable[Said], chosen: Said) -> Iterator[Said]:
    """The connections that were opened for a request before the chosen one, alike but for what became of them."""
    for said in active:
        begin, end = search.while_asked(said.wire.main.capture)
        alike = (said.sni, said.alpn, said.wire.servers) == (chosen.sni, chosen.alpn, chosen.wire.servers)
        if alike and begin <= said.wire.connection.first_ns <= end:
            yield said


def _may_carry_bytes(mine: Said, other: Said) -> bool:
    """Whether ``other`` can be the tcp_proxy leg of ``mine``: in TLS that a sidecar begins or ends, or unchanged.

    An application may write Istio's ALPN itself, so that its TLS inside a sidecar's looks like it.
    """
    if other.role is Role.UPSTREAM and other.istio_mtls and other.carries_tcp:
        return True
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


def _place_of(call: Call, rivals: Sequence[Call]) -> int:
    return next(i for i, each in enumerate(rivals) if each.exchange is call.exchange)
