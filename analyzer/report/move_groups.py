"""Moves that are alike, drawn together: who calls what, from where to where, and by which lines."""

from __future__ import annotations

from collections.abc import Iterable

from analyzer.base.fact import Fact
from analyzer.base.place import YamlPlace
from analyzer.report.phrase import (
    VERDICT_ORDER,
    clusters_phrase,
    reason_word,
    source_phrase,
    target_phrase,
    verdict_word,
)
from analyzer.verdict.decision import Decision
from analyzer.verdict.record import MovedCall


class MoveGroup(Fact, frozen=True):
    """Calls of one source to one target that move alike, in the order of the captures."""

    source: str
    target: str
    before: Decision | None
    after: Decision | None
    yaml: tuple[YamlPlace, ...]
    moves: tuple[MovedCall, ...]

    @property
    def first(self) -> MovedCall:
        """The one that stands for all."""
        return self.moves[0]


def group_moves(moves: Iterable[MovedCall]) -> list[MoveGroup]:
    """Moves by source, target, both ends and lines: the worst end first, then the most calls, then by name."""
    members: dict[tuple[object, ...], list[MovedCall]] = {}
    for move in moves:
        ends = (*_end(move.before), *_end(move.after))
        key = (source_phrase(move.call), target_phrase(move.call), *ends, move.yaml)
        members.setdefault(key, []).append(move)
    groups = [_group(alike) for alike in members.values()]
    return sorted(groups, key=_rank)


def ends_phrase(before: Decision | None, after: Decision | None) -> str:
    """From verdict to verdict; ``new`` and ``gone`` where a run has no such call."""
    old = verdict_word(before.verdict) if before else "new"
    return f"{old} → {verdict_word(after.verdict) if after else 'gone'}"


def _end(decision: Decision | None) -> tuple[object, ...]:
    return (decision.verdict, reason_word(decision), end_phrase(decision)) if decision else ("none",)


def end_phrase(decision: Decision) -> str:
    """Where a decision ends, in Envoy's words: the last cluster that is known, or Envoy's own answer."""
    sides = [side for side in (decision.gateway, decision.outbound) if side is not None]
    answer = next((side.response for side in sides if side.response is not None), None)
    if answer is not None:
        return " ".join(word for word in (str(answer.code) if answer.code else "closed", answer.flag or "") if word)
    named = next((phrase for side in sides if (phrase := clusters_phrase(side))), None)
    return named or (decision.inbound.cluster if decision.inbound and decision.inbound.cluster else "")


def _group(alike: list[MovedCall]) -> MoveGroup:
    first = alike[0]
    return MoveGroup(
        source_phrase(first.call), target_phrase(first.call), first.before, first.after, first.yaml, tuple(alike)
    )


def _rank(group: MoveGroup) -> tuple[object, ...]:
    ends = tuple(VERDICT_ORDER.index(d.verdict) if d else len(VERDICT_ORDER) for d in (group.after, group.before))
    return (*ends, -len(group.moves), group.source, group.target)
