"""How many things of a kind were under way at the same time."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Iterable


class Overlap:
    """Spans of time, each of a kind, counted where they meet another span."""

    def __init__(self, spans: Iterable[tuple[Hashable, int, int]]) -> None:
        self._begins: dict[Hashable, list[int]] = {}
        self._ends: dict[Hashable, list[int]] = {}
        for kind, begin, end in spans:
            self._begins.setdefault(kind, []).append(begin)
            self._ends.setdefault(kind, []).append(max(begin, end))
        for times in (*self._begins.values(), *self._ends.values()):
            times.sort()

    def count(self, kind: Hashable, begin: int, end: int) -> int:
        """How many spans of ``kind`` share a moment with ``begin`` to ``end``, both included."""
        begun = bisect_right(self._begins.get(kind, ()), max(begin, end))
        return begun - bisect_left(self._ends.get(kind, ()), begin)
