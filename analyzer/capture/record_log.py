"""The records of a file, put together part by part, and what is odd about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analyzer.base.column import Column
from analyzer.base.oddity import Code, Oddity
from analyzer.base.place import PacketPlace
from analyzer.base.room import Zeros
from analyzer.base.table import I64, U8, RecordTable
from analyzer.capture.records import (
    BAD_TIMESTAMP,
    NO_TIMESTAMP,
    SNAPLEN_CUT,
    TIME_BACKWARDS,
    WIRE_LEN_SHORT,
    RecordPart,
)

# The table of records of a larger capture is not kept in memory: it takes a twentieth of the capture.
IN_FILE_FROM = 1 << 30

# More records than these are put together in the end: how many there will be is but a guess.
MOST_ROOM = 1 << 21

# The columns of a ``RecordTable``.
RECORD_TYPES: Mapping[str, type[np.generic]] = MappingProxyType(
    {
        "time_ns": np.int64,
        "data_off": np.int64,
        "captured_len": np.uint32,
        "wire_len": np.uint32,
        "interface": np.uint16,
        "link": np.uint16,
    }
)


@dataclass(slots=True)
class _Seen:
    """How many records have something, and the number of the first one."""

    count: int = 0
    first: int = 0

    def note(self, before: int, which: NDArray[np.bool_]) -> None:
        rows = np.flatnonzero(which)
        if len(rows):
            self.first = self.first or before + int(rows[0]) + 1
            self.count += len(rows)


class RecordLog:
    """Takes the parts of a file in their order; ``in_file`` and ``zeros`` are where its columns are (``Column``)."""

    def __init__(self, name: str, *, in_file: bool = False, zeros: Zeros = np.zeros) -> None:
        self._name = name
        self._columns = {field: Column(dtype, in_file=in_file, zeros=zeros) for field, dtype in RECORD_TYPES.items()}
        self._seen: dict[Code, _Seen] = {}
        self._room = self._len = self._missing = self._latest_ns = self._lag_ns = 0

    def __len__(self) -> int:
        return self._len

    def expect(self, rows: int) -> None:
        """Make room for about so many records in all; they may be more, or fewer."""
        if self._room < rows <= MOST_ROOM:
            self._room = min(rows * 9 // 8, MOST_ROOM)
            for column in self._columns.values():
                column.make_room(self._room)

    def add(self, part: RecordPart) -> None:
        """Take the records of the next stretch."""
        for field, column in self._columns.items():
            column.append(getattr(part, field))
        cut = part.captured_len < part.wire_len
        self._missing += int((part.wire_len - part.captured_len)[cut].sum())
        self._note(SNAPLEN_CUT, cut)
        self._note(WIRE_LEN_SHORT, part.captured_len > part.wire_len)
        self._note(NO_TIMESTAMP, part.time_ns == 0)
        self._note(BAD_TIMESTAMP, part.time_is_bad)
        self._note_late(part.time_ns)
        self._len += len(part.time_ns)

    def _note(self, code: Code, which: NDArray[np.bool_]) -> None:
        self._seen.setdefault(code, _Seen()).note(self._len, which)

    def _note_late(self, time_ns: I64) -> None:
        """Records that are older than one before them; those without a time say nothing."""
        latest = np.maximum.accumulate(np.append(self._latest_ns, time_ns))[1:]
        lag = np.where(time_ns != 0, latest - time_ns, 0)
        self._note(TIME_BACKWARDS, lag > 0)
        self._lag_ns = max(self._lag_ns, int(lag.max(initial=0)))
        self._latest_ns = int(latest[-1]) if len(latest) else self._latest_ns

    def table(self) -> RecordTable:
        """All records."""
        columns: dict[str, Any] = {field: column.array() for field, column in self._columns.items()}
        return RecordTable(**columns)

    def oddities(self) -> list[Oddity]:
        """What the records themselves show, each once with its count, at the first packet that has it."""
        return [
            Oddity(code, PacketPlace(self._name, seen.first), self._values(code, seen.count))
            for code, seen in self._seen.items()
            if seen.count
        ]

    def _values(self, code: Code, count: int) -> dict[str, Any]:
        if code is SNAPLEN_CUT:
            return {"count": count, "packets": self._len, "missing": self._missing}
        if code is TIME_BACKWARDS:
            return {"count": count, "seconds": self._lag_ns / 1e9}
        return {"count": count}


class Sink(NamedTuple):
    """Where the records of a pcap capture go: into a log, and with their bytes, to ``PacketLog.add`` or its like."""

    log: RecordLog
    take: Callable[[RecordPart, U8, int], None]
