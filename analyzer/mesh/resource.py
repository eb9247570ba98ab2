"""A resource as it stands in the YAML, and safe ways to read its fields: a wrong type is an oddity, not an error."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from analyzer.base.address import canonical
from analyzer.base.fact import Fact
from analyzer.base.oddity import Code, Family, Level, Oddity
from analyzer.base.place import YamlPlace
from analyzer.mesh.source import YamlList, YamlMap

YAML_WRONG_TYPE = Code(
    "yaml-wrong-type",
    Family.MESH,
    Level.WARNING,
    "found {found}, expected {expected}",
    "A field has a type that its schema does not allow; it is read as if it were absent.",
    "Compare the field with the API reference of its kind.",
)

_MAX_PORT = 65535

Key = str | int
Path = tuple[Key, ...]


def field_text(path: Path) -> str:
    """A path as people write it: ``spec.http[0].route[0].destination.subset``."""
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        else:
            text += f".{key}" if text else key
    return text


def deepest_place(root: Any, path: Path) -> tuple[int, int]:
    """Line and column of the last key of ``path`` that exists under ``root``."""
    line, column = getattr(root, "line", 0) or 1, getattr(root, "column", 0) or 1
    node = root
    for key in path:
        if isinstance(node, YamlMap) and key in node.places:
            line, column = node.places[str(key)]
            node = node.get(str(key))
        elif isinstance(node, YamlList) and isinstance(key, int) and 0 <= key < len(node.places):
            line, column = node.places[key]
            node = node[key]
        else:
            break
    return line, column


def type_name(value: Any) -> str:
    """What a value is, in YAML's words."""
    names: list[tuple[type, str]] = [
        (YamlMap, "a mapping"), (YamlList, "a sequence"), (bool, "a boolean"), (int, "an integer"),
        (float, "a number"), (str, "text"),
    ]  # fmt: skip
    return next((name for kind, name in names if isinstance(value, kind)), "nothing")


