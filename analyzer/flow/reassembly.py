"""Packets of one direction to a ``Stream``: bytes in order, each once, with the gaps that are left.

Of bytes that were sent twice, those win that a Linux receiver would have read (``tcp_data_queue_ofo``): bytes that
were delivered never change; of segments that wait behind a hole the one that starts further left wins, of those that
start together the longest, then the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, repeat, starmap

import numpy as np

from analyzer.base.kernel import run_kernel
from analyzer.base.stream import End, Stream
from analyzer.base.table import ACK, I64, PacketTable, RecordTable
from analyzer.flow.lanes import LaneTable
from analyzer.flow.sequence import ACKNOWLEDGED, END_AT, END_KIND, LIMIT, MAX_WINDOW, SENT, Placement
from analyzer.flow.table import LOW_32

# Rows of the matrix of segments that ``deliver_segments`` reads, and of the one of cuts that it writes.
START, STOP = range(2)
SEGMENT, BEGIN = range(2)

# By the value of ``END_KIND``.
ENDS = (End.OPEN, End.FIN, End.RST)


@dataclass(frozen=True, slots=True)
class PieceTable:
    """The pieces of all lanes: columns ``(K,)``, those of lane k are ``starts[k]:starts[k + 1]``.

    ``position``, ``length`` and ``offset`` are as in ``Stream``, ``row`` is the packet's. ``breaks`` are the indices
    of the pieces before which bytes are missing. ``lengths`` ``(2C,)`` is how many bytes each lane is known to have
    sent. ``repeated`` are the indices into ``LaneTable.rows`` of the packets of which some bytes were not taken,
    ``after_gaps`` of those that brought the pieces of ``breaks``.
    ``heard`` ``(2C,)`` is how many bytes of the other lane the packet of each lane's first piece acknowledges.
    """

    position: I64
    length: I64
    offset: I64
    row: I64
    starts: I64
    breaks: I64
    lengths: I64
    repeated: I64
    after_gaps: I64
    heard: I64

    @property
    def missing(self) -> I64:
        """How many bytes each lane is known to have sent that no packet brought, ``(2C,)``."""
        ends = np.append(0, np.cumsum(self.length))
        missing: I64 = self.lengths - (ends[self.starts[1:]] - ends[self.starts[:-1]])
        return missing


def reassemble(packets: PacketTable, lanes: LaneTable, placement: Placement) -> PieceTable:
    """The pieces of every lane's stream."""
    used = np.flatnonzero(placement.usable > 0)
    segments = np.empty((2, len(used)), np.int64)
    segments[START] = placement.position[used]
    segments[STOP] = segments[START] + placement.usable[used]
    lane_of = lanes.lane_of[used]
    starts = np.searchsorted(lane_of, np.arange(2 * len(lanes) + 1))
    cuts = np.empty((2, len(used)), np.int64)
    count = run_kernel(deliver_segments, len(used), segments, _by_position(segments, lane_of), starts, cuts)

    segment, begin = cuts[:, :count]
    taken = np.zeros(len(used), np.int64)
    taken[segment] = segments[STOP, segment] - begin
    rows = lanes.rows[used]
    skipped = begin - segments[START, segment]
    captured = np.minimum(packets.payload_len[rows], placement.usable[used])[segment] - skipped
    there = captured > 0
    brought = segment[there]
    piece_lane = lane_of[brought]
    position, length = begin[there], captured[there]
    sent = placement.lanes[[SENT, ACKNOWLEDGED]].max(axis=0)
    limit = placement.lanes[LIMIT]
    lengths = _without_fin(np.where(limit >= 0, np.minimum(sent, limit), sent), lane_of, segments[STOP])
    row = rows[brought]
    breaks = _breaks(position, length, piece_lane)
    starts = np.searchsorted(piece_lane, np.arange(2 * len(lanes) + 1))
    return PieceTable(
        position=position,
        length=length,
        offset=packets.payload_off[row] + skipped[there],
        row=row,
        starts=starts,
        breaks=breaks,
        lengths=lengths,
        repeated=used[taken < placement.usable[used]],
        after_gaps=used[brought[breaks]],
        heard=_heard(packets, row, starts, placement.bases, lengths),
    )


def _without_fin(lengths: I64, lane_of: I64, stops: I64) -> I64:
    """``lengths`` without a last byte that no packet brought: a FIN counts as one, and is what was not captured."""
    ends = np.zeros(len(lengths), np.int64)
    np.maximum.at(ends, lane_of, stops)
    return np.where(lengths == ends + 1, ends, lengths)


def _heard(packets: PacketTable, row: I64, starts: I64, bases: I64, lengths: I64) -> I64:
    """What the first piece of each lane acknowledges, ``(2C,)``; 0 where there is no piece or no ACK."""
    heard = np.zeros(len(lengths), np.int64)
    speaks = np.flatnonzero(np.diff(starts) > 0)
    first = row[starts[speaks]]
    acked = (packets.ack[first].astype(np.int64) - bases[speaks ^ 1]) & LOW_32
    known = (packets.tcp_flags[first] & ACK != 0) & (acked <= MAX_WINDOW)
    # A FIN is acknowledged as if it were a byte.
    heard[speaks] = np.where(known, np.minimum(acked, lengths[speaks ^ 1]), 0)
    return heard


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


def _breaks(position: I64, length: I64, lane: I64) -> I64:
    missing = np.zeros(len(position), np.bool_)
    missing[:1] = position[:1] > 0
    follows = lane[1:] == lane[:-1]
    missing[1:] = position[1:] > np.where(follows, position[:-1] + length[:-1], 0)
    return np.flatnonzero(missing)


def build_streams(
    buffer: memoryview, records: RecordTable, lanes: LaneTable, placement: Placement, pieces: PieceTable
) -> list[Stream]:
    """The streams of all lanes, ``2C``: from the client and from the server of each connection in turn."""
    tables = (
        pieces.position, pieces.offset, pieces.length, records.numbers_at(pieces.row), records.time_ns[pieces.row],
    )  # fmt: skip
    spans = list(starmap(slice, pairwise(pieces.starts.tolist())))
    columns = [map(np.ascontiguousarray(table).data.__getitem__, spans) for table in tables]
    kinds = placement.lanes[END_KIND]
    end_rows = np.where(kinds > 0, lanes.rows[placement.lanes[END_AT]], -1) if len(lanes.rows) else kinds
    end_times = np.where(kinds > 0, records.time_ns[end_rows], 0) if len(lanes.rows) else kinds
    return list(
        map(
            Stream, repeat(buffer), *columns, pieces.lengths.tolist(), placement.from_start.tolist(),
            map(ENDS.__getitem__, kinds.tolist()), records.numbers_at(end_rows).tolist(), end_times.tolist(),
            _breaks_by_lane(pieces), pieces.heard.tolist(),
        )
    )  # fmt: skip


def _breaks_by_lane(pieces: PieceTable) -> list[Sequence[int]]:
    """The pieces of each lane before which bytes are missing, as ``Stream`` counts them."""
    found: list[Sequence[int]] = [()] * (len(pieces.starts) - 1)
    lane_of = np.searchsorted(pieces.starts, pieces.breaks, side="right") - 1
    own = pieces.breaks - pieces.starts[lane_of]
    bounds = np.append(np.flatnonzero(np.diff(lane_of, prepend=-1)), len(lane_of)).tolist()
    for first, stop in pairwise(bounds):
        found[int(lane_of[first])] = own[first:stop].tolist()
    return found
