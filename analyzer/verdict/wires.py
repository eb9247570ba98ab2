"""The same TCP connection however many captures saw it: sightings gathered into wires.

A connection keeps its client's address, port, first sequence number and timestamp on every interface that it crosses,
also where a node rewrites a Service's address to a pod's; so these, not the destination, make two sightings one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_address
from itertools import permutations

from analyzer.base.fact import Fact, set_derived
from analyzer.flow.connection import Connection, Endpoint

# Pieces of the client's stream that must be found in another sighting before two mid-stream ones count as one.
_COMPARED_BYTES = 48
# How far into the earlier sighting such a piece is looked for.
_SEARCHED_BYTES = 1 << 16
# A node rewrites a packet in microseconds; a port is used again after TIME_WAIT at the earliest, unless it was reset.
_REWRITTEN_NS = 100_000_000
# Wires whose part of a capture is in memory together: up to 64 kB of a mapped file for each look at it.
WIRES_AT_ONCE = 512
# SYNs without an answer are sent again after 1, 3 and 7 seconds (RFC 6298), each with a timestamp of its own.
RETRIED_NS = 10_000_000_000


class Sighting(Fact, frozen=True):
    """One connection as one capture shows it."""

    capture: str
    connection: Connection


class Wire(Fact, frozen=True):
    """One TCP connection; ``main`` is the sighting that shows most of it, ``sightings`` all from the client's side on.

    ``connection`` is the main sighting's, ``client`` who opened it. ``servers`` has the server's address as each
    sighting has it: a Service's before the node rewrites it, a pod's after. ``first_ns`` and ``last_ns`` are when any
    capture saw it.
    """

    main: Sighting
    sightings: tuple[Sighting, ...]
    # Derived from the sightings, as is all that follows.
    connection: Connection = None  # type: ignore[assignment]
    client: Endpoint = None  # type: ignore[assignment]
    servers: tuple[Endpoint, ...] = ()
    first_ns: int = 0
    last_ns: int = 0

    def __post_init__(self) -> None:
        main, seen = self.main.connection, [sighting.connection for sighting in self.sightings]
        alone = len(seen) == 1
        set_derived(self, "connection", main)
        set_derived(self, "client", main.client)
        set_derived(self, "servers", (main.server,) if alone else tuple(dict.fromkeys([c.server for c in seen])))
        set_derived(self, "first_ns", main.first_ns if alone else min([c.first_ns for c in seen]))
        set_derived(self, "last_ns", main.last_ns if alone else max([c.last_ns for c in seen]))


def wire_of(capture: str, connection: Connection) -> Wire:
    """The wire of a connection that was seen once."""
    sighting = Sighting(capture, connection)
    return Wire(sighting, (sighting,))


def buffers_of(wires: Iterable[Wire]) -> list[memoryview]:
    """What the streams of wires are read from, one for each capture."""
    sightings = (sighting for wire in wires for sighting in wire.sightings)
    return list({each.capture: each.connection.from_client.buffer for each in sightings}.values())


def gather_wires(sightings: Iterable[Sighting]) -> list[Wire]:
    """All wires, in the order of their first packet."""
    exact: dict[tuple[object, ...], list[Sighting]] = {}
    loose: dict[Endpoint, list[Sighting]] = {}
    for sighting in sightings:
        c = sighting.connection
        if c.syn_seq is None:
            loose.setdefault(c.client, []).append(sighting)
        else:
            exact.setdefault((c.client, c.syn_seq, c.redirect_port), []).append(sighting)
    groups = [part for group in exact.values() for part in (_apart_in_time(group) if len(group) > 1 else (group,))]
    groups = _with_late_sightings(groups, loose)
    wires = [_wire(group) for group in groups]
    return sorted(wires, key=in_order)


def in_order(wire: Wire) -> tuple[int, Endpoint, str, int]:
    """What wires are sorted by: their first packet."""
    return wire.first_ns, wire.client, wire.main.capture, wire.connection.index


def _apart_in_time(group: list[Sighting]) -> list[list[Sighting]]:
    """Split sightings whose key was used again later: within one capture a key belongs to one connection."""
    parts: list[list[Sighting]] = []
    for sighting in sorted(group, key=lambda s: (s.connection.first_ns, s.capture, s.connection.index)):
        home = next((p for p in parts if all(_may_be_one(sighting, s) for s in p)), None)
        if home is None:
            parts.append([sighting])
        else:
            home.append(sighting)
    return parts


def _may_be_one(one: Sighting, other: Sighting) -> bool:
    """Whether sightings of the same key can be of one connection.

    A capture of several places has it once by each server's address: before the node rewrites it, and after. The
    clock of the SYN's timestamp tells that from a key that is used again; where it was cut off, or shows another SYN of
    those that were sent before an answer came, the time between does.
    """
    a, b = one.connection, other.connection
    apart_ns = abs(a.first_ns - b.first_ns)
    if a.syn_tsval != b.syn_tsval and apart_ns > RETRIED_NS:
        return False
    known = a.syn_tsval is not None or apart_ns <= _REWRITTEN_NS
    return one.capture != other.capture or (a.server != b.server and known)


def _with_late_sightings(groups: list[list[Sighting]], loose: dict[Endpoint, list[Sighting]]) -> list[list[Sighting]]:
    """Add the sightings that begin mid-stream to the wires that carry the same bytes, or make wires of them."""
    by_client: dict[Endpoint, list[list[Sighting]]] = {}
    for group in groups:
        by_client.setdefault(group[0].connection.client, []).append(group)
    result = list(groups)
    apart = _clocks_apart(groups) if loose else {}
    for client, late in loose.items():
        known = by_client.setdefault(client, [])
        for sighting in late:
            home = next((g for g in known if _same_connection(g, sighting, apart)), None)
            if home is None:
                home = []
                known.append(home)
                result.append(home)
            home.append(sighting)
    return result


def _clocks_apart(groups: Iterable[Sequence[Sighting]]) -> dict[tuple[str, str], int]:
    """How much later it is on the clock of a second capture than on a first one's, by connections that both have."""
    found: dict[tuple[str, str], int] = {}
    for group in groups:
        for one, other in permutations(group, 2):
            later = other.connection.first_ns - one.connection.first_ns
            found.setdefault((one.capture, other.capture), later)
    return found


