"""The order in which bytes reach the application: what waits behind a hole, and what it may not change any more.

Of bytes that were sent twice, those win that a Linux receiver would have read (``tcp_data_queue_ofo``): bytes that
were delivered never change; of segments that wait behind a hole the one that starts further left wins, of those that
start together the longest, then the first.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analyzer.base.fact import Fact
from analyzer.base.kernel import run_kernel
from analyzer.base.table import I64, U8, ranges
from analyzer.flow.lanes import LaneTable
from analyzer.flow.sequence import Placement

# Rows of the matrix of segments that ``deliver_segments`` reads, and of the one of cuts that it writes.
START, STOP = range(2)
SEGMENT, BEGIN = range(2)


class Cuts(Fact, frozen=True):
    """What was delivered of lanes in which some segment had to wait; the others deliver each segment as it comes.

    ``index`` ``(K,)`` of the packet in ``LaneTable.rows`` and the position ``begin`` from which on it was taken, in the
    order of the stream; those of lane k are ``starts[k]:starts[k + 1]``. ``repeated`` are the packets of such lanes
    of which some bytes were not taken. ``ends`` ``(2C,)`` is the furthest position that any packet of each lane brings.
    """

    index: I64
    begin: I64
    starts: I64
    repeated: I64
    ends: I64


def cut_waiting(lanes: LaneTable, placement: Placement) -> Cuts:
    """The cuts of all lanes in which a segment had to wait."""
    ends = np.zeros(2 * len(lanes), np.int64)
    waits = np.zeros(2 * len(lanes), np.uint8)
    placed = placement.position, placement.usable
    if not run_kernel(find_waiting, len(lanes.rows), placed, lanes.starts, ends, waits):
        none = np.empty(0, np.int64)
        return Cuts(none, none, np.zeros(len(lanes.starts), np.int64), none, ends)
    chosen = np.flatnonzero(waits)
    counts = lanes.starts[chosen + 1] - lanes.starts[chosen]
    members = ranges(lanes.starts[chosen], counts)
    used = members[placement.usable[members] > 0]
    lane_of = lanes.lanes_at(used)
    segments = np.stack([placement.position[used], placement.position[used] + placement.usable[used]])
    starts = np.searchsorted(lane_of, np.append(chosen, 2 * len(lanes)))
    cuts = np.empty((2, len(used)), np.int64)
    count = run_kernel(deliver_segments, len(used), segments, _by_position(segments, lane_of), starts, cuts)

    segment, begin = cuts[:, :count]
    taken = np.zeros(len(used), np.int64)
    taken[segment] = segments[STOP, segment] - begin
    return Cuts(
        index=used[segment],
        begin=begin,
        starts=np.searchsorted(lane_of[segment], np.arange(len(lanes.starts))),
        repeated=used[taken < placement.usable[used]],
        ends=ends,
    )


def find_waiting(placed: Sequence[I64], starts: I64, ends: I64, waits: U8) -> int:
    """Kernel: how far each lane reaches into ``ends``, 1 into ``waits`` where a segment comes before its place is.

    ``placed`` are position and usable length of each packet. Gives how many lanes have such a segment.
    """
    positions, usable = placed
    count = 0
    for lane in range(len(starts) - 1):
        furthest = 0
        waiting = 0
        for i in range(starts[lane], starts[lane + 1]):
            if usable[i] > 0:
                # A segment that waits leaves the lane to ``deliver_segments``: nothing behind it counts any more.
                if positions[i] > furthest:
                    waiting = 1
                furthest = max(furthest, positions[i] + usable[i])
        ends[lane] = furthest
        waits[lane] = waiting
        count += waiting
    return count


def deliver_segments(segments: I64, by_position: I64, starts: I64, cuts: I64) -> int:
    """Kernel: the stretches that make up the stream, as (segment, first position taken) ``cuts``; gives their number.

    The ``segments`` ``(2, S)`` of lane k are ``starts[k]:starts[k + 1]``, in the order in which they were captured;
    ``by_position`` has the same indices by start, the longest first, then the first captured. A segment that finds its
    place is delivered, then those that waited for it. Those that still wait at the end come behind gaps.
    """
    count = 0
    for lane in range(len(starts) - 1):
        waiting = starts[lane]
        stop = starts[lane + 1]
        expected = 0
        for arrival in range(waiting, stop + 1):
            if arrival < stop:
                if segments[START, arrival] > expected:
                    continue
                if segments[STOP, arrival] > expected:
                    cuts[SEGMENT, count] = arrival
                    cuts[BEGIN, count] = expected
                    expected = segments[STOP, arrival]
                    count += 1
            while waiting < stop and (arrival == stop or segments[START, by_position[waiting]] <= expected):
                segment = by_position[waiting]
                waiting += 1
                if segment < arrival and segments[STOP, segment] > expected:
                    cuts[SEGMENT, count] = segment
                    cuts[BEGIN, count] = max(segments[START, segment], expected)
                    expected = segments[STOP, segment]
                    count += 1
    return count


def _by_position(segments: I64, lane_of: I64) -> I64:
    """All segments by lane, start, length (descending), arrival; only lanes that are not in that order are sorted."""
    order = np.arange(len(lane_of))
    disordered = np.flatnonzero((np.diff(segments[START]) <= 0) & (np.diff(lane_of) == 0))
    if len(disordered):
        chosen = np.flatnonzero(np.isin(lane_of, lane_of[disordered]))
        start, stop = segments[:, chosen]
        order[chosen] = chosen[np.lexsort((-stop, start, lane_of[chosen]))]
    return order
