"""A column that grows, in memory or in a file without a name: of ten million rows each column is eighty megabytes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from analyzer.base.room import Zeros
from analyzer.base.scratch import Scratch


class Column:
    """Values of one type, appended in pieces and read as one array; ``in_file`` keeps them in a ``Scratch``.

    ``zeros`` makes that array where it is in memory.
    What is read of a column in a file is mapped; ``gather.forget`` lets go of that.
    """

    def __init__(self, dtype: type[np.generic], *, in_file: bool = False, zeros: Zeros = np.zeros) -> None:
        self._dtype = np.dtype(dtype)
        self._pieces: list[NDArray[Any]] = []
        self._room = np.empty(0, self._dtype)
        self._len = 0
        self._zeros = zeros
        self._file = Scratch() if in_file else None

    def make_room(self, rows: int) -> None:
        """Let so many values in all be appended where they will stay. In a file there is room."""
        if self._file is None:
            before, self._room = self.array(), self._zeros(rows, self._dtype)
            self._room[: len(before)] = before
            self._len, self._pieces = len(before), []

    def space(self, rows: int) -> NDArray[Any]:
        """Where values may be put that are appended next, up to so many: what is there by then is not copied."""
        free = self._room[self._len : self._len + rows]
        return free if len(free) and not self._pieces else np.empty(rows, self._dtype)

    def append(self, values: NDArray[Any]) -> None:
        """Add values, brought to the column's type."""
        end = self._len + len(values)
        if self._file is None and not self._pieces and end <= len(self._room):
            self._room[self._len : end] = values
            self._len = end
            return
        piece = np.ascontiguousarray(values.astype(self._dtype, copy=False))
        if self._file is None:
            self._pieces.append(piece)
        elif len(piece):
            self._file.write(piece.data.cast("B"))

    def array(self) -> NDArray[Any]:
        """All values so far, ``(N,)``; read-only where they lie in a file."""
        if self._file is not None:
            return np.frombuffer(self._file.mapped() or b"", self._dtype)
        pieces = [self._room[: self._len], *self._pieces] if self._len else self._pieces
        if len(pieces) == 1:
            return pieces[0]
        found = self._zeros(sum(map(len, pieces)), self._dtype)
        return np.concatenate([np.empty(0, self._dtype), *pieces], out=found)
