"""Calls that say the same at the same time, and which of the legs that say it too can be whose.

What a leg shows cannot tell such calls apart, but time can: a leg lies between its call's request and its reply.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Iterable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
# Calls that are held against each other; of more nothing is concluded.
MOST_RIVALS = 32


class Rivals(Generic[T]):
    """Things that last, by what they say; found again with those that meet them in time, however indirectly."""

    def __init__(self, spans: Iterable[tuple[Hashable, int, int, T]]) -> None:
        by_kind: dict[Hashable, list[tuple[int, int, T]]] = {}
        for kind, begin, end, thing in spans:
            by_kind.setdefault(kind, []).append((begin, max(begin, end), thing))
        self._groups: dict[Hashable, list[list[tuple[int, int, T]]]] = {}
        for kind, found in by_kind.items():
            self._groups[kind] = _groups(sorted(found, key=lambda span: span[:2]))

    def at(self, kind: Hashable, moment: int) -> Sequence[T]:
        """Those of a kind that were under way when one of them began, in the order of their beginnings.

        None where there are more than ``MOST_RIVALS``.
        """
        groups = self._groups.get(kind, [])
        i = bisect_left(groups, moment + 1, key=lambda group: group[0][0]) - 1
        found = groups[i] if i >= 0 else []
        return [thing for _, _, thing in found] if len(found) <= MOST_RIVALS else []


def _groups(spans: list[tuple[int, int, T]]) -> list[list[tuple[int, int, T]]]:
    groups: list[list[tuple[int, int, T]]] = []
    last = 0
    for span in spans:
        if groups and span[0] <= last:
            groups[-1].append(span)
        else:
            groups.append([span])
        last = max(last, span[1]) if len(groups[-1]) > 1 else span[1]
    return groups


def settle(options: Sequence[Sequence[Hashable]]) -> list[Hashable | None]:
    """What each of several took of its ``options``, where each thing was taken once and all took one; else None.

    Who has one option left takes it from the others; what only one can have taken is its, where all things were taken.
    """
    left = [dict.fromkeys(each) for each in options]
    taken: list[Hashable | None] = [None] * len(left)
    whole = all(left) and len({thing for each in left for thing in each}) == len(left)
    while True:
        found = _only_option(left) or (_only_taker(left) if whole else None)
        if found is None:
            return taken
        taker, thing = found
        taken[taker] = thing
        left[taker].clear()
        for each in left:
            each.pop(thing, None)


def _only_option(left: Sequence[dict[Hashable, None]]) -> tuple[int, Hashable] | None:
    return next(((i, next(iter(each))) for i, each in enumerate(left) if len(each) == 1), None)


def _only_taker(left: Sequence[dict[Hashable, None]]) -> tuple[int, Hashable] | None:
    takers: dict[Hashable, list[int]] = {}
    for i, each in enumerate(left):
        for thing in each:
            takers.setdefault(thing, []).append(i)
    return next(((who[0], thing) for thing, who in takers.items() if len(who) == 1), None)
