"""The passage of one call: when each capture saw its request and its reply on each leg, on one clock."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from analyzer.base.fact import Fact
from analyzer.base.place import PacketPlace
from analyzer.base.stream import Stream
from analyzer.flow.connection import Endpoint
from analyzer.protocol.facts import Exchange
from analyzer.verdict.clocks import Clocks, Skew
from analyzer.verdict.judge import Asked
from analyzer.verdict.record import CallRecord
from analyzer.verdict.roles import Said
from analyzer.verdict.wires import Sighting

REQUEST = "request"
REPLY = "reply"


class Moment(Fact, frozen=True):
    """A capture saw the ``request`` or the ``reply`` (``what``) begin on a leg.

    ``time_ns`` is on the clock of the call's own capture, as far as that is known; ``seen_ns`` is what the capture has.
    ``sealed``: it is inside TLS, and its place is that of the bytes that fit in time. Not ``certain``: another call's
    leg is not excluded.
    """

    time_ns: int
    seen_ns: int
    what: str
    role: str
    client: Endpoint
    server: Endpoint
    packet: PacketPlace
    sealed: bool
    certain: bool


class Passage(Fact, frozen=True):
    """A call with its moments in the order of their time; ``skews`` are of the other captures, None where unknown."""

    call: CallRecord
    moments: tuple[Moment, ...]
    skews: tuple[tuple[str, Skew | None], ...]

    @property
    def request_id(self) -> str | None:
        """The call's ``x-request-id``, where a leg shows it."""
        return self.call.request_id

    @property
    def reference(self) -> str:
        """The capture whose clock counts."""
        return self.call.legs[0].capture


def passage_of(asked: Asked, clocks: Clocks) -> Passage:
    """The passage of a call over all legs that were found to have carried it."""
    call = asked.call
    assert call is not None, "of a saved run nobody knows which packets carried a call"
    reference = asked.record.legs[0].capture
    legs = [(call.said, call.said.role.value, call.exchange, True)]
    legs += [(leg.said, leg.said.role.value, leg.exchange, leg.certain) for leg in asked.onward]
    captures = sorted({s.capture for said, *_ in legs for s in said.wire.sightings} - {reference})
    skews = tuple((name, clocks.skew(name, reference)) for name in captures)
    offsets = {name: skew.offset_ns if skew else 0 for name, skew in skews}
    span = call.begin_ns, call.end_ns
    moments = [m for said, role, exchange, sure in legs for m in _moments(said, role, exchange, sure, offsets, span)]
    return Passage(asked.record, tuple(sorted(moments, key=_order)), skews)


def _order(moment: Moment) -> tuple[int, bool, str, int]:
    return moment.time_ns, moment.what == REPLY, moment.packet.capture, moment.packet.packet


def _moments(
    said: Said,
    role: str,
    exchange: Exchange | None,
    certain: bool,
    offsets: dict[str, int],
    span: tuple[int, int],
) -> Iterator[Moment]:
    for sighting in said.wire.sightings:
        offset = offsets.get(sighting.capture, 0)
        begin, end = (time_ns + offset for time_ns in span)
        places = _of_exchange(exchange, sighting, said) if exchange is not None else _of_bytes(sighting, begin, end)
        for what, packet, seen_ns in places:
            yield Moment(
                seen_ns - offset,
                seen_ns,
                what,
                role,
                sighting.connection.client,
                sighting.connection.server,
                PacketPlace(sighting.capture, packet),
                sealed=exchange is None and said.conversation.tls is not None,
                certain=certain,
            )


def _of_exchange(exchange: Exchange, sighting: Sighting, said: Said) -> Iterator[tuple[str, int, int]]:
    """Where a sighting shows a request and its reply; positions of one that began later are others."""
    connection, main = sighting.connection, said.wire.main
    if sighting is not main and connection.syn_seq != main.connection.syn_seq:
        return
    if said.conversation.inside and sighting is not main:
        return
    sent, answered = said.streams if sighting is main else (connection.from_client, connection.from_server)
    sides: Sequence[tuple[str, Stream, int | None]] = (
        (REQUEST, sent, exchange.request.start if exchange.request else None),
        (REPLY, answered, exchange.response.start if exchange.response else None),
    )
    for what, stream, position in sides:
        if position is not None and stream.packet_at(position):
            yield what, stream.packet_at(position), stream.time_at(position)


def _of_bytes(sighting: Sighting, begin: int, end: int) -> Iterator[tuple[str, int, int]]:
    """The client's first bytes in a span and the server's last before its end."""
    sent, came = sighting.connection.from_client, sighting.connection.from_server
    i = bisect_left(sent.times_ns, begin)
    if i < len(sent.times_ns) and sent.times_ns[i] <= end:
        yield REQUEST, sent.packets[i], sent.times_ns[i]
    j = bisect_right(came.times_ns, end) - 1
    if j >= 0 and came.times_ns[j] >= begin:
        yield REPLY, came.packets[j], came.times_ns[j]
