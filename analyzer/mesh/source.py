"""The one door to PyYAML: text to maps and lists that remember the line and column of every key and item.

Values follow the core schema of YAML 1.2 (null, true, false, numbers), so that ``no``, ``0800``, ``1:30`` and
timestamps stay the text they are; tags never build objects.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from dataclasses import dataclass, field
from sys import intern
from typing import Any

import yaml

from analyzer.base.oddity import Code, Family, Level, Oddity
from analyzer.base.place import YamlPlace

MAX_DEPTH = 100
# A cluster of 10,000 services prints about a million nodes.
MAX_NODES = 8_000_000
# Documents with anchors get their own, smaller budget: kubectl never writes anchors.
MAX_ALIASED_NODES = 200_000
# After this many documents that do not parse, the rest of the file is left alone.
MAX_BROKEN_DOCUMENTS = 20

YAML_SYNTAX = Code(
    "yaml-syntax",
    Family.MESH,
    Level.ERROR,
    "the YAML does not parse: {problem}",
    "The parser stopped here; the document that holds this line was left out, all others were read.",
    "Fix the line; `kubectl apply --dry-run=client -f FILE` shows the same error.",
)
YAML_TOO_LARGE = Code(
    "yaml-too-large",
    Family.MESH,
    Level.ERROR,
    "{what} exceeds the limit of {limit}; the document is left out",
    "Depth, nodes and expanded aliases are bounded, so that hostile YAML cannot exhaust memory.",
    "Split the file, or write the aliases out.",
)
YAML_DUPLICATE_KEY = Code(
    "yaml-duplicate-key",
    Family.MESH,
    Level.WARNING,
    "key '{key}' stands here for the second time (first on line {first}); the last one counts",
    "A mapping with the same key twice is invalid; what Kubernetes keeps depends on the client.",
    "Remove one of them.",
)
YAML_ODD_KEY = Code(
    "yaml-odd-key",
    Family.MESH,
    Level.WARNING,
    "a mapping key that is no plain text is left out",
    "Kubernetes resources only have text keys.",
)


class YamlMap(dict[str, Any]):
    """A mapping; ``line`` and ``column`` (1-based) where it begins, ``places`` where each of its keys stands."""

    __slots__ = ("column", "line", "places")

    def __init__(self, line: int = 0, column: int = 0) -> None:
        self.line = line
        self.column = column
        self.places: dict[str, tuple[int, int]] = {}


class YamlList(list[Any]):
    """A sequence; ``line`` and ``column`` (1-based) where it begins, ``places`` where each of its items begins."""

    __slots__ = ("column", "line", "places")

    def __init__(self, line: int = 0, column: int = 0) -> None:
        self.line = line
        self.column = column
        self.places: list[tuple[int, int]] = []


class YamlText(str):
    """A block scalar (``|``); ``line`` is where its own first line stands."""

    __slots__ = ("line",)
    line: int


class _BrokenError(Exception):
    """A document that cannot be built: what to say of it."""

    def __init__(self, code: Code, **values: object) -> None:
        super().__init__(code.name)
        self.code = code
        self.values = values


def _too_large(what: str, limit: int) -> _BrokenError:
    return _BrokenError(YAML_TOO_LARGE, what=what, limit=limit)


@dataclass(slots=True)
class _Frame:
    """An open collection of the document that is being built; ``merged`` are keys that a merge key brought."""

    value: YamlMap | YamlList
    anchor: str | None
    nodes_before: int
    expects_key: bool
    key: str | None = None
    key_place: tuple[int, int] = (0, 0)
    merged: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Builder:
    """Builds one document from events, without recursion; a large mesh has millions of them."""

    file: str
    first_line: int
    oddities: list[Oddity]
    root: Any = None
    stack: list[_Frame] = field(default_factory=list)
    anchors: dict[str, tuple[Any, int]] = field(default_factory=dict)
    open_anchors: set[str] = field(default_factory=set)
    nodes: int = 0
    aliased_nodes: int = 0

    def feed(self, event: Any) -> None:
        kind = type(event)
        if kind is yaml.ScalarEvent:
            self._scalar(event)
        elif kind is yaml.MappingStartEvent:
            self._open(event, YamlMap(*self._place(event)), expects_key=True)
        elif kind is yaml.SequenceStartEvent:
            self._open(event, YamlList(*self._place(event)), expects_key=False)
        elif kind is yaml.AliasEvent:
            self._alias(event)
        else:
            self._close()

    def _place(self, event: Any) -> tuple[int, int]:
        mark = event.start_mark
        return mark.line + self.first_line, mark.column + 1

    def _scalar(self, event: Any) -> None:
        self._count(1)
        mark, value = event.start_mark, event.value
        place = mark.line + self.first_line, mark.column + 1
        if self.stack and self.stack[-1].expects_key:
            # Every resource has the same few keys.
            self._key(self.stack[-1], intern(value), place)
            return
        if not event.style and event.tag is None:
            value = plain_value(value)
        elif event.style == "|":
            value = YamlText(value)
            value.line = place[0] + 1
        if event.anchor is not None:
            self.anchors[event.anchor] = (value, 1)
        self._add(value, place)

    def _open(self, event: Any, value: YamlMap | YamlList, *, expects_key: bool) -> None:
        self._count(1)
        if len(self.stack) >= MAX_DEPTH:
            raise _too_large("nesting", MAX_DEPTH)
        if event.anchor is not None:
            self.open_anchors.add(event.anchor)
        self.stack.append(_Frame(value, event.anchor, self.nodes, expects_key))

    def _close(self) -> None:
        frame = self.stack.pop()
        if frame.anchor is not None:
            self.open_anchors.discard(frame.anchor)
            self.anchors[frame.anchor] = (frame.value, self.nodes - frame.nodes_before + 1)
        self._add(frame.value, (frame.value.line, frame.value.column))

    def _alias(self, event: Any) -> None:
        if event.anchor not in self.anchors or event.anchor in self.open_anchors:
            raise _BrokenError(YAML_SYNTAX, problem=f"alias *{event.anchor} stands for nothing before it")
        value, nodes = self.anchors[event.anchor]
        self.aliased_nodes += nodes
        if self.aliased_nodes > MAX_ALIASED_NODES:
            raise _too_large("expansion of aliases", MAX_ALIASED_NODES)
        self._count(nodes)
        if self.stack and self.stack[-1].expects_key:
            self._key(self.stack[-1], value if isinstance(value, str) else None, self._place(event))
        else:
            self._add(value, self._place(event))

    def _count(self, nodes: int) -> None:
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            raise _too_large("number of nodes", MAX_NODES)

    def _key(self, frame: _Frame, key: str | None, place: tuple[int, int]) -> None:
        frame.key = key
        frame.key_place = place
        frame.expects_key = False

    def _add(self, value: Any, place: tuple[int, int]) -> None:
        if not self.stack:
            self.root = value
            return
        frame = self.stack[-1]
        target = frame.value
        if isinstance(target, YamlMap):
            if frame.expects_key:
                self._key(frame, None, place)
            else:
                frame.expects_key = True
                self._entry(frame, target, value)
        else:
            target.append(value)
            target.places.append(place)

    def _entry(self, frame: _Frame, target: YamlMap, value: Any) -> None:
        key, place = frame.key, frame.key_place
        if key is None:
            self._say(YAML_ODD_KEY, place)
            return
        if key == "<<" and isinstance(value, YamlMap | YamlList):
            self._merge(frame, target, value)
            return
        if key in target:
            if key in frame.merged:
                frame.merged -= {key}
            else:
                self._say(YAML_DUPLICATE_KEY, place, key=key, first=target.places[key][0])
        target[key] = value
        target.places[key] = place

    def _merge(self, frame: _Frame, target: YamlMap, value: YamlMap | YamlList) -> None:
        """What the merge key ``<<`` brings: entries that the mapping does not have itself (yaml.org/type/merge)."""
        for source in value if isinstance(value, YamlList) else [value]:
            if isinstance(source, YamlMap):
                new = [each for each in source if each not in target]
                frame.merged |= frozenset(new)
                for key in new:
                    target[key] = source[key]
                    target.places[key] = source.places[key]

    def _say(self, code: Code, place: tuple[int, int], **values: object) -> None:
        self.oddities.append(Oddity(code, YamlPlace(self.file, *place), values))


_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,18})")
_FLOAT = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,18})?\.[0-9]{1,18}(?:[eE][-+]?[0-9]{1,3})?")
_WORDS: dict[str, Any] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip


def plain_value(text: str) -> Any:
    """What an unquoted scalar means: None, a boolean, a number, or the text itself (YAML 1.2 core schema)."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in "+-.0123456789":
        if _INTEGER.fullmatch(text):
            return int(text)
        if _FLOAT.fullmatch(text):
            return float(text)
    return text


_PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DOCUMENT_START = re.compile(r"^---(?=\s|$)", re.MULTILINE)


def read_documents(text: str, file: str, oddities: list[Oddity], *, first_line: int = 1) -> Generator[Any, None, None]:
    """The documents of ``text`` in their order, each a ``YamlMap``, ``YamlList`` or scalar.

    A document that does not parse, or is larger than the limits, becomes an ``Oddity`` with ``file:line:column`` and
    reading goes on behind the next ``---``. Surrogates that are no character stand as U+FFFD.
    """
    text = _join_surrogates(text.removeprefix("\ufeff"))
    if not text.isascii():
        text = _LONE_SURROGATE.sub("\ufffd", text)
    for _ in range(MAX_BROKEN_DOCUMENTS):
        broken_line = yield from _read_run(text, file, oddities, first_line)
        if broken_line is None:
            return
        start = _next_document(text, broken_line - first_line)
        if start is None:
            return
        first_line += text.count("\n", 0, start)
        text = text[start:]


_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_SURROGATES = re.compile(r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")


def _join_surrogates(text: str) -> str:
    """JSON's escapes of characters beyond U+FFFF, which YAML does not know, as the characters themselves."""
    if "\\u" not in text or not text.lstrip().startswith(("{", "[", '"')):
        return text
    return _SURROGATES.sub(
        lambda pair: (chr(int(pair[1], 16)) + chr(int(pair[2], 16))).encode("utf-16", "surrogatepass").decode("utf-16"),
        text,
    )


def _read_run(text: str, file: str, oddities: list[Oddity], first_line: int) -> Generator[Any, None, int | None]:
    """Documents up to the end (returns None) or up to one that is broken (returns the line where it broke)."""
    builder = _Builder(file, first_line, oddities)
    loader = fed = None
    try:
        loader = _PARSER(text)
        event: Any
        for event in iter(loader.get_event, None):
            kind = type(event)
            if kind is yaml.DocumentStartEvent:
                builder = _Builder(file, first_line, oddities)
            elif kind is yaml.DocumentEndEvent:
                yield builder.root
            elif kind is not yaml.StreamStartEvent and kind is not yaml.StreamEndEvent:
                fed = event
                builder.feed(event)
    except yaml.YAMLError as error:
        place, problem = _describe(error, text, file, first_line)
        oddities.append(Oddity(YAML_SYNTAX, place, {"problem": problem}))
        return max(place.line, _place_of(fed, file, first_line).line)
    except _BrokenError as error:
        place = _place_of(fed, file, first_line)
        oddities.append(Oddity(error.code, place, error.values))
        return place.line
    finally:
        if loader is not None:
            loader.dispose()
    return None


def _place_of(event: Any, file: str, first_line: int) -> YamlPlace:
    """Where an event begins; the beginning of the text where there was none."""
    mark = event.start_mark if event is not None else None
    return YamlPlace(file, mark.line + first_line, mark.column + 1) if mark else YamlPlace(file, first_line, 1)


def _describe(error: yaml.YAMLError, text: str, file: str, first_line: int) -> tuple[YamlPlace, str]:
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        problem = getattr(error, "problem", None) or getattr(error, "context", None) or "unknown error"
        return YamlPlace(file, mark.line + first_line, mark.column + 1), str(problem)
    position = getattr(error, "position", 0) or 0
    before = text[:position]
    place = YamlPlace(file, before.count("\n") + first_line, position - (before.rfind("\n") + 1) + 1)
    return place, str(getattr(error, "reason", "unreadable characters"))


def _next_document(text: str, after_line: int) -> int | None:
    """Where the first ``---`` stands at or after the 0-based line ``after_line``, but not on the first; or None."""
    position = 0
    after_line = max(after_line, 1)
    for _ in range(after_line):
        position = text.find("\n", position) + 1
        if position == 0:
            return None
    match = _DOCUMENT_START.search(text, position)
    return match.start() if match else None
