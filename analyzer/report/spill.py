"""Lines of a large run, kept lot by lot in a file without a name, with what they sort by.

Where a line goes, and its number, is known when all are there (``merged.py``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analyzer.base.fact import Fact
from analyzer.base.scratch import Scratch
from analyzer.base.table import I32, I64
from analyzer.flow.connection import Endpoint
from analyzer.report.line_rows import HIDDEN, NUMBER, fill_word, hole, stretches, write_texts, write_words
from analyzer.report.line_sheet import LineSheet

# Lines that are put together before they are written.
_LINES_AT_ONCE = 64
# What is kept of a line: its time, three more that it sorts by, and its row.
_COLUMNS = 5
_ROW = 4
Column = NDArray[np.integer[Any]]
# What lines sort by: nanoseconds, who opened the connection, and the place on it.
Key = tuple[int, Endpoint, int]


class Keys(NamedTuple):
    """What some lines sort by, ``(N,)``: when, client (a place in ``ips``), its port, and place on the connection."""

    ips: Sequence[str]
    clients: Column
    times_ns: Column
    ports: Column
    places: Column


class Lines(Fact, frozen=True):
    """Some lines of a file, in which all that they are made of is counted from ``begin`` on.

    ``times_ns`` ``(N,)`` and ``keys`` ``(3, N)`` are what they sort by: when, client (by ``ips``), its port, and place;
    ``rows`` ``(N,)`` are as ``fill_lines`` takes them. All together have about ``size`` bytes.
    """

    begin: int
    ips: tuple[str, ...]
    times_ns: I64
    keys: I32
    rows: I64
    size: int

    def __len__(self) -> int:
        return len(self.rows)


class Spill:
    """Writes lines to the end of a file, which nobody else writes to meanwhile.

    Those that are added one by one stand behind ``opening`` and their number, where there is an opening.
    """

    def __init__(self, scratch: Scratch, opening: bytes | None = None) -> None:
        # Who wrote to it before may have been lost in the middle of a word.
        fill_word(scratch)
        self._scratch = scratch
        self._opening = opening
        self._ips: dict[str, int] = {}
        self._columns = [np.empty((_COLUMNS, 0), np.int64)]
        self._count = self._size = 0
        # Lines that were added one by one and are not written yet: their keys, and their texts.
        self._keys: list[tuple[int, int, int, int, int]] = []
        self._held: list[bytes] = []

    def add(self, key: Key, line: bytes | None) -> None:
        """Write a line; None is hidden."""
        time_ns, client, place = key
        self._keys.append((time_ns, self._ip(client.ip), client.port, place, HIDDEN if line is None else 0))
        self._count += 1
        if line is not None:
            self._held.append(line)
        if len(self._keys) >= _LINES_AT_ONCE:
            self._write()

    def add_rows(
        self,
        sheet: LineSheet,
        patterns: I64,
        values: Mapping[str, I64],
        *,
        kept: int,
        keys: Keys,
    ) -> None:
        """Write lines by a sheet, as that takes them."""
        self._write()
        written = sheet.write(self._scratch, patterns, values, kept=kept)
        self._add_columns(keys, written.rows)
        self._size += written.size

    def hide_rows(self, keys: Keys) -> None:
        """Count lines that are hidden."""
        self._write()
        self._add_columns(keys, np.full(len(keys.places), HIDDEN))

    def _add_columns(self, keys: Keys, rows: I64) -> None:
        known = np.array([self._ip(ip) for ip in keys.ips], np.int64)
        columns = keys.times_ns, known[keys.clients], keys.ports, keys.places, rows
        self._columns.append(np.array(columns, np.int64))
        self._count += len(rows)

    def __len__(self) -> int:
        return self._count

    def _ip(self, ip: str) -> int:
        return self._ips.setdefault(ip, len(self._ips))

    def _write(self) -> None:
        if not self._keys:
            return
        opening = self._opening or b""
        lengths = np.array([len(opening), *map(len, self._held)], np.int64)
        begin = write_texts(self._scratch, b"".join((opening, *self._held)))
        mark, *texts = stretches(begin + np.cumsum(lengths) - lengths, lengths).tolist()
        own = hole(1, is_text=True)
        pattern = np.array((own,) if self._opening is None else (mark, hole(NUMBER, is_text=False), own), np.int64)
        at = write_words(self._scratch, pattern)
        (word,) = stretches(np.array([at]), np.array([len(pattern)])).tolist()
        rows = write_words(self._scratch, np.array([(word, text) for text in texts], np.int64))
        columns = np.array(self._keys, np.int64).T
        columns[_ROW, columns[_ROW] != HIDDEN] = rows + 2 * np.arange(len(texts))
        self._columns.append(columns)
        self._size += int(lengths.sum()) + len(opening) * len(texts)
        self._keys.clear()
        self._held.clear()

    def lines(self) -> Lines:
        """The lines that were written."""
        self._write()
        columns = np.concatenate(self._columns, axis=1)
        keys = columns[1:4].astype(np.int32)
        return Lines(0, tuple(self._ips), columns[0].copy(), keys, columns[_ROW].copy(), self._size)
