"""The pieces of many connections, and what runs kernels over them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, Self

import numpy as np

from analyzer.base.fact import Fact
from analyzer.base.kernel import run_kernel
from analyzer.base.table import I64, U8


class Pieces(Protocol):
    """The pieces of the lanes of all connections, 2k the client's and 2k + 1 the server's; as ``flow`` has them.

    ``position``, ``length`` and ``offset`` ``(K,)`` are of each as in ``Stream``, those of lane k are
    ``starts[k]:starts[k + 1]``; ``breaks`` are those before which bytes are missing. ``lengths`` and ``heard``
    ``(2C,)``: how many bytes each lane sent, and how many of the other lane's its first piece acknowledges.
    """

    @property
    def position(self) -> I64:
        """Where each begins on its stream."""

    @property
    def length(self) -> I64:
        """How long each is."""

    @property
    def offset(self) -> I64:
        """Where each lies in the buffer."""

    @property
    def starts(self) -> I64:
        """The first piece of each lane, and how many there are."""

    @property
    def breaks(self) -> I64:
        """The pieces before which bytes are missing, ascending."""

    @property
    def lengths(self) -> I64:
        """How many bytes each lane sent."""

    @property
    def heard(self) -> I64:
        """How many bytes of the other lane's the first piece of each acknowledges."""


class PieceReader(Fact, frozen=True):
    """Runs kernels over a capture: ``data`` are its bytes, ``matrix`` ``(3, K)`` its pieces.

    ``rows`` is how much there is to do in all, which tells if compiled code pays: from ``compile_rows`` on.
    """

    data: U8
    pieces: Pieces
    matrix: I64
    rows: int
    compile_rows: int

    @classmethod
    def of(cls, buffer: memoryview, pieces: Pieces, rows: int, compile_rows: int) -> Self:
        """The reader of the pieces of a buffer."""
        data = np.frombuffer(buffer, np.uint8) if len(buffer) else np.empty(0, np.uint8)
        matrix = np.stack([pieces.position, pieces.length, pieces.offset])
        return cls(frozen(data), pieces, matrix, rows, compile_rows)

    def run(self, kernel: Callable[..., int], *arguments: Any) -> int:
        """Run a kernel."""
        return run_kernel(kernel, self.rows, *arguments, compile_rows=self.compile_rows)


def frozen(data: U8) -> U8:
    """The bytes as one kind of array: a kernel is compiled for each."""
    data.flags.writeable = False
    return data
