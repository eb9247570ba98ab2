"""Who calls what with which end, counted: all that a summary tells of calls, however many there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from analyzer.base.fact import Fact
from analyzer.report.phrase import (
    VERDICT_ORDER,
    Outcome,
    SeenCall,
    outcome_of,
    reason_word,
    source_phrase,
    target_phrase,
)
from analyzer.verdict.record import Analysis, CallRecord


class End(NamedTuple):
    """What calls of one source to one target are drawn together by."""

    source: str
    target: str
    verdict: str | None
    reason: str


# What happened to the calls with an end: how many of each outcome there are.
Ends = Mapping[End, Counter[Outcome]]


class Summary(Fact, frozen=True):
    """A run as its summary tells it: ``analysis`` need not have the calls.

    ``found`` are the calls that findings name, by id. ``first`` is the id of the first of the calls that ended worst,
    with the reason of that; None without calls.
    """

    analysis: Analysis
    ends: Ends
    found: Mapping[str, SeenCall]
    first: tuple[str, str] | None

    @property
    def verdicts(self) -> Counter[str | None]:
        """How many calls there are of each verdict."""
        counts: Counter[str | None] = Counter()
        for end, outcomes in self.ends.items():
            counts[end.verdict] += outcomes.total()
        return counts


def end_of(call: CallRecord) -> End:
    """How a call ended, in the words of reports."""
    return End(source_phrase(call), target_phrase(call), call.decision.verdict, reason_word(call.decision))


def summary_of(analysis: Analysis) -> Summary:
    """The summary of a run that has its calls."""
    ends: dict[End, Counter[Outcome]] = {}
    firsts: dict[End, int] = {}
    for number, call in enumerate(analysis.calls):
        end = end_of(call)
        ends.setdefault(end, Counter())[outcome_of(call.observed)] += 1
        firsts.setdefault(end, number)
    worst = first_of_worst(firsts)
    first = (analysis.calls[firsts[worst]].id, worst.reason) if worst else None
    return Summary(analysis, ends, {call.id: call for call in analysis.calls}, first)


def first_of_worst(firsts: Mapping[End, int]) -> End | None:
    """The end of the first of the calls that ended worst; ``firsts`` is the place of the first call of each end."""
    return min(firsts, key=lambda end: (VERDICT_ORDER.index(end.verdict), firsts[end]), default=None)


def ranked(ends: Ends) -> list[tuple[End, Counter[Outcome]]]:
    """The worst verdict first, then the most calls, then by name."""
    return sorted(ends.items(), key=_rank)


def _rank(item: tuple[End, Counter[Outcome]]) -> tuple[object, ...]:
    end, outcomes = item
    return (VERDICT_ORDER.index(end.verdict), -outcomes.total(), end.source, end.target, end.reason)


def count_calls(ends: Iterable[Counter[Outcome]]) -> int:
    """How many calls have some ends."""
    return sum(outcomes.total() for outcomes in ends)
