"""Calls that are alike, drawn together: ten thousand calls are a few dozen kinds of who calls what."""

from __future__ import annotations

from analyzer.base.fact import Fact
from analyzer.report.ends import end_of
from analyzer.report.phrase import VERDICT_ORDER, observed_phrase
from analyzer.verdict.record import Analysis, CallRecord

Key = tuple[object, ...]


class Group(Fact, frozen=True):
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


def group_alike(analysis: Analysis) -> list[Group]:
    """The calls that one chain explains: worst verdict first, then the most calls, then by name.

    They have the same ends, protocol, method, decision and outcome.
    """
    members: dict[Key, list[CallRecord]] = {}
    for call in analysis.calls:
        members.setdefault(_chain(call), []).append(call)
    groups = [Group(*end_of(alike[0]), tuple(alike)) for alike in members.values()]
    return sorted(groups, key=_rank)


def _chain(call: CallRecord) -> Key:
    decision = call.decision
    decided = (decision.outbound, decision.gateway, decision.inbound)
    seen = (observed_phrase(call.observed), call.observed.agrees)
    carried = tuple(leg.role for leg in call.legs)
    return (*end_of(call), call.server, call.server_pod, call.protocol, call.method, decided, seen, carried)


def _rank(group: Group) -> tuple[object, ...]:
    return (VERDICT_ORDER.index(group.verdict), -len(group.calls), group.source, group.target, group.reason)
