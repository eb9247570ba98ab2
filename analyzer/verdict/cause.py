"""Which lines of YAML move a call: found by trying, never by looking at what seems related.

Of what differs between two meshes, one thing at a time is taken back and the call asked again. What undoes the move by
itself is a cause; where nothing does, the smallest set that does (delta debugging: Zeller and Hildebrandt, 2002).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from functools import partial
from typing import Protocol, TypeVar

from analyzer.base.place import YamlPlace
from analyzer.mesh.difference import Change, changes_between, with_reverted
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.mesh.structure import Difference
from analyzer.verdict.decision import Decision

# Up to this many differences are taken back one by one; more are halved first.
MAX_SINGLES = 128
# Meshes that the search for one call may try; what is left then counts as one cause.
MAX_TRIALS = 200
# Places that one call's move names.
MAX_PLACES = 20

T = TypeVar("T")
_Chosen = tuple[Change, tuple[Difference, ...]]


class Moved(Protocol):
    """A call that ends elsewhere in the new mesh."""

    @property
    def before(self) -> Decision:
        """What the old mesh decides."""

    @property
    def after(self) -> Decision:
        """What the new mesh decides."""

    @property
    def likeness(self) -> Hashable:
        """Equal for calls that most likely move for one reason; each of them is tried."""

    def undone_in(self, mesh: MeshSnapshot) -> bool:
        """Whether the call ends in ``mesh`` where it ends in the old one."""


def find_causes(old: MeshSnapshot, new: MeshSnapshot, moved: Sequence[Moved]) -> list[tuple[YamlPlace, ...]]:
    """For each call the places that moved it, sorted; empty where no difference of the YAML explains it."""
    return _Search(old, new).places(moved) if moved else []


def deciding(items: Sequence[T], undone: Callable[[Sequence[T]], bool]) -> tuple[T, ...]:
    """Of ``items`` those that each undo the move when taken back alone; else the smallest set that does together."""
    if len(items) <= MAX_SINGLES:
        singles = tuple(item for item in items if undone((item,)))
        if singles:
            return singles
    return smallest(items, undone)


def smallest(items: Sequence[T], undone: Callable[[Sequence[T]], bool]) -> tuple[T, ...]:
    """A set of ``items`` that undoes the move and of which nothing can be left out; empty where not even all do."""
    left = list(items)
    if not undone(left):
        return ()
    trials, size = 1, max(len(left) // 2, 1)
    while True:
        start = 0
        while start < len(left) and trials < MAX_TRIALS:
            rest = left[:start] + left[start + size :]
            trials += 1
            if rest and undone(rest):
                left = rest
            else:
                start += size
        if size == 1:
            return tuple(left)
        size //= 2


class _Search:
    """The differences between two meshes, and the sets of them that were found to be causes together."""

    def __init__(self, old: MeshSnapshot, new: MeshSnapshot) -> None:
        self._new = new
        self._changes = changes_between(old, new)
        self._sets: list[tuple[Change, ...]] = []

    def places(self, moved: Sequence[Moved]) -> list[tuple[YamlPlace, ...]]:
        """The places of each call: calls that are alike share their first one's, where its causes are theirs too."""
        answers: dict[int, tuple[YamlPlace, ...]] = {}
        left = list(range(len(moved)))
        while left:
            alike: dict[Hashable, list[int]] = {}
            for i in left:
                alike.setdefault(moved[i].likeness, []).append(i)
            causes = self._causes([moved[members[0]] for members in alike.values()])
            left = []
            for members, found in zip(alike.values(), causes, strict=True):
                first = moved[members[0]]
                chosen = [self._chosen(first, cause) for cause in found]
                places = tuple(sorted({p for each in chosen for p in _places(first, each)})[:MAX_PLACES])
                meshes = [self._without(each) for each in chosen]
                same = {i for i in members[1:] if all(moved[i].undone_in(mesh) for mesh in meshes)}
                answers |= dict.fromkeys((members[0], *same), places)
                left += [i for i in members[1:] if i not in same]
        return [answers[i] for i in range(len(moved))]

    def _causes(self, calls: Sequence[Moved]) -> list[list[tuple[Change, ...]]]:
        """For each call the sets of changes of which each, taken back, undoes its move."""
        found: list[list[tuple[Change, ...]]] = [[] for _ in calls]
        for change in self._changes if len(self._changes) <= MAX_SINGLES else ():
            mesh = with_reverted(self._new, (change,))
            for call, causes in zip(calls, found, strict=True):
                if call.undone_in(mesh):
                    causes.append((change,))
        return [causes or self._together(call) for call, causes in zip(calls, found, strict=True)]

    def _together(self, call: Moved) -> list[tuple[Change, ...]]:
        for cause in self._sets:
            if call.undone_in(with_reverted(self._new, cause)):
                return [cause]
        cause = smallest(self._changes, lambda part: call.undone_in(with_reverted(self._new, part)))
        if not cause:
            return []
        self._sets.append(cause)
        return [cause]

    def _chosen(self, call: Moved, cause: tuple[Change, ...]) -> list[_Chosen]:
        """What of each change of a cause it takes; the other changes are taken back meanwhile."""
        chosen: list[_Chosen] = []
        for change in cause:
            differences = change.differences
            if not change.whole and len(differences) > 1:
                others = with_reverted(self._new, [each for each in cause if each is not change])
                differences = deciding(differences, partial(_undone, call, others, change))
            chosen.append((change, differences))
        return chosen

    def _without(self, chosen: list[_Chosen]) -> MeshSnapshot:
        mesh = self._new
        for change, differences in chosen:
            mesh = with_reverted(mesh, (change,), differences=frozenset(differences))
        return mesh


def _undone(call: Moved, mesh: MeshSnapshot, change: Change, part: Sequence[Difference]) -> bool:
    return call.undone_in(with_reverted(mesh, (change,), differences=frozenset(part)))


def _places(call: Moved, chosen: list[_Chosen]) -> Iterator[YamlPlace]:
    for change, differences in chosen:
        if change.old is None or change.new is None:
            yield from _places_of_all(call, change)
        else:
            yield from map(change.place_of, differences)


def _places_of_all(call: Moved, change: Change) -> tuple[YamlPlace, ...]:
    """Of a resource that is new or gone: the lines that the decision stands on, else where its spec leads."""
    steps = (call.before if change.new is None else call.after).steps
    cited = (change.cited(step.yaml) for step in reversed(steps) if not step.aside)
    # That there is such a resource (its name) says less than what it says.
    telling = (tuple(p for p in places if not p.field.startswith("metadata.")) for places in cited)
    return next(filter(None, telling), ()) or (change.place_of(change.differences[0]),)