def _same_connection(group: Sequence[Sighting], late: Sighting, apart: Mapping[tuple[str, str], int]) -> bool:
    return all(g.capture != late.capture for g in group) and any(
        _alike(g.connection, late.connection, apart.get((g.capture, late.capture), 0)) for g in group
    )


def _alike(a: Connection, b: Connection, later_ns: int) -> bool:
    """Whether sightings can be of one connection; the clock of the second shows ``later_ns`` more."""
    if a.redirect_port != b.redirect_port or a.first_ns + later_ns > b.last_ns or b.first_ns > a.last_ns + later_ns:
        return False
    # The same loopback address and port may be in use in every pod.
    if a.server == b.server and not ip_address(a.client.ip).is_loopback:
        return True
    return _shares_bytes(a, b) or _shares_bytes(b, a)


def _shares_bytes(long: Connection, short: Connection) -> bool:
    sample = short.from_client.read(0, _COMPARED_BYTES)
    return len(sample) == _COMPARED_BYTES and sample in long.from_client.read(0, _SEARCHED_BYTES)


def _wire(group: list[Sighting]) -> Wire:
    if len(group) == 1:
        return Wire(group[0], tuple(group))
    ordered = _from_client_on(sorted(group, key=lambda s: (s.connection.first_ns, s.capture)))
    return Wire(max(ordered, key=_completeness), tuple(ordered))


def _from_client_on(group: list[Sighting]) -> list[Sighting]:
    """Sightings of one connection, by their times, in the order in which the client's packets passed them.

    Clocks of several captures may be apart by more than a packet takes. But the nearer to the client, the sooner goes
    its SYN by and the later the answer: whoever waits longest is nearest.
    """
    shown = {_answer(sighting.connection) for sighting in group}
    if len({sighting.capture for sighting in group}) < 2 or len(shown) > 1 or None in shown:
        return group
    return sorted(group, key=lambda s: s.connection.first_ns - _answer_ns(s.connection))


def _answer(connection: Connection) -> int | None:
    """The position of the server's first bytes, or of its end; None where its beginning or any answer is missing."""
    stream = connection.from_server
    if connection.syn_seq is None:
        return None
    if stream.times_ns:
        return stream.starts[0]
    return -1 if stream.end_time_ns else None


def _answer_ns(connection: Connection) -> int:
    stream = connection.from_server
    return stream.times_ns[0] if stream.times_ns else stream.end_time_ns


def _completeness(sighting: Sighting) -> tuple[bool, int, int]:
    c = sighting.connection
    return c.joined, c.client_bytes + c.server_bytes, c.client_packets + c.server_packets