class Node(Fact, frozen=True):
    """A mapping inside a resource: its value, the path to it, and where oddities about it go.

    An absent mapping is an empty node, so that getters chain: ``spec.node("a").node("b").text("c")``.
    """

    file: str
    root: YamlMap
    value: YamlMap
    path: Path
    oddities: list[Oddity]

    def __bool__(self) -> bool:
        return bool(self.value)

    def __contains__(self, key: object) -> bool:
        return key in self.value

    def __iter__(self) -> Iterator[str]:
        return iter(self.value)

    def place(self, *path: Key) -> YamlPlace:
        """The deepest known place of ``path`` below this node."""
        whole = (*self.path, *path)
        return YamlPlace(self.file, *deepest_place(self.root, whole), field_text(whole))

    def _wrong(self, value: Any, expected: str, *path: Key) -> None:
        values = {"found": type_name(value), "expected": expected}
        self.oddities.append(Oddity(YAML_WRONG_TYPE, self.place(*path), values))

    def text(self, key: str, default: str = "") -> str:
        """A text field; numbers are not text."""
        value = self.value.get(key)
        if isinstance(value, str):
            return value
        if value is not None:
            self._wrong(value, "text", key)
        return default

    def address(self, key: str) -> str:
        """A text field, in the one spelling of addresses where it is one."""
        return canonical(self.text(key))

    def optional_text(self, key: str) -> str | None:
        """A text field, or None where it is absent or null."""
        return self.text(key) if self.value.get(key) is not None else None

    def integer(self, key: str, default: int = 0) -> int:
        """An integer field; a text of digits counts too."""
        value = self.value.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
            return int(value)
        if value is not None:
            self._wrong(value, "an integer", key)
        return default

    def port(self, key: str) -> int:
        """A port number; 0 where it is absent, and where no TCP port has that number."""
        number = self.integer(key)
        if 0 <= number <= _MAX_PORT:
            return number
        values = {"found": number, "expected": f"a port from 1 to {_MAX_PORT}"}
        self.oddities.append(Oddity(YAML_WRONG_TYPE, self.place(key), values))
        return 0

    def choice(self, key: str, known: Collection[str]) -> str:
        """One of the values that an enum has; empty where it is absent or none of them."""
        text = self.text(key)
        if not text or text in known:
            return text
        values = {"found": f"'{text}'", "expected": " or ".join(sorted(known))}
        self.oddities.append(Oddity(YAML_WRONG_TYPE, self.place(key), values))
        return ""

    def boolean(self, key: str, default: bool = False) -> bool:
        """A boolean field."""
        value = self.value.get(key)
        if isinstance(value, bool):
            return value
        if value is not None:
            self._wrong(value, "a boolean", key)
        return default

    def node(self, key: str) -> Node:
        """A mapping field; an empty node where it is absent."""
        value = self.value.get(key)
        if not isinstance(value, YamlMap):
            if value is not None:
                self._wrong(value, "a mapping", key)
            value = YamlMap()
        return Node(self.file, self.root, value, (*self.path, key), self.oddities)

    def nodes(self, key: str) -> tuple[Node, ...]:
        """The mappings of a sequence field; items of another type are left out."""
        found = []
        for index, item in enumerate(self._sequence(key)):
            if isinstance(item, YamlMap):
                found.append(Node(self.file, self.root, item, (*self.path, key, index), self.oddities))
            else:
                self._wrong(item, "a mapping", key, index)
        return tuple(found)

    def texts(self, key: str) -> tuple[str, ...]:
        """The texts of a sequence field; items of another type are left out."""
        found = []
        for index, item in enumerate(self._sequence(key)):
            if isinstance(item, str):
                found.append(item)
            else:
                self._wrong(item, "text", key, index)
        return tuple(found)

    def addresses(self, key: str) -> tuple[str, ...]:
        """As ``texts``, those that are addresses in their one spelling."""
        return tuple(map(canonical, self.texts(key)))

    def integers(self, key: str) -> tuple[int, ...]:
        """The integers of a sequence field; items of another type are left out."""
        found = []
        for index, item in enumerate(self._sequence(key)):
            if isinstance(item, int) and not isinstance(item, bool):
                found.append(item)
            else:
                self._wrong(item, "an integer", key, index)
        return tuple(found)

    def mapping(self, key: str) -> dict[str, str]:
        """A mapping of text to text, such as labels; entries of another type are left out."""
        node = self.node(key)
        return {name: node.text(name) for name in node if isinstance(node.value[name], str) or node.text(name)}

    def _sequence(self, key: str) -> YamlList:
        value = self.value.get(key)
        if isinstance(value, YamlList):
            return value
        if value is not None:
            self._wrong(value, "a sequence", key)
        return YamlList()


@dataclass(frozen=True, slots=True, eq=False)
class Resource:
    """One Kubernetes or Istio resource. ``group`` is its API group (empty for core), ``order`` its place in the input.

    ``created`` is ``metadata.creationTimestamp`` as written, empty where absent. ``body`` is the whole document.
    """

    kind: str
    group: str
    version: str
    namespace: str
    name: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    created: str
    body: Node
    order: int
    spec: Node = field(repr=False)

    @property
    def file(self) -> str:
        """The file as the user named it."""
        return self.body.file

    @property
    def full_name(self) -> str:
        """``namespace/name``."""
        return f"{self.namespace}/{self.name}"

    @property
    def age_key(self) -> tuple[str, str, str]:
        """Sorts as istiod sorts resources: creation time, then name, then namespace (sortConfigByCreationTime)."""
        return self.created, self.name, self.namespace

    def place(self, *path: Key) -> YamlPlace:
        """The deepest known place of ``path``, from the top of the document (``"spec", "http", 0``)."""
        return self.body.place(*path)


def read_resource(body: YamlMap, file: str, order: int, oddities: list[Oddity], *, kind: str = "") -> Resource:
    """The resource that a document holds; ``kind`` is for items of a typed list, which do not repeat it."""
    document = Node(file, body, body, (), oddities)
    group, _, version = document.text("apiVersion").rpartition("/")
    metadata = document.node("metadata")
    return Resource(
        kind=document.text("kind") or kind,
        group=group,
        version=version,
        namespace=metadata.text("namespace"),
        name=metadata.text("name"),
        labels=metadata.mapping("labels"),
        annotations=metadata.mapping("annotations"),
        created=metadata.text("creationTimestamp"),
        body=document,
        order=order,
        spec=document.node("spec"),
    )
