"""A large capture parted into lots of packets that can be read one after the other, each by itself.

What the rooms after this one make of a packet may depend on other packets: on those of its tuple, on the other half of
a redirected connection, on other connections of one client's port. All of these are in one lot. A connection that an
application made over lo, with its other half, needs no more than that; one without it, halves that may be that other.
All others (a sidecar's own, answers alone, those that were under way when the capture began) may carry calls, or
be taken for what carries them: they are one lot together, with the connections that share an address and a time with
them, and with those that share both with these.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from analyzer.base.fact import Fact
from analyzer.base.table import I32, I64, IPV4_MAPPED_PREFIX, by_appearance, distinct
from analyzer.flow.census import (
    FIRST_ROW,
    LAST_ROW,
    NUMBER,
    PACKETS,
    TUPLE,
    Tuples,
    rows_of,
)
from analyzer.flow.halves import is_loopback
from analyzer.flow.tuple_ends import OUTBOUND, TupleEnds

Bools = NDArray[np.bool_]
# Says which ``(K,)`` of some pairs ``(2, K)`` of tuples are the halves of a connection (``midstream.py``).
AreHalves = Callable[[I64], Bools]

# 127.0.0.6, from which sidecars connect to their applications; in IPv6 that is ::6, which is no loopback address.
_DELIVERY = IPV4_MAPPED_PREFIX | 127 << 24 | 6
# Wires meet by times that are at most this far apart: clocks, and packets that were captured out of order.
NEAR_NS = 1_000_000_000
_NOBODY = -1


class Lots(Fact, frozen=True):
    """Which packets are in which lot: ``lot_of`` ``(T + 1,)`` by tuple, the last one for packets without any.

    ``tuple_of`` ``(P,)`` is each packet's tuple; the packets of each lot lie between ``first_rows`` and ``last_rows``
    ``(L,)``, ``sizes`` of them. ``apps`` are the distinct addresses ``(3, N)`` (version, halves) of clients that were
    redirected to their sidecar, in the order of their first packet, and ``connections`` ``(N,)`` about how many each
    made. ``servers`` ``(3, N)`` are those that connections outside of the last lot reached. ``shows_lo``: some
    connection went over lo. ``narrow``: all have a port in common, or both their addresses, or nobody was answered.
    """

    lot_of: I64
    tuple_of: I32
    first_rows: I64
    last_rows: I64
    sizes: I64
    apps: I64
    connections: I64
    servers: I64
    shows_lo: bool
    narrow: bool

    @property
    def count(self) -> int:
        """How many lots there are."""
        return len(self.sizes)

    @property
    def largest(self) -> int:
        """How many packets the largest lot has."""
        return int(self.sizes.max(initial=0))

    def rows(self, lot: int) -> I64:
        """The rows of a lot's packets, ascending."""
        return rows_of(self.tuple_of, self.lot_of == lot, int(self.first_rows[lot]), int(self.last_rows[lot]) + 1)


def part_in_lots(tuples: Tuples, most_packets: int, are_halves: AreHalves | None = None) -> Lots:
    """Lots of about ``most_packets`` in the order of their first packets; the last one may have any number.

    ``are_halves`` says of some pairs of tuples which are one connection; without it that is not known.
    """
    ends = TupleEnds(tuples)
    if are_halves and (pairs := ends.midstream_pairs()).size:
        ends.settle(pairs[:, are_halves(pairs)])
    guessed = ~(ends.known | ends.settle_by_port())
    open_ends = _open_ends(ends)
    apart = _closed_over(ends, _needing_others(ends, open_ends), guessed)
    apart = _with_open_halves(ends, open_ends, apart)
    home = np.where(apart, _NOBODY, ends.end_of_home)
    lot_of = np.full(len(tuples) + 1, _NOBODY, np.int64)
    count = _share_out(tuples, home, lot_of, most_packets)
    lot_of[:-1][apart] = count
    count += int(apart.any())
    first_rows, last_rows = np.full(count, len(tuples.tuple_of)), np.zeros(count, np.int64)
    np.minimum.at(first_rows, lot_of[:-1], tuples.table[FIRST_ROW])
    np.maximum.at(last_rows, lot_of[:-1], tuples.table[LAST_ROW])
    sizes = np.bincount(lot_of[:-1], tuples.table[PACKETS], count).astype(np.int64)
    apps, connections = _apps(ends)
    elsewhere = np.flatnonzero(~apart & ~ends.towards)
    servers = ends.addresses(elsewhere, 1 - ends.client[elsewhere])
    return Lots(
        lot_of, tuples.tuple_of, first_rows, last_rows, sizes, apps, connections, servers, _shows_lo(ends),
        _is_narrow(ends),
    )  # fmt: skip


