"""Packets of a capture that is too large for one table: decoded while its records are found, and given by windows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from analyzer.base.table import U8, PacketTable, RecordTable
from analyzer.capture.decode import blank_table, decode_part, rows_of
from analyzer.capture.record_log import RECORD_TYPES
from analyzer.capture.records import RecordPart

# Rows that are handed on together: about 15 MB.
WINDOW_ROWS = 1 << 17

# Is given the packets of a window, and their records.
Take = Callable[[PacketTable, RecordTable], None]


class WindowLog:
    """Decodes packets while their bytes are at hand; ``take`` gets them window by window, in their order.

    There will be about so many as are ``expected``. Fragments are not put together: that is what their ``fate`` says.
    """

    def __init__(self, expected: int, take: Take, *, rows: int = WINDOW_ROWS) -> None:
        self._expected = expected
        self._take = take
        self._rows = rows
        self._table = blank_table(0)
        self._parts: list[RecordPart] = []
        self._len = 0

    def add(self, part: RecordPart, data: U8, begin: int) -> None:
        """Take the next records, which have one link; ``data`` are the bytes of the file from ``begin`` on."""
        count = len(part.time_ns)
        if not count:
            return
        if self._len + count > len(self._table):
            self.finish()
            self._table = blank_table(max(self._rows, count))
        table = rows_of(self._table, slice(self._len, self._len + count))
        decode_part(table, np.zeros(count, np.uint8), part, data, begin, rows=self._expected)
        self._parts.append(part)
        self._len += count

    def finish(self) -> None:
        """Hand on what is left."""
        if self._len:
            columns: dict[str, Any] = {
                name: np.concatenate([getattr(part, name) for part in self._parts]).astype(dtype)
                for name, dtype in RECORD_TYPES.items()
            }
            self._take(rows_of(self._table, slice(self._len)), RecordTable(**columns))
        self._parts, self._len = [], 0
