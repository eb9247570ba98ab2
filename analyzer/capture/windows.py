"""Packets of a capture that is too large for one table: decoded while its records are found, and given by windows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from analyzer.base.table import PacketTable, RecordTable
from analyzer.capture.capture import Capture
from analyzer.capture.decode import blank_table, decode_stretch, plain_header, rows_of
from analyzer.capture.record_log import RECORD_TYPES, Space
from analyzer.capture.records import RecordPart, Stretch

# Rows that are handed on together: about 15 MB.
WINDOW_ROWS = 1 << 17

# Is given the packets of a window, and their records.
Take = Callable[[PacketTable, RecordTable], None]


class WindowLog:
    """Decodes packets while their bytes are at hand; ``take`` gets them window by window, in their order.

    Fragments are not put together: that is what their ``fate`` says.
    """

    def __init__(self, take: Take, *, rows: int = WINDOW_ROWS) -> None:
        self._expected = 0
        self._take = take
        self._rows = rows
        self._table = blank_table(0)
        self._parts: list[RecordPart] = []
        self._len = 0

    def expect(self, rows: int) -> None:
        """About so many packets there will be in all."""
        self._expected = rows

    def space(self, rows: int, link: int) -> Space | None:
        """The next rows of this window, or of another where it is full; None where packets do not begin plainly."""
        header = plain_header(link)
        if header is None:
            return None
        if self._len == len(self._table):
            self.finish()
            self._table = blank_table(self._rows)
        return Space(rows_of(self._table, slice(self._len, self._len + rows)), header)

    def add(self, stretch: Stretch) -> None:
        """Take the next records."""
        count = len(stretch.records.time_ns)
        if not count:
            return
        if self._len + count > len(self._table):
            self.finish()
            self._table = blank_table(max(self._rows, count))
        table = rows_of(self._table, slice(self._len, self._len + count))
        decode_stretch(table, np.zeros(count, np.uint8), stretch, rows=self._expected)
        self._parts.append(stretch.records)
        self._len += count

    def decoded(self, _: Capture) -> None:
        """Nothing: packets are handed on."""

    def finish(self) -> None:
        """Hand on what is left."""
        if self._len:
            columns: dict[str, Any] = {
                name: np.concatenate([getattr(part, name) for part in self._parts]).astype(dtype)
                for name, dtype in RECORD_TYPES.items()
            }
            self._take(rows_of(self._table, slice(self._len)), RecordTable(**columns))
        self._parts, self._len = [], 0
