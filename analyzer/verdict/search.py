"""What carried a call onwards lies between the call's request and its reply, and says what the request says."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Iterable, Mapping
from itertools import permutations
from types import MappingProxyType

from analyzer.base.fact import Fact
from analyzer.base.stream import Stream
from analyzer.protocol.facts import Exchange, Request
from analyzer.verdict.call import Call, host_and_path
from analyzer.verdict.carriers import Carriers
from analyzer.verdict.roles import Said
from analyzer.verdict.wires import Wire

# Captures of one pod stamp the same packet up to this much apart.
CLOCK_SLACK_NS = 1_000_000

# How much later on the clock of a second capture a first one's moment is, by the client of the wires that both saw.
Apart = Mapping[tuple[str, str, str], int]
_KNOWN_OF_NONE: Apart = MappingProxyType({})

# The exchanges of one request: several where Envoy tried again, in the order of their time.
Tries = list[tuple[Said, Exchange]]


class Search(Fact, frozen=True):
    """For what carried ``call`` onwards from ``via``: among the wires of ``carriers`` at ``addresses``.

    ``crowd`` is the address whose calls may be mistaken for this one.
    """

    call: Call
    via: Said
    carriers: Carriers
    addresses: tuple[str, ...]
    crowd: str
    apart: Apart = _KNOWN_OF_NONE

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
        return _last_within(said.wire.connection.from_server, begin, end)

    def may_have_answered(self, said: Said) -> bool:
        """Whether the server of a wire spoke before the call was answered, or need not be seen to have done so."""
        exchange = self.call.exchange
        unseen = exchange is None or exchange.response is None or not said.wire.connection.from_server.times_ns
        return unseen or self.heard_ns(said) > 0

    def asked(self, request: Request) -> Tries:
        """The exchanges that may carry a request: begun after it, answered before its reply."""
        return [
            (said, exchange)
            for said, exchange in self.carriers.asked(self.addresses, self.while_asked)
            if same_request(request, exchange.request) and self._is_answered_within(said, exchange)
        ]

    def may_lead_to(self, tries: Tries) -> bool:
        """Whether ``via`` spoke between the call and its delivery, and was heard between the delivery's reply and its.

        Sealed bytes do not say what they are; when they were sent does.
        """
        here = self.via.wire.main.capture
        begin, end = self.while_asked(here)
        first, last = tries[0], tries[-1]
        asked = self._from_clock(first[0].wire.main.capture, here, _asked_ns(*first))
        answered = self._from_clock(last[0].wire.main.capture, here, _answered_ns(*last))
        connection = self.via.wire.connection
        spoke = _last_within(connection.from_client, begin, asked + CLOCK_SLACK_NS)
        unanswered = self.call.exchange is None or self.call.exchange.response is None or last[1].response is None
        return spoke > 0 and (unanswered or _last_within(connection.from_server, answered - CLOCK_SLACK_NS, end) > 0)

    def _is_answered_within(self, said: Said, exchange: Exchange) -> bool:
        mine = self.call.exchange
        if mine is None or mine.response is None or exchange.response is None:
            return True
        return _answered_ns(said, exchange) <= self.while_asked(said.wire.main.capture)[1]

    def _on_clock(self, there: str, begin_ns: int, end_ns: int) -> tuple[int, int]:
        here = self.call.said.wire.main.capture
        if there == here:
            return begin_ns, end_ns
        shift = self._from_clock(here, there, 0)
        return begin_ns + shift - CLOCK_SLACK_NS, end_ns + shift + CLOCK_SLACK_NS

    def _from_clock(self, here: str, there: str, time_ns: int) -> int:
        """A time of one capture on the clock of another, by when each saw ``via`` begin, or another of its client's."""
        wire = self.via.wire
        opened = {s.capture: s.connection.first_ns for s in wire.sightings if s.connection.syn_seq is not None}
        if here in opened and there in opened:
            return time_ns + opened[there] - opened[here]
        return time_ns + self.apart.get((wire.client.ip, here, there), 0)


def clocks_apart(wires: Iterable[Wire]) -> Apart:
    """How far the clocks of captures are apart, by the first connection of each client that both saw begin."""
    found: dict[tuple[str, str, str], int] = {}
    for wire in wires:
        whole = [s for s in wire.sightings if s.connection.syn_seq is not None] if len(wire.sightings) > 1 else []
        for one, other in permutations(whole, 2):
            key = wire.client.ip, one.capture, other.capture
            found.setdefault(key, other.connection.first_ns - one.connection.first_ns)
    return found


def same_request(mine: Request, other: Request | None) -> bool:
    """Envoy keeps the method, and an ``x-request-id`` that is there already."""
    if other is None or not _alike(mine, other, mine.method, other.method):
        return False
    sent = mine.header("x-request-id")
    return sent is None or sent == other.header("x-request-id")


def same_target(mine: Request, other: Request | None) -> bool:
    """Whether both ask for the same path of the same host; what a capture does not show of a head may be anything."""
    if other is None:
        return False
    (host, path), (other_host, other_path) = host_and_path(mine), host_and_path(other)
    hosts = (host or "").lower(), (other_host or "").lower()
    return _alike(mine, other, path, other_path) and _alike(mine, other, *hosts)


def saying_of(call: Call) -> Hashable:
    """What a call's request says that can be read on its way: calls that differ in it are told apart."""
    request = call.request
    assert request is not None
    host, path = host_and_path(request)
    return call.said.wire.main.capture, request.method, path, (host or "").lower(), request.header("x-request-id")


def by_id(found: Tries, request: Request) -> dict[Hashable, Tries]:
    """Exchanges, together where one request's: Envoy tries again with the id that it made.

    An id that the application sent may be on several of its requests.
    """
    own = request.header("x-request-id") is not None
    grouped: dict[Hashable, Tries] = {}
    for said, exchange in found:
        made = exchange.request.header("x-request-id") if exchange.request and not own else None
        grouped.setdefault(made or (id(said), exchange.ordinal), []).append((said, exchange))
    return grouped


def _alike(mine: Request, other: Request, one: str, another: str) -> bool:
    return one == another or (not one and not mine.whole) or (not another and not other.whole)


def _asked_ns(said: Said, exchange: Exchange) -> int:
    return said.streams[0].time_at(exchange.request.start) if exchange.request else said.wire.first_ns


def _answered_ns(said: Said, exchange: Exchange) -> int:
    return said.streams[1].time_at(exchange.response.start) if exchange.response else said.wire.last_ns


def _last_within(stream: Stream, begin_ns: int, end_ns: int) -> int:
    i = bisect_right(stream.times_ns, end_ns)
    return stream.times_ns[i - 1] if i and stream.times_ns[i - 1] >= begin_ns else 0
