"""Bytes that were sent twice and differ: a fault, or someone who shows two readers two things."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from analyzer.base.fact import Fact
from analyzer.base.pages import forget_pages
from analyzer.base.table import I64, ranges
from analyzer.flow.reassembly import PieceTable
from analyzer.flow.traffic import Traffic

# Comparing goes piece by piece. Honest repetitions touch a few pieces each; large ones over a stream of single bytes
# would cost their product.
MAX_COMPARED_PIECES = 2_000_000
# Pieces whose part of a capture is in memory together: Linux maps the 64 kB around a byte that is read of a file.
PIECES_AT_ONCE = 128


class Conflicts(Fact, frozen=True):
    """Packets that repeat bytes of their stream, as indices into ``LaneTable.rows``.

    ``differing`` have other bytes in their place; ``unchecked`` were not compared, because too much was before them.
    With ``compared`` pieces of streams all were compared, or would have been.
    """

    differing: tuple[int, ...]
    unchecked: tuple[int, ...]
    compared: int


class _Repeats(Fact, frozen=True):
    """What was captured of the packets that repeat bytes, columns ``(R,)``, in the order of ``PieceTable.repeated``.

    ``begin`` and ``end`` are on the stream, ``offset`` is where that lies in the buffer. No pieces but those from
    ``first`` to ``stop`` share bytes with it; ``count`` is how many count as compared, a place before all pieces too.
    """

    begin: I64
    end: I64
    offset: I64
    first: I64
    stop: I64
    count: I64

    @classmethod
    def of(cls, traffic: Traffic) -> _Repeats:
        """Those of a capture."""
        packets, lanes, placement, pieces = traffic.packets, traffic.lanes, traffic.placement, traffic.pieces
        chosen = pieces.repeated
        rows, lane = lanes.rows[chosen], lanes.lanes_at(chosen)
        begin = placement.position[chosen]
        end = begin + np.minimum(placement.usable[chosen], packets.payload_len[rows])
        behind, stop = _first_behind(pieces, lane, begin), _first_behind(pieces, lane, end)
        first = np.maximum(behind - 1, pieces.starts[lane])
        return cls(begin, end, packets.payload_off[rows], first, stop, stop - behind + 1)

    def differing(self, first: int, stop: int, buffer: memoryview, pieces: PieceTable) -> I64:
        """Those from ``first`` to ``stop`` that have other bytes than a piece, once for each such piece."""
        counts = self.stop[first:stop] - self.first[first:stop]
        of, piece = np.repeat(np.arange(first, stop), counts), ranges(self.first[first:stop], counts)
        at = pieces.position[piece]
        begin = np.maximum(self.begin[of], at)
        size = np.minimum(self.end[of], at + pieces.length[piece]) - begin
        again, before = begin - self.begin[of] + self.offset[of], begin - at + pieces.offset[piece]
        both = size > 0
        spans = zip(*(column[both].tolist() for column in (again, before, size)), strict=True)
        # Copies are compared at once, memoryviews byte by byte.
        differ = [bytes(buffer[one : one + n]) != bytes(buffer[other : other + n]) for one, other, n in spans]
        found: I64 = of[both][np.array(differ, np.bool_)]
        return found


def find_conflicts(traffic: Traffic, buffer: memoryview, *, budget: int = MAX_COMPARED_PIECES) -> Conflicts:
    """The conflicts of a capture. Bytes are compared where both copies were captured, ``budget`` pieces in all.

    ``buffer`` is what the offsets of packets point into.
    """
    index, repeats = traffic.pieces.repeated, _Repeats.of(traffic)
    compared = np.cumsum(repeats.count)
    checked = int(np.searchsorted(compared, budget, side="right"))
    differs = np.zeros(len(index), np.bool_)
    bounds = np.flatnonzero(np.diff(compared[:checked] // PIECES_AT_ONCE, prepend=-1)).tolist()
    for first, stop in pairwise([*bounds, checked]):
        differs[repeats.differing(first, stop, buffer, traffic.pieces)] = True
        forget_pages(buffer)
    return Conflicts(tuple(index[differs].tolist()), tuple(index[checked:].tolist()), int(repeats.count.sum()))


def may_exceed_budget(traffic: Traffic, *, budget: int = MAX_COMPARED_PIECES) -> bool:
    """Whether a capture may repeat more than is compared, so that it shows which of its packets come first."""
    return int(_Repeats.of(traffic).count.sum()) > budget


def _first_behind(pieces: PieceTable, lane: I64, position: I64) -> I64:
    """The first piece of each lane that begins behind a position of it, or the one after its last.

    All are looked for by halves together: positions of a forged stream leave no room for the lane in one number.
    """
    low, high = pieces.starts[lane], pieces.starts[lane + 1]
    while (low < high).any():
        middle = (low + high) // 2
        # Where a search is over the piece may be none of its lane, or none at all.
        up_to = (low < high) & (pieces.position.take(middle, mode="clip") <= position)
        low, high = np.where(up_to, middle + 1, low), np.where(up_to, high, middle)
    return low
