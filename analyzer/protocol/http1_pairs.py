"""Plain HTTP/1 requests and their responses, found for many connections at once by the kernels of ``http1_walk``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analyzer.base.fact import Fact
from analyzer.base.table import I64, ranges
from analyzer.protocol import http1_walk as walk
from analyzer.protocol.classes import Classes
from analyzer.protocol.http1_body import BODY_PREVIEW_LEN
from analyzer.protocol.http1_machine import FIXED, Machine, begins, ends, named
from analyzer.protocol.piece_reader import PieceReader

Bools = NDArray[np.bool_]

# With H a method begins whose responses have no body: HEAD.
_HEAD = ord("H")


class Side(Fact, frozen=True):
    """Heads of one direction ``(7, E)`` and the spots in them ``(E, S)``, as ``http1_walk`` gives them."""

    heads: I64
    spots: NDArray[np.int16]

    def only(self, which: I64 | Bools) -> Side:
        """Some of the heads."""
        return Side(self.heads[:, which], self.spots[which])

    def span(self, field: int) -> tuple[I64, I64]:
        """Where a field's value lies in the buffer and how long it is, -1 where the field is not there."""
        begin = self.spots[:, begins(field)].astype(np.int64)
        there = (self.spots[:, named(field)] > 0) | (begin > 0)
        return self.heads[walk.AT] + begin - 1, np.where(there, self.spots[:, ends(field)] - begin, -1)


class Pairs(Fact, frozen=True):
    """Each request with its response: ``counts`` of each of the connections at some places, ``which``.

    ``complete`` ``(E,)`` is 1 where all of the response was sent.
    """

    which: I64
    counts: I64
    requests: Side
    responses: Side
    complete: I64

    def __len__(self) -> int:
        return len(self.complete)

    def free_of(self, flagged: Bools) -> Bools:
        """Of which connections no exchange is flagged."""
        of = np.repeat(np.arange(len(self.counts)), self.counts)
        free: Bools = np.bincount(of[flagged], minlength=len(self.counts)) == 0
        return free

    def only(self, connections: Bools) -> Pairs:
        """The exchanges of some of the connections."""
        if connections.all():
            return self
        each = np.repeat(connections, self.counts)
        return Pairs(
            self.which[connections],
            self.counts[connections],
            self.requests.only(each),
            self.responses.only(each),
            self.complete[each],
        )


class HeadReader(PieceReader, frozen=True):
    """Finds heads by their kernels."""

    def pairs(self, connections: I64, asking: Machine, answering: Machine) -> Pairs:
        """The exchanges of those connections that have a plain response to each of their requests, and no more."""
        lanes = 2 * connections
        lanes = self._lanes(lanes, self.pieces.starts[lanes + 1] - self.pieces.starts[lanes])
        requests = self._walk(lanes, asking, np.full(lanes[walk.MOST].sum(), walk.NONE_UNSAID))
        whole = np.flatnonzero(lanes[walk.REACHED] == lanes[walk.SENT])
        counts = lanes[walk.TAKEN][whole]
        requests = requests.only(ranges(lanes[walk.ROOM][whole], counts))

        lanes = self._lanes(2 * connections[whole] + 1, counts)
        headed = self.data[requests.heads[walk.AT]] == _HEAD
        responses = self._walk(lanes, answering, np.where(headed, walk.NONE_EVER, walk.MUST_SAY))
        complete = responses.heads[walk.BODY_END] <= np.repeat(lanes[walk.SENT], counts)
        answered = (lanes[walk.TAKEN] == counts) & (lanes[walk.REACHED] >= lanes[walk.SENT])
        return Pairs(whole, counts, requests, responses, complete.astype(np.int64)).only(answered)

    def _lanes(self, lanes: I64, most: I64) -> I64:
        """The matrix of some lanes, each with room for ``most`` heads."""
        found = np.zeros((walk.REACHED + 1, len(lanes)), np.int64)
        found[walk.FIRST], found[walk.STOP] = self.pieces.starts[lanes], self.pieces.starts[lanes + 1]
        found[walk.SENT], found[walk.MOST] = self.pieces.lengths[lanes], most
        found[walk.ROOM] = np.cumsum(most) - most
        return found

    def _walk(self, lanes: I64, machine: Machine, unsaid: I64) -> Side:
        heads = np.zeros((walk.UNSAID + 1, len(unsaid)), np.int64)
        heads[walk.UNSAID] = unsaid
        spots = np.zeros((len(unsaid), machine.spots), np.int16)
        names = np.zeros(walk.MAX_LINES, np.int64)
        self.run(walk.walk_heads, self.data, self.matrix, lanes, machine.table, machine.marks, heads, spots, names)
        return Side(heads, spots)

    def has_texts(self, side: Side, machine: Machine) -> Bools:
        """Which messages begin their bodies with a text that ``machine`` finds."""
        heads = np.ascontiguousarray(side.heads)
        flagged = np.zeros(heads.shape[1], np.int64)
        self.run(walk.find_texts, self.data, self.matrix, heads, machine.table, BODY_PREVIEW_LEN, flagged)
        return flagged > 0


class HeadClasses:
    """The classes of heads that a machine reads, as they come to be known."""

    def __init__(self, machine: Machine) -> None:
        self._keyed = machine.keyed
        self._others = [field for field in machine.keyed if field >= FIXED]
        self._classes = Classes(1 + len(self._others), len(self._keyed))

    @property
    def is_full(self) -> bool:
        """Whether there may soon be no room for other classes."""
        return self._classes.is_full

    def of(self, reader: HeadReader, side: Side, more: I64) -> I64:
        """The class of each head: equal where ``more`` is, and the fields by which heads are compared; -1 for none."""
        places = side.spots[:, [named(field) for field in self._others]]
        begins, lengths = spans = np.empty((2, len(more), len(self._keyed)), np.int64)
        for column, field in enumerate(self._keyed):
            spans[:, :, column] = side.span(field)
        rows = np.column_stack([more, np.argsort(places, axis=1, kind="stable"), lengths])
        return self._classes.of(reader.run, reader.data, rows, begins)
