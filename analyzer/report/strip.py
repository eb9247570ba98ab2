"""Calls over time as a strip of columns, each stacked by verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from analyzer.base.fact import Fact
from analyzer.report.phrase import VERDICT_ORDER, verdict_word
from analyzer.report.wording import format_time
from analyzer.verdict.record import CallRecord

# The columns of a strip, and its size in units that the page stretches.
COLUMNS, WIDTH, HEIGHT = 96, 960, 72
# The least height of a part, so that one call among thousands is seen.
_LEAST = 2.0


class StripBar(Fact, frozen=True):
    """A part of a column: the calls of one verdict."""

    x: float
    y: float
    width: float
    height: float
    verdict: str


class StripColumn(Fact, frozen=True):
    """A column with what it says in words."""

    title: str
    bars: tuple[StripBar, ...]


class Strip(Fact, frozen=True):
    """A strip from ``begin`` to ``end``; the highest column has ``most`` calls. ``marks`` are at the given x."""

    columns: tuple[StripColumn, ...]
    marks: tuple[float, ...]
    begin: str
    end: str
    most: int


def strip_of(calls: Sequence[CallRecord], marks_ns: Iterable[int] = ()) -> Strip | None:
    """The strip of calls, with marks at some moments; None where all of them begin at one moment, or there are none."""
    begin = min((call.first_ns for call in calls), default=0)
    end = max((call.first_ns for call in calls), default=0)
    if begin == end:
        return None
    counts = [Counter[str | None]() for _ in range(COLUMNS)]
    for call in calls:
        counts[_column(call.first_ns, begin, end)][call.decision.verdict] += 1
    most = max(each.total() for each in counts)
    step = (end - begin) / COLUMNS
    columns = [
        _stacked(number, each, most, format_time(begin + int(step * number))[11:23])
        for number, each in enumerate(counts)
        if each
    ]
    marks = sorted({round(WIDTH * (mark - begin) / (end - begin), 1) for mark in marks_ns if begin <= mark <= end})
    return Strip(tuple(columns), tuple(marks), format_time(begin)[11:23], format_time(end)[11:23], most)


def _column(time_ns: int, begin: int, end: int) -> int:
    return min((time_ns - begin) * COLUMNS // (end - begin), COLUMNS - 1)


def _stacked(number: int, counts: Counter[str | None], most: int, clock: str) -> StripColumn:
    """The worst verdict at the bottom, where the eye compares."""
    width = WIDTH / COLUMNS
    bars, y, said = [], float(HEIGHT), []
    for verdict in VERDICT_ORDER:
        if counts[verdict]:
            word = verdict_word(verdict)
            height = max(HEIGHT * counts[verdict] / most, _LEAST)
            y -= height
            bars.append(StripBar(round(number * width, 1), round(y, 1), width - 1, round(height, 1), word))
            said.append(f"{counts[verdict]:,} {word}")
    return StripColumn(f"{clock}: {', '.join(said)}", tuple(bars))
