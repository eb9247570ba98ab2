"""Calls that are alike, drawn together: ten thousand calls are a few dozen kinds of who calls what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from analyzer.report.phrase import (
    VERDICT_ORDER,
    observed_phrase,
    reason_word,
    source_phrase,
    target_phrase,
)
from analyzer.verdict.record import Analysis, CallRecord

Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Calls of one source to one target with one verdict and reason, in the order of the run."""

    source: str
    target: str
    verdict: str | None
    reason: str
    calls: tuple[CallRecord, ...]

    @property
    def disagreements(self) -> int:
        """How many of them went otherwise than decided."""
        return sum(call.observed.agrees is False for call in self.calls)


def group_calls(analysis: Analysis) -> list[Group]:
    """Who calls what with which end: worst verdict first, then the most calls, then by name."""
    return _group(analysis.calls, _end)


def group_alike(analysis: Analysis) -> list[Group]:
    """As ``group_calls``, but only calls that one chain explains: same protocol, method, decision and outcome."""
    return _group(analysis.calls, _chain)


def _end(call: CallRecord) -> tuple[str, str, str | None, str]:
    return (source_phrase(call), target_phrase(call), call.decision.verdict, reason_word(call.decision))


def _chain(call: CallRecord) -> Key:
    decision = call.decision
    decided = (decision.outbound, decision.gateway, decision.inbound)
    seen = (observed_phrase(call.observed), call.observed.agrees)
    carried = tuple(leg.role for leg in call.legs)
    return (*_end(call), call.server, call.server_pod, call.protocol, call.method, decided, seen, carried)


def _group(calls: Sequence[CallRecord], key_of: Callable[[CallRecord], Key]) -> list[Group]:
    members: dict[Key, list[CallRecord]] = {}
    for call in calls:
        members.setdefault(key_of(call), []).append(call)
    groups = [Group(*_end(alike[0]), tuple(alike)) for alike in members.values()]
    return sorted(groups, key=_rank)


def _rank(group: Group) -> tuple[object, ...]:
    return (VERDICT_ORDER.index(group.verdict), -len(group.calls), group.source, group.target, group.reason)
