"""What differs between two documents, key by key, and documents in which some of that is as it was before."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from difflib import SequenceMatcher
from typing import Any

from analyzer.base.fact import Fact
from analyzer.mesh.resource import Path
from analyzer.mesh.source import YamlList, YamlMap

# Longer lists that differ in the middle count as one difference: aligning items takes quadratic time.
MAX_ALIGNED_ITEMS = 256


class _Absent:
    """Stands where one of two documents has nothing; null is something."""

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = _Absent()


class Difference(Fact, frozen=True, eq=False):
    """A value that stands in only one of two documents, or is another in each.

    ``old_path`` and ``new_path`` lead to it, or to the deepest place that the document has of it.
    """

    old: Any
    new: Any
    old_path: Path
    new_path: Path

    @property
    def removed(self) -> bool:
        """Whether only the old document has it; a key whose value became null lost it."""
        return self.new is ABSENT or self.new is None

    @property
    def path(self) -> Path:
        """Where it stands: in the new document, or in the old one where it was removed."""
        return self.old_path if self.removed else self.new_path


class Comparison(Fact, frozen=True, eq=False):
    """Two documents laid over each other; ``differences`` in the order of the documents."""

    _tree: Any
    differences: tuple[Difference, ...]

    def merged(self, reverted: Collection[Difference]) -> Any:
        """The new document with the ``reverted`` differences as the old one has them."""
        return _build(self._tree, reverted)


class _Mapping(Fact, frozen=True, eq=False):
    old: YamlMap
    new: YamlMap
    entries: dict[str, Any]


class _Sequence(Fact, frozen=True, eq=False):
    new: YamlList
    items: list[Any]


class _Same(Fact, frozen=True, eq=False):
    value: Any


def compare_documents(old: Any, new: Any) -> Comparison:
    """The differences of two documents as ``read_documents`` gives them."""
    tree = _compare(old, new, (), ())
    return Comparison(tree, tuple(_differences(tree)))


def narrowed(value: Any, path: Path) -> Path:
    """``path`` led on into a value while there is but one way: to the line of ``mode`` in ``mtls: {mode: STRICT}``."""
    while True:
        key: str | int
        if isinstance(value, YamlMap) and len(value) == 1:
            key = next(iter(value))
        elif isinstance(value, YamlList) and len(value) == 1:
            key = 0
        else:
            return path
        path, value = (*path, key), value[key]


def _compare(old: Any, new: Any, old_path: Path, new_path: Path) -> Any:
    if isinstance(old, YamlMap) and isinstance(new, YamlMap):
        keys = [*new, *(key for key in old if key not in new)]
        return _Mapping(old, new, {key: _entry(old, new, key, old_path, new_path) for key in keys})
    if isinstance(old, YamlList) and isinstance(new, YamlList):
        return _Sequence(new, list(_items(old, new, old_path, new_path)))
    if old == new and isinstance(old, bool) == isinstance(new, bool):
        return _Same(new)
    return Difference(old, new, old_path, new_path)


def _entry(old: YamlMap, new: YamlMap, key: str, old_path: Path, new_path: Path) -> Any:
    if key not in new:
        return Difference(old[key], ABSENT, (*old_path, key), new_path)
    if key not in old:
        return Difference(ABSENT, new[key], old_path, (*new_path, key))
    return _compare(old[key], new[key], (*old_path, key), (*new_path, key))


def _items(old: YamlList, new: YamlList, old_path: Path, new_path: Path) -> Iterator[Any]:
    before, after = [_spelled(item) for item in old], [_spelled(item) for item in new]
    for tag, i1, i2, j1, j2 in _aligned(before, after):
        if tag == "equal":
            yield from (_Same(item) for item in new[j1:j2])
            continue
        paired = min(i2 - i1, j2 - j1)
        for k in range(paired):
            yield _compare(old[i1 + k], new[j1 + k], (*old_path, i1 + k), (*new_path, j1 + k))
        for i in range(i1 + paired, i2):
            yield Difference(old[i], ABSENT, (*old_path, i), new_path)
        for j in range(j1 + paired, j2):
            yield Difference(ABSENT, new[j], old_path, (*new_path, j))


def _aligned(before: list[str], after: list[str]) -> list[tuple[str, int, int, int, int]]:
    """Edits as ``SequenceMatcher`` gives them; what both ends share is set aside first."""
    most = min(len(before), len(after))
    head = next((i for i in range(most) if before[i] != after[i]), most)
    tail = next((i for i in range(most - head) if before[-1 - i] != after[-1 - i]), most - head)
    old_end, new_end = len(before) - tail, len(after) - tail
    edits: list[tuple[str, int, int, int, int]] = [("equal", 0, head, 0, head)]
    if max(old_end, new_end) - head > MAX_ALIGNED_ITEMS:
        edits.append(("replace", head, old_end, head, new_end))
    else:
        middle = SequenceMatcher(None, before[head:old_end], after[head:new_end], autojunk=False)
        edits += [(tag, head + a, head + b, head + c, head + d) for tag, a, b, c, d in middle.get_opcodes()]
    return [*edits, ("equal", old_end, len(before), new_end, len(after))]


def _spelled(item: Any) -> str:
    return json.dumps(item, sort_keys=True)


def _differences(tree: Any) -> Iterator[Difference]:
    if isinstance(tree, Difference):
        yield tree
    elif isinstance(tree, _Mapping):
        for entry in tree.entries.values():
            yield from _differences(entry)
    elif isinstance(tree, _Sequence):
        for item in tree.items:
            yield from _differences(item)


def _build(tree: Any, reverted: Collection[Difference]) -> Any:
    if isinstance(tree, Difference):
        return tree.old if tree in reverted else tree.new
    if isinstance(tree, _Mapping):
        return _build_mapping(tree, reverted)
    if isinstance(tree, _Sequence):
        items = YamlList(tree.new.line, tree.new.column)
        items.extend(item for item in (_build(each, reverted) for each in tree.items) if item is not ABSENT)
        items.places = [(getattr(item, "line", tree.new.line), tree.new.column) for item in items]
        return items
    return tree.value


def _build_mapping(tree: _Mapping, reverted: Collection[Difference]) -> YamlMap:
    built = YamlMap(tree.new.line, tree.new.column)
    for key, entry in tree.entries.items():
        value = _build(entry, reverted)
        if value is not ABSENT:
            built[key] = value
            built.places[key] = tree.new.places.get(key) or tree.old.places[key]
    return built


def last_line(value: YamlMap) -> int:
    """The last line on which something of a mapping is known to stand."""
    pending: list[Any] = [value]
    last = value.line
    while pending:
        each = pending.pop()
        places = each.places.values() if isinstance(each, YamlMap) else each.places
        last = max([last, *(line for line, _ in places)])
        items = each.values() if isinstance(each, YamlMap) else each
        pending += [item for item in items if isinstance(item, YamlMap) or hasattr(item, "places")]
    return last