def _needing_others(ends: TupleEnds, open_ends: Bools) -> Bools:
    """The tuples that are no application's own connection over lo, or of which that is not sure; ``(T,)``."""
    tuples = ends.tuples
    halves = ends.towards | ends.alone
    outbound = np.zeros(int(ends.end.max(initial=0)) + 1, np.bool_)
    outbound[ends.end_of_home[ends.towards & (ends.at_server(ends.port) == OUTBOUND)]] = True
    outbound[ends.end_of_home[ends.towards & (ends.at_server(ends.port) != OUTBOUND)]] = False
    # Answers alone may be a sidecar's; who talks to its port is none, whether it is answered or not.
    redirected = halves & ends.known & ~ends.turned & outbound[ends.end_of_home]
    redirected &= ends.towards | ~open_ends[ends.end_of_home]
    loopback = is_loopback(ends.at_client(ends.hi), ends.at_client(ends.lo))
    inside = (loopback & (ends.at_client(ends.lo) != _DELIVERY)) | (ends.ip[0] == ends.ip[1])
    opened, accepted = (np.bincount(each[TUPLE], minlength=len(tuples)) for each in (tuples.syns, tuples.syn_acks))
    own = ~halves & ends.known & inside & (opened <= 1) & (accepted <= 1)
    needing: Bools = ~(redirected | own)
    return needing


def _with_open_halves(ends: TupleEnds, open_ends: Bools, chosen: Bools) -> Bools:
    """``chosen`` with clients' halves that some of these may answer.

    A half that has no other by its handshake is looked for among all of its client's address, whatever their ports
    (``halves``). A tuple of which both ends sent something may have a connection of which one did.
    """
    is_open = open_ends[ends.end_of_home]
    answered = np.zeros(int(ends.ip.max(initial=0)) + 1, np.bool_)
    answered[ends.ip[:, chosen & ~ends.towards & (is_open | ~ends.alone)]] = True
    return _with_whole_homes(ends, chosen | (is_open & ends.towards & answered[ends.at_client(ends.ip)]))


def _open_ends(ends: TupleEnds) -> Bools:
    """The ends at which some half has no other half by its handshake, by number."""
    tuples = ends.tuples
    found = np.zeros(int(ends.end.max(initial=0)) + 1, np.bool_)
    halves = ends.towards | ends.alone
    found[ends.end_of_home[halves & ~ends.begun]] = True
    asking = ends.towards[tuples.syns[TUPLE]]
    answering = (ends.alone & ~ends.towards)[tuples.syn_acks[TUPLE]]
    asked, answered = (
        np.sort(ends.end_of_home[events[TUPLE, chosen]] << 32 | events[NUMBER, chosen])
        for events, chosen in ((tuples.syns, asking), (tuples.syn_acks, answering))
    )
    found[np.setxor1d(distinct(asked), distinct(answered), assume_unique=True) >> 32] = True
    for events in (asked, answered):
        # Of several that say the same one has the other half.
        found[events[1:][events[1:] == events[:-1]] >> 32] = True
    return found


def _closed_over(ends: TupleEnds, chosen: Bools, guessed: Bools) -> Bools:
    """``chosen`` with all that must be looked at together with them; who of ``guessed`` is the client others tell."""
    shared = np.isin(ends.end, distinct(ends.end[:, chosen & guessed].ravel())).any(axis=0)
    chosen = _with_whole_homes(ends, chosen | shared)
    for _ in range(2):
        chosen = _with_whole_homes(ends, chosen | _near(ends, chosen))
    return chosen


