"""Connections of the application: flows with their other halves, and the packets of each direction as CSR."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analyzer.base.fact import Fact
from analyzer.base.kernel import run_kernel
from analyzer.base.table import I64, U8, distinct
from analyzer.flow.orientation import Orientation
from analyzer.flow.table import FlowTable

Bools = NDArray[np.bool_]

# The names of lanes 2c and 2c + 1.
SIDES = ("client", "server")


class LaneTable(Fact, frozen=True):
    """A lane is one direction of a connection: of connection c, lane 2c is from the client, 2c + 1 from the server.

    ``lead`` ``(C,)`` is the flow that a connection's facts are read from: the client's half of a redirected one;
    ``partner`` ``(C,)`` its other half or -1; ``connection_of`` ``(F,)`` goes back (-1: left out). Connections are in
    the order of their first packet. ``rows`` ``(N,)`` are rows of the ``PacketTable``, lane after lane in the order of
    the capture, those of lane k ``rows[starts[k]:starts[k + 1]]``.
    """

    lead: I64
    partner: I64
    connection_of: I64
    rows: I64
    starts: I64

    def __len__(self) -> int:
        return len(self.lead)

    @property
    def lane_of(self) -> I64:
        """The lane of each of ``rows``, ``(N,)``."""
        return np.repeat(np.arange(2 * len(self)), np.diff(self.starts))

    def first_of(self, chosen: Bools) -> I64:
        """The index into ``rows`` of each lane's first packet that is ``chosen``, ``(2C,)``; -1 without one."""
        last_to_first = np.flatnonzero(chosen)[::-1]
        found = np.full(2 * len(self), -1, np.int64)
        found[self.lane_of[last_to_first]] = last_to_first
        return found

    def firsts_of(self, kinds: U8, count: int) -> I64:
        """The index into ``rows`` of each lane's first packet of each kind, ``(count, 2C)``; -1 without one.

        ``kinds`` ``(N,)`` has bit k where a packet is of kind k.
        """
        found = np.full((count, 2 * len(self)), -1, np.int64)
        run_kernel(find_firsts, len(kinds), kinds, self.starts, found)
        return found

    def lanes_at(self, indices: I64) -> I64:
        """The lanes of some of ``rows``, by index."""
        return np.searchsorted(self.starts, indices, side="right") - 1

    def rows_at(self, indices: I64) -> I64:
        """``rows[indices]``, -1 where an index is -1."""
        found = np.full(len(indices), -1, np.int64)
        found[indices >= 0] = self.rows[indices[indices >= 0]]
        return found

    @property
    def first_rows(self) -> I64:
        """The first packet of each lane as a row of the packet table, ``(2C,)``; -1 where it has none."""
        return self.rows_at(np.where(np.diff(self.starts) > 0, self.starts[:-1], -1))

    @property
    def server_first(self) -> Bools:
        """Whether the first packet of each connection came from the server, ``(C,)``."""
        client, server = self.first_rows.reshape(-1, 2).T
        return (server >= 0) & ((client < 0) | (server < client))

    @property
    def first_row(self) -> I64:
        """The first packet of each connection, ``(C,)``."""
        client, server = self.first_rows.reshape(-1, 2).T
        return np.where(self.server_first, server, client)

    @property
    def last_row(self) -> I64:
        """The last packet of each connection, ``(C,)``."""
        last = self.rows_at(np.where(np.diff(self.starts) > 0, self.starts[1:] - 1, -1))
        latest: I64 = last.reshape(-1, 2).max(axis=1, initial=-1)
        return latest


def build_lanes(flows: FlowTable, partners: I64, orientation: Orientation, copies: Bools) -> LaneTable:
    """The lanes of all connections, without the packets that are ``copies`` (``(N,)``, as ``flows.order``)."""
    numbers = np.arange(len(flows))
    lead = numbers[(partners < 0) | (numbers < partners)]
    connection_of = np.empty(len(flows), np.int64)
    connection_of[lead] = np.arange(len(lead))
    joined = np.flatnonzero(partners >= 0)
    connection_of[joined] = connection_of[np.minimum(joined, partners[joined])]

    # Of two halves the one that the client sent leads, whichever was captured first.
    towards_client = (partners[lead] >= 0) & ~orientation.first_is_client[lead]

    first_is_client = orientation.first_is_client
    lane_of = np.stack([2 * connection_of + first_is_client, 2 * connection_of + ~first_is_client], axis=1)
    starts, rows = np.zeros(2 * len(lead) + 2, np.int64), np.empty(len(flows.order), np.int64)
    packets = flows.order, flows.forward, copies
    count = run_kernel(fill_lanes, len(rows), packets, flows.starts, lane_of, starts, rows)
    starts, rows = starts[:-1], rows[:count]
    _sort_mixed(rows, starts)
    return LaneTable(
        lead=np.where(towards_client, partners[lead], lead),
        partner=np.where(towards_client, lead, partners[lead]),
        connection_of=connection_of,
        rows=rows,
        starts=starts,
    )


def fill_lanes(packets: tuple[I64, Bools, Bools], flows: I64, lane_of: I64, starts: I64, rows: I64) -> int:
    """Kernel: ``rows`` and ``starts`` of a ``LaneTable``, the last of these twice; gives how many rows there are.

    ``packets`` are order and forward as in ``FlowTable``, in which ``flows`` begin, and which are copies, which are
    left out. ``lane_of`` ``(F, 2)`` is the lane of each flow's packets that are not forward, and of those that are.
    ``starts`` are zeros before.
    """
    order, forward, copies = packets
    for flow in range(len(flows) - 1):
        for i in range(flows[flow], flows[flow + 1]):
            if not copies[i]:
                starts[lane_of[flow, int(forward[i])] + 2] += 1
    for lane in range(2, len(starts)):
        starts[lane] += starts[lane - 1]
    # Where the next row of each lane comes: in the end that is where the lane behind it begins.
    count = 0
    for flow in range(len(flows) - 1):
        for i in range(flows[flow], flows[flow + 1]):
            if not copies[i]:
                lane = lane_of[flow, int(forward[i])]
                rows[starts[lane + 1]] = order[i]
                starts[lane + 1] += 1
                count += 1
    return count


def find_firsts(kinds: U8, starts: I64, firsts: I64) -> int:
    """Kernel: the index of each lane's first packet that has bit k of ``kinds`` into row k of ``firsts``; gives 0."""
    for lane in range(len(starts) - 1):
        seen = 0
        for i in range(starts[lane], starts[lane + 1]):
            new = kinds[i] & ~seen
            if new:
                seen |= new
                for k in range(len(firsts)):
                    if new >> k & 1:
                        firsts[k, lane] = i
    return 0


def _sort_mixed(rows: I64, starts: I64) -> None:
    """Bring the lanes into the order of the capture that have packets of both halves."""
    descents = np.flatnonzero(rows[1:] < rows[:-1]) + 1
    lanes = np.searchsorted(starts, descents, "right") - 1
    for lane in distinct(lanes[starts[lanes] < descents]).tolist():
        rows[starts[lane] : starts[lane + 1]].sort()
