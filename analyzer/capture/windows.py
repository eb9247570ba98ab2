"""Packets of a capture that is too large for one table: decoded while its records are found, and given by windows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from analyzer.base.table import U8, PacketTable, RecordTable
from analyzer.capture.decode import blank_table, decode_part, rows_of
from analyzer.capture.record_log import RECORD_TYPES
from analyzer.capture.records import RecordPart, expected_records

# Rows that are handed on together: about 15 MB.
WINDOW_ROWS = 1 << 17

# Is given the packets of a window, and their records.
Take = Callable[[PacketTable, RecordTable], None]


class WindowLog:
    """Decodes packets while their bytes are at hand; ``take`` gets them window by window, in their order.

    ``file_len`` tells about how many there will be. Fragments are not put together: that is what their ``fate`` says.
    """

    def __init__(self, file_len: int, take: Take, *, rows: int = WINDOW_ROWS) -> None:
        self._file_len = file_len
        self._take = take
        self._rows = rows
        self._table = blank_table(0)
        self._parts: list[RecordPart] = []
        self._len = self._total = 0

    def add(self, part: RecordPart, data: U8, begin: int) -> None:
        """Take the next records, which have one link; ``data`` are the bytes of the file from ``begin`` on."""
        count = len(part.time_ns)
        if not count:
            return
        if self._len + count > len(self._table):
            self.finish()
            self._table = blank_table(max(self._rows, count))
        self._total += count
        expected = expected_records(self._file_len, self._total, part.end)
        table = rows_of(self._table, slice(self._len, self._len + count))
        decode_part(table, np.zeros(count, np.uint8), part, data, begin, rows=expected)
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