def _with_whole_homes(ends: TupleEnds, chosen: Bools) -> Bools:
    """With every tuple of the clients' ports that any of them is of."""
    has = np.zeros(int(ends.end.max(initial=0)) + 1, np.bool_)
    has[ends.end_of_home[chosen]] = True
    whole: Bools = has[ends.end_of_home] | chosen
    return whole


def _near(ends: TupleEnds, chosen: Bools) -> Bools:
    """The tuples that share an address and a time with ``chosen`` ones."""
    first_ns, last_ns = ends.first_ns, ends.last_ns
    found = np.zeros(len(chosen), np.bool_)
    if not chosen.any():
        return found
    of, bounds = ends.by_address
    wanted = np.zeros(len(bounds) - 1, np.bool_)
    wanted[ends.ip[:, chosen]] = True
    for ip in np.flatnonzero(wanted).tolist():
        here = of[bounds[ip] : bounds[ip + 1]]
        some = here[chosen[here]]
        begins, ends_ns = _spans(first_ns[some], last_ns[some])
        at = np.searchsorted(begins, last_ns[here], "right") - 1
        found[here[(at >= 0) & (ends_ns[at] >= first_ns[here])]] = True
    return found


def _spans(first_ns: I64, last_ns: I64) -> tuple[I64, I64]:
    """When any of some tuples lived: the beginnings, and the latest end of those that began until then."""
    # Most are in this order already.
    order = np.argsort(first_ns, kind="stable")
    return first_ns[order] - NEAR_NS, np.maximum.accumulate(last_ns[order]) + NEAR_NS


def _share_out(tuples: Tuples, home: I64, lot_of: I64, most_packets: int) -> int:
    """Give the tuples of one home one lot, homes in the order of their first packet; gives the number of lots."""
    mine = np.flatnonzero(home != _NOBODY)
    if not len(mine):
        return 0
    # Tuples are in the order of their first packets: so are homes by their first tuple.
    number, _ = by_appearance(home[mine])
    packets = np.bincount(number, tuples.table[PACKETS, mine]).astype(np.int64)
    lot = (np.cumsum(packets) - packets) // most_packets
    lots = distinct(lot)
    lot_of[mine] = np.searchsorted(lots, lot)[number]
    return len(lots)


def _shows_lo(ends: TupleEnds) -> bool:
    inside = is_loopback(ends.at_client(ends.hi), ends.at_client(ends.lo))
    return bool((inside | (ends.towards & (ends.at_server(ends.port) == OUTBOUND))).any())


def _is_narrow(ends: TupleEnds) -> bool:
    one, other = ends.port
    shared = any(bool(((one == port) | (other == port)).all()) for port in (*one[:1].tolist(), *other[:1].tolist()))
    halves = ends.towards | ends.alone
    asked, answers = (ends.end_of_home[halves & which] for which in (ends.towards, ~ends.towards))
    answered = not halves.all() or bool(np.isin(asked, answers).any())
    return shared or bool((ends.ip == ends.ip[:, :1]).all()) or not answered


def _apps(ends: TupleEnds) -> tuple[I64, I64]:
    """The addresses of the redirected clients, and how many connections each began, or was seen to have."""
    mine = np.flatnonzero(ends.towards & ~ends.turned & (ends.at_server(ends.port) == OUTBOUND))
    addresses = ends.addresses(mine, ends.client[mine])
    opened = np.maximum(np.bincount(ends.tuples.syns[TUPLE], minlength=len(ends.tuples)), 1)
    by_ip = np.bincount(ends.at_client(ends.ip)[mine], opened[mine])
    _, first = by_appearance(ends.at_client(ends.ip)[mine])
    ips = ends.at_client(ends.ip)[mine[first]]
    return addresses, by_ip[ips].astype(np.int64) if len(ips) else np.empty(0, np.int64)
