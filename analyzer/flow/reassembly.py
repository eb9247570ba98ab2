"""Packets of one direction to the pieces of its stream: bytes in order, each once, with the gaps that are left."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analyzer.base.fact import Fact
from analyzer.base.kernel import run_kernel
from analyzer.base.table import ACK, I64, PacketTable
from analyzer.flow.delivery import cut_waiting
from analyzer.flow.lanes import LaneTable
from analyzer.flow.sequence import ACKNOWLEDGED, LIMIT, MAX_WINDOW, SENT, Placement
from analyzer.flow.table import LOW_32

# Rows of the matrices of pieces, and of what is noted on the way, that ``take_pieces`` writes.
POSITION, PIECE_LEN, OFFSET, ROW = range(4)
BREAK, AFTER_GAP, REPEATED = range(3)


class PieceTable(Fact, frozen=True):
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
    cuts = cut_waiting(lanes, placement)
    most = np.count_nonzero(placement.usable > 0)
    pieces, notes = np.empty((4, most), np.int64), np.empty((3, most), np.int64)
    starts, counts = np.zeros(2 * len(lanes) + 1, np.int64), np.zeros(2, np.int64)
    columns = packets.payload_len, packets.payload_off, lanes.rows, placement.position, placement.usable
    order = cuts.index, cuts.begin, cuts.starts
    count = run_kernel(take_pieces, len(lanes.rows), columns, lanes.starts, order, pieces, starts, notes, counts)

    position, length, offset, row = pieces[:, :count]
    broken, repeated = counts.tolist()
    sent = placement.lanes[[SENT, ACKNOWLEDGED]].max(axis=0)
    limit = placement.lanes[LIMIT]
    lengths = _without_fin(np.where(limit >= 0, np.minimum(sent, limit), sent), cuts.ends)
    return PieceTable(
        position=position,
        length=length,
        offset=offset,
        row=row,
        starts=starts,
        breaks=notes[BREAK, :broken].copy(),
        lengths=lengths,
        repeated=np.sort(np.append(notes[REPEATED, :repeated], cuts.repeated)),
        after_gaps=notes[AFTER_GAP, :broken].copy(),
        heard=_heard(packets, row, starts, placement.bases, lengths),
    )


def take_pieces(
    packets: Sequence[I64], lanes: I64, cuts: Sequence[I64], pieces: I64, starts: I64, notes: I64, counts: I64
) -> int:
    """Kernel: the pieces of all lanes, as in ``PieceTable``; gives their number.

    ``packets`` are captured length and offset of payloads by row of the packet table, and rows, positions and usable
    lengths by index of ``LaneTable.rows``, in which ``lanes`` begin. ``cuts`` are index, begin and starts of ``Cuts``;
    what is not in them is taken as it comes. ``notes`` ``(3, N)`` gets breaks, after_gaps and repeated, ``counts`` how
    many there are of the first two, and of the last.
    """
    payload_len, payload_off, rows, positions, usable = packets
    indices, begins, cut_starts = cuts
    count = 0
    for lane in range(len(lanes) - 1):
        as_cut = cut_starts[lane] < cut_starts[lane + 1]
        first, last = cut_starts[lane], cut_starts[lane + 1]
        if not as_cut:
            first, last = lanes[lane], lanes[lane + 1]
        expected = 0
        end = 0
        for k in range(first, last):
            if as_cut:
                i, begin = indices[k], begins[k]
            else:
                i, begin = k, max(positions[k], expected)
                if usable[i] <= 0:
                    continue
                if begin > positions[i]:
                    notes[REPEATED, counts[1]] = i
                    counts[1] += 1
                if positions[i] + usable[i] <= expected:
                    continue
                expected = positions[i] + usable[i]
            skipped = begin - positions[i]
            row = rows[i]
            captured = min(payload_len[row] & LOW_32, usable[i]) - skipped
            if captured <= 0:
                continue
            if begin > end:
                notes[BREAK, counts[0]] = count
                notes[AFTER_GAP, counts[0]] = i
                counts[0] += 1
            end = begin + captured
            pieces[POSITION, count], pieces[PIECE_LEN, count] = begin, captured
            pieces[OFFSET, count], pieces[ROW, count] = payload_off[row] + skipped, row
            count += 1
        starts[lane + 1] = count
    return count


def _without_fin(lengths: I64, ends: I64) -> I64:
    """``lengths`` without a last byte that no packet brought: a FIN counts as one, and is what was not captured."""
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
