"""Moves that are alike, drawn together: who calls what, from where to where, and by which lines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from analyzer.base.place import YamlPlace
from analyzer.report.phrase import VERDICT_ORDER, clusters_phrase, reason_word, source_phrase, target_phrase
from analyzer.verdict.decision import Decision
from analyzer.verdict.record import MovedCall


@dataclass(frozen=True, slots=True)
class MoveGroup:
    """Calls of one source to one target that move alike, in the order of the captures."""

    source: str
    target: str
    before: Decision
    after: Decision
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
        ends = (end_phrase(move.before), end_phrase(move.after), reason_word(move.before), reason_word(move.after))
        key = (source_phrase(move.call), target_phrase(move.call), move.before.verdict, move.after.verdict, *ends)
        members.setdefault((*key, move.yaml), []).append(move)
    groups = [_group(alike) for alike in members.values()]
    return sorted(groups, key=_rank)


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
    ends = (VERDICT_ORDER.index(group.after.verdict), VERDICT_ORDER.index(group.before.verdict))
    return (*ends, -len(group.moves), group.source, group.target)
