"""The streams of all directions of all connections, each made from the table of pieces when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise, repeat
from typing import overload

import numpy as np

from analyzer.base.stream import End, Stream
from analyzer.base.table import RecordTable
from analyzer.flow.lanes import LaneTable
from analyzer.flow.reassembly import PieceTable
from analyzer.flow.sequence import END_AT, END_KIND, Placement

# By the value of ``END_KIND``.
ENDS = (End.OPEN, End.FIN, End.RST)


class Streams(Sequence[Stream]):
    """The streams of all lanes, ``2C``: from the client and from the server of each connection in turn.

    Each is made when it is asked for.
    """

    def __init__(
        self, buffer: memoryview, records: RecordTable, lanes: LaneTable, placement: Placement, pieces: PieceTable
    ) -> None:
        self._buffer = buffer
        tables = (
            pieces.position, pieces.offset, pieces.length, records.numbers_at(pieces.row), records.time_ns[pieces.row],
        )  # fmt: skip
        self._tables = [np.ascontiguousarray(table).data for table in tables]
        self._starts = pieces.starts.tolist()
        kinds = placement.lanes[END_KIND]
        end_rows = np.where(kinds > 0, lanes.rows[placement.lanes[END_AT]], -1) if len(lanes.rows) else kinds
        end_times = np.where(kinds > 0, records.time_ns[end_rows], 0) if len(lanes.rows) else kinds
        self._columns = (
            pieces.lengths, placement.from_start, kinds, records.numbers_at(end_rows), end_times, pieces.heard,
        )  # fmt: skip
        self._breaks = _breaks_by_lane(pieces)

    def __len__(self) -> int:
        return len(self._starts) - 1

    @overload
    def __getitem__(self, lane: int) -> Stream: ...
    @overload
    def __getitem__(self, lane: slice) -> list[Stream]: ...
    def __getitem__(self, lane: int | slice) -> Stream | list[Stream]:
        if isinstance(lane, slice):
            return list(self.at(range(len(self))[lane]))
        (found,) = self.at((range(len(self))[lane],))
        return found

    def __iter__(self) -> Iterator[Stream]:
        return self.at(range(len(self)))

    def at(self, lanes: Sequence[int]) -> Iterator[Stream]:
        """Some of them: many are made in less time than each by itself."""
        spans = [slice(self._starts[lane], self._starts[lane + 1]) for lane in lanes]
        tables = [map(table.__getitem__, spans) for table in self._tables]
        which = np.array(lanes, np.int64)
        lengths, from_start, kinds, end_packets, end_times, heard = (column[which].tolist() for column in self._columns)
        ends, breaks = map(ENDS.__getitem__, kinds), map(self._breaks.__getitem__, lanes)
        return map(
            Stream, repeat(self._buffer), *tables, lengths, from_start, ends, end_packets, end_times, breaks, heard
        )


def _breaks_by_lane(pieces: PieceTable) -> list[Sequence[int]]:
    """The pieces of each lane before which bytes are missing, as ``Stream`` counts them."""
    found: list[Sequence[int]] = [()] * (len(pieces.starts) - 1)
    lane_of = np.searchsorted(pieces.starts, pieces.breaks, side="right") - 1
    own = pieces.breaks - pieces.starts[lane_of]
    bounds = np.append(np.flatnonzero(np.diff(lane_of, prepend=-1)), len(lane_of)).tolist()
    for first, stop in pairwise(bounds):
        found[int(lane_of[first])] = own[first:stop].tolist()
    return found
