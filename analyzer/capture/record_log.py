"""The records of a file, put together part by part, and what is odd about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from analyzer.base.column import Column
from analyzer.base.oddity import Code, Oddity
from analyzer.base.place import PacketPlace
from analyzer.base.room import Zeros
from analyzer.base.table import I64, PacketTable, RecordTable
from analyzer.capture.capture import Capture, Decoded
from analyzer.capture.frames import LinkHeader
from analyzer.capture.records import (
    BAD_TIMESTAMP,
    NO_TIMESTAMP,
    SNAPLEN_CUT,
    TIME_BACKWARDS,
    WIRE_LEN_SHORT,
    RecordPart,
    Stretch,
)

# The table of records of a larger capture is not kept in memory: it takes a twentieth of the capture.
IN_FILE_FROM = 1 << 30

# Times that are looked at together: about 10 MB.
_ROWS_AT_ONCE = 1 << 18

# More records than these are put together in the end: how many there will be is but a guess.
MOST_ROOM = 1 << 21

# What records show, in the order in which it is told.
_TOLD = SNAPLEN_CUT, WIRE_LEN_SHORT, NO_TIMESTAMP, BAD_TIMESTAMP, TIME_BACKWARDS
# Later than any time.
_NEVER_NS = np.iinfo(np.int64).max

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


# Those of them that differ from record to record.
_FOUND = "time_ns", "data_off", "captured_len", "wire_len"


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

    def join(self, before: int, following: _Seen) -> None:
        """Add what was seen of records behind so many."""
        if following.count:
            self.first = self.first or before + following.first
            self.count += following.count


@dataclass(slots=True)
class RecordFacts:
    """What is known of some records beside their columns.

    ``seen`` is by the name of its code; ``missing`` bytes were cut. Of times that there are ``earliest_ns`` is the
    first and ``latest_ns`` the last; ``lag_ns`` is how far one is before a time before it.
    """

    rows: int = 0
    missing: int = 0
    earliest_ns: int = _NEVER_NS
    latest_ns: int = 0
    lag_ns: int = 0
    seen: dict[str, _Seen] = field(default_factory=dict)


class RecordLog:
    """Takes the parts of a file in their order; ``in_file`` and ``zeros`` are where its columns are (``Column``)."""

    def __init__(self, name: str, *, in_file: bool = False, zeros: Zeros = np.zeros) -> None:
        self._name = name
        self._columns = {name: Column(dtype, in_file=in_file, zeros=zeros) for name, dtype in RECORD_TYPES.items()}
        self._room = 0
        self.facts = RecordFacts()

    def __len__(self) -> int:
        return self.facts.rows

    def expect(self, rows: int) -> None:
        """Make room for about so many records in all; they may be more, or fewer."""
        if self._room < rows <= MOST_ROOM:
            self._room = min(rows * 9 // 8, MOST_ROOM)
            for column in self._columns.values():
                column.make_room(self._room)

    def space(self, rows: int) -> list[NDArray[Any]]:
        """Where times, places and lengths of records may be put that are added next, up to so many."""
        return [self._columns[name].space(rows) for name in _FOUND]

    def add(self, part: RecordPart) -> None:
        """Take the records of the next stretch."""
        for name, column in self._columns.items():
            column.append(getattr(part, name))
        cut = part.captured_len < part.wire_len
        self.facts.missing += int((part.wire_len - part.captured_len)[cut].sum())
        self._note(SNAPLEN_CUT, cut)
        self._note(WIRE_LEN_SHORT, part.captured_len > part.wire_len)
        self._note(NO_TIMESTAMP, part.time_ns == 0)
        self._note(BAD_TIMESTAMP, part.time_is_bad)
        self._note_late(part.time_ns, len(self))
        self.facts.rows += len(part.time_ns)

    def resume(self, facts: RecordFacts) -> None:
        """Go on behind the records that a fork has put into this log, which is in a file."""
        self.facts = facts

    def join(self, following: RecordLog, facts: RecordFacts) -> None:
        """Take the records that a fork has put into another log: they follow these."""
        for name, column in self._columns.items():
            column.append(following._columns[name].array())
        late = facts.seen.pop(TIME_BACKWARDS.name, _Seen())
        if facts.earliest_ns < self.facts.latest_ns:
            # Some are older than a record here: who is older than one before it is looked at again.
            times = following._columns["time_ns"].array()
            for begin in range(0, len(times), _ROWS_AT_ONCE):
                self._note_late(times[begin : begin + _ROWS_AT_ONCE], len(self) + begin)
        else:
            self._seen(TIME_BACKWARDS).join(len(self), late)
            self.facts.lag_ns = max(self.facts.lag_ns, facts.lag_ns)
            self.facts.latest_ns = max(self.facts.latest_ns, facts.latest_ns)
            self.facts.earliest_ns = min(self.facts.earliest_ns, facts.earliest_ns)
        for name, seen in facts.seen.items():
            self.facts.seen.setdefault(name, _Seen()).join(len(self), seen)
        self.facts.missing += facts.missing
        self.facts.rows += facts.rows

    def _seen(self, code: Code) -> _Seen:
        return self.facts.seen.setdefault(code.name, _Seen())

    def _note(self, code: Code, which: NDArray[np.bool_]) -> None:
        self._seen(code).note(len(self), which)

    def _note_late(self, time_ns: I64, before: int) -> None:
        """Of records behind so many, those older than one before them; those without a time say nothing."""
        facts = self.facts
        if len(time_ns) and 0 < time_ns[0] >= facts.latest_ns and bool((time_ns[1:] >= time_ns[:-1]).all()):
            # Nearly always.
            facts.latest_ns, facts.earliest_ns = int(time_ns[-1]), min(facts.earliest_ns, int(time_ns[0]))
            return
        latest = np.maximum.accumulate(np.append(facts.latest_ns, time_ns))[1:]
        lag = np.where(time_ns != 0, latest - time_ns, 0)
        self._seen(TIME_BACKWARDS).note(before, lag > 0)
        facts.lag_ns = max(facts.lag_ns, int(lag.max(initial=0)))
        facts.latest_ns = int(latest[-1]) if len(latest) else facts.latest_ns
        facts.earliest_ns = int(time_ns.min(initial=facts.earliest_ns, where=time_ns != 0))

    def table(self) -> RecordTable:
        """All records."""
        columns: dict[str, Any] = {name: column.array() for name, column in self._columns.items()}
        return RecordTable(**columns)

    def oddities(self) -> list[Oddity]:
        """What the records themselves show, each once with its count, at the first packet that has it."""
        return [
            Oddity(code, PacketPlace(self._name, seen.first), self._values(code, seen.count))
            for code in _TOLD
            if (seen := self._seen(code)).count
        ]

    def _values(self, code: Code, count: int) -> dict[str, Any]:
        if code is SNAPLEN_CUT:
            return {"count": count, "packets": len(self), "missing": self.facts.missing}
        if code is TIME_BACKWARDS:
            return {"count": count, "seconds": self.facts.lag_ns / 1e9}
        return {"count": count}


class Space(NamedTuple):
    """The next rows of a table, still blank, for packets behind a plain link header."""

    table: PacketTable
    header: LinkHeader


class Packets(Protocol):
    """Takes packets while the records that bring them are found, and their bytes are at hand."""

    def expect(self, rows: int) -> None:
        """About so many packets there will be in all."""

    def space(self, rows: int, link: int) -> Space | None:
        """Where up to so many of the next packets may be decoded; None where that is done when they are taken."""

    def add(self, stretch: Stretch) -> None:
        """Take the next records, decoded into the last space but for those that are left."""

    def decoded(self, capture: Capture) -> Decoded | None:
        """The packets of ``capture``, all of whose records were taken; None where they are not all here."""


class Sink(NamedTuple):
    """Where the records of a pcap capture go, and their packets, if anywhere."""

    log: RecordLog
    packets: Packets | None = None
