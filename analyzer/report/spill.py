"""Lines of a large run, written lot by lot to a file without a name, with what they sort by.

A line is kept without the number that it has among all: that is known when all are there (``merged.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analyzer.base.fact import Fact
from analyzer.base.scratch import Scratch
from analyzer.base.table import I32, I64
from analyzer.flow.connection import Endpoint

# A line that is not shown, but counts.
HIDDEN = -1
# Lines that are put together before they are written.
_LINES_AT_ONCE = 64
# What is kept of a line: its time, three more that it sorts by, and its length.
_COLUMNS = 5
Column = NDArray[np.integer[Any]]
# What lines sort by: nanoseconds, who opened the connection, and the place on it.
Key = tuple[int, Endpoint, int]


class Lines(Fact, frozen=True):
    """Some lines of a file, which follow each other from ``begin`` on, but for those of length ``HIDDEN``.

    ``times_ns`` ``(N,)`` and ``keys`` ``(3, N)`` are what they sort by: when, client (by ``ips``), its port, and place;
    ``lengths`` ``(N,)`` are in bytes.
    """

    begin: int
    ips: tuple[str, ...]
    times_ns: I64
    keys: I32
    lengths: I32

    def __len__(self) -> int:
        return len(self.lengths)


class Spill:
    """Writes lines to the end of a file, which nobody else writes to meanwhile."""

    def __init__(self, scratch: Scratch) -> None:
        self._scratch = scratch
        self._begin = scratch.tell()
        self._ips: dict[str, int] = {}
        self._columns = [np.empty((_COLUMNS, 0), np.int64)]
        self._count = 0
        # Lines that were added one by one: their rows since the last block, and what is not written yet.
        self._rows: list[tuple[int, int, int, int, int]] = []
        self._held: list[bytes] = []

    def add(self, key: Key, line: bytes | None) -> None:
        """Write a line; None is hidden."""
        time_ns, client, place = key
        length = HIDDEN if line is None else len(line)
        self._rows.append((time_ns, self._ip(client.ip), client.port, place, length))
        self._count += 1
        if line is not None:
            self._held.append(line)
            if len(self._held) >= _LINES_AT_ONCE:
                self._write()

    def add_block(
        self,
        data: bytes | memoryview,
        *,
        ips: Sequence[str],
        clients: Column,
        times_ns: Column,
        ports: Column,
        places: Column,
        lengths: Column,
    ) -> None:
        """Write lines that follow each other in ``data``, of whose columns ``(N,)`` each has what it has in ``Lines``.

        ``clients`` are places in ``ips``. Those of length ``HIDDEN`` are hidden, and have no bytes in ``data``. What is
        given may be changed afterwards.
        """
        self._write()
        self._scratch.write(data)
        self._gather_rows()
        known = np.array([self._ip(ip) for ip in ips], np.int64)
        self._columns.append(np.array((times_ns, known[clients], ports, places, lengths), np.int64))
        self._count += len(lengths)

    def __len__(self) -> int:
        return self._count

    def _ip(self, ip: str) -> int:
        return self._ips.setdefault(ip, len(self._ips))

    def _write(self) -> None:
        self._scratch.write(b"".join(self._held))
        self._held.clear()

    def _gather_rows(self) -> None:
        if self._rows:
            self._columns.append(np.array(self._rows, np.int64).T)
            self._rows.clear()

    def lines(self) -> Lines:
        """The lines that were written."""
        self._write()
        self._gather_rows()
        columns = np.concatenate(self._columns, axis=1)
        keys = columns[1:4].astype(np.int32)
        return Lines(self._begin, tuple(self._ips), columns[0].copy(), keys, columns[4].astype(np.int32))
