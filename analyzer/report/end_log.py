"""How the calls of a lot ended, one by one: what the summary of a large run is counted from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from analyzer.base.fact import Fact
from analyzer.base.table import I32, I64, by_appearance
from analyzer.report.ends import End, Ends, end_of, first_of_worst
from analyzer.report.phrase import Outcome, outcome_of
from analyzer.report.private import redact_call
from analyzer.verdict.alone_rows import AloneRows
from analyzer.verdict.record import CallRecord

# Stands for a call that does not count.
_LEFT_OUT = -1


class LineEnds(Fact, frozen=True):
    """How calls ended, ``(N,)``: each as ``ends[of]``; -1 for those that do not count."""

    ends: tuple[tuple[End, Outcome], ...]
    of: I32


class EndLog:
    """Takes the calls of a lot in the order in which its ``Spill`` has them."""

    def __init__(self, *, redact: bool) -> None:
        self._redact = redact
        self._known: dict[tuple[End, Outcome], int] = {}
        self._parts: list[I64] = []
        # Exemplars are asked about lot after lot; each keeps its record.
        self._of_records: dict[int, tuple[CallRecord, End, Outcome]] = {}

    def add(self, calls: Iterable[CallRecord | None]) -> None:
        """Take calls one by one; None is one that does not count."""
        told = [_LEFT_OUT if call is None else self._number(*self._told(call)) for call in calls]
        self._parts.append(np.array(told, np.int64))

    def add_rows(self, rows: AloneRows) -> None:
        """Take calls that are like others."""
        if not len(rows):
            return
        pairs, firsts = by_appearance(rows.kind * len(rows.askers) + rows.asker)
        numbers = []
        for kind, asker in zip(rows.kind[firsts].tolist(), rows.asker[firsts].tolist(), strict=True):
            exemplar, who = rows.kinds[kind], rows.askers[asker]
            assert exemplar, "only calls that are like one have lines"
            assert who, "of each it is known who asks"
            end, outcome = self._told_once(exemplar.record)
            numbers.append(self._number(end._replace(source=who.pod.full_name), outcome))
        self._parts.append(np.array(numbers, np.int64)[pairs])

    def take(self) -> LineEnds:
        """What was taken since it was asked for last."""
        found = LineEnds(tuple(self._known), np.concatenate([np.empty(0, np.int64), *self._parts]).astype(np.int32))
        self._known.clear()
        self._parts.clear()
        return found

    def _number(self, end: End, outcome: Outcome) -> int:
        return self._known.setdefault((end, outcome), len(self._known))

    def _told_once(self, record: CallRecord) -> tuple[End, Outcome]:
        known = self._of_records.get(id(record))
        if known is None:
            known = self._of_records[id(record)] = record, *self._told(record)
        return known[1:]

    def _told(self, call: CallRecord) -> tuple[End, Outcome]:
        shown = redact_call(call) if self._redact else call
        return end_of(shown), outcome_of(shown.observed)


def count_ends(parts: Sequence[LineEnds], numbers: I64) -> tuple[Ends, tuple[str, str] | None]:
    """How many calls ended how, and the id and the reason of the first of those that ended worst.

    ``numbers`` are the ids of the calls of all ``parts``, one after the other.
    """
    ends: dict[End, Counter[Outcome]] = {}
    firsts: dict[End, int] = {}
    before = 0
    for part in parts:
        own, before = numbers[before : before + len(part.of)], before + len(part.of)
        shown = part.of != _LEFT_OUT
        counts = np.bincount(part.of[shown], minlength=len(part.ends))
        first = np.full(len(part.ends), np.iinfo(np.int64).max)
        np.minimum.at(first, part.of[shown], own[shown])
        for (end, outcome), count, number in zip(part.ends, counts.tolist(), first.tolist(), strict=True):
            ends.setdefault(end, Counter())[outcome] += count
            firsts[end] = min(number, firsts.get(end, number))
    worst = first_of_worst(firsts)
    return ends, (str(firsts[worst]), worst.reason) if worst else None
