"""What differs between two meshes, resource by resource, and the mesh with some of that as it was before."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from analyzer.base.fact import Fact, replace
from analyzer.base.place import YamlPlace
from analyzer.mesh.kinds import view_of
from analyzer.mesh.kinds.mesh_config import parse_mesh_config
from analyzer.mesh.resource import Node, Path, Resource, read_resource
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.mesh.structure import ABSENT, Comparison, Difference, compare_documents, last_line, narrowed

# (API group, kind, namespace, name); the mesh's settings are a resource of their own here.
Key = tuple[str, str, str, str]
MESH_CONFIG: Key = ("", "MeshConfig", "", "mesh")

# What the API server writes about a resource, and no Envoy is told.
_BOOKKEEPING: frozenset[Path] = frozenset(
    ("metadata", name) for name in ("generation", "managedFields", "resourceVersion", "selfLink", "uid")
) | {("metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration")}


class Change(Fact, frozen=True, eq=False):
    """A resource that is new (``old`` None), gone (``new`` None), or another; both are whole documents.

    ``differences`` are those of the two documents, but for what only the API server keeps; of a resource that is new
    or gone the whole is one. ``renamed`` is the key that it has in the new mesh, where that is another. ``carrier`` is
    the renamed ConfigMap in which the mesh's settings stand: they are read under one name only.
    """

    key: Key
    old: Node | None
    new: Node | None
    comparison: Comparison
    differences: tuple[Difference, ...]
    renamed: Key | None = None
    carrier: Change | None = None

    @property
    def whole(self) -> bool:
        """Whether it can only be taken back as a whole."""
        return self.old is None or self.new is None or self.renamed is not None

    def __str__(self) -> str:
        """``kind namespace/name``."""
        _, kind, namespace, name = self.key
        return f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"

    def place_of(self, difference: Difference) -> YamlPlace:
        """Where a difference stands: in the new mesh, or in the old one where it was removed."""
        if self.carrier is not None:
            return self.carrier.place_of(self.carrier.differences[0])
        node, value = (self.old, difference.old) if difference.removed else (self.new, difference.new)
        assert node is not None
        if not difference.path and "spec" in node:
            return node.place(*narrowed(node.value["spec"], ("spec",)))
        return node.place(*narrowed(value, difference.path))

    def cited(self, places: Iterable[YamlPlace]) -> tuple[YamlPlace, ...]:
        """Those of ``places`` that lie inside it, in the new mesh or, where it is gone, in the old one."""
        node = self.new or self.old
        assert node is not None
        return tuple(place for place in places if _lies_in(node, place))


def changes_between(old: MeshSnapshot, new: MeshSnapshot) -> tuple[Change, ...]:
    """Every resource that differs, by its key; the order of documents and the files they stand in do not count."""
    before, after = _documents(old), _documents(new)
    changes = (_change(key, before.get(key), after.get(key)) for key in sorted(before.keys() | after.keys()))
    renamed = _renamed(before, after)
    told = {key for change in renamed for key in (change.key, change.renamed)}
    others = (change for change in changes if change is not None and change.key not in told)
    return (*renamed, *(_carried(change, old, new) for change in others))


def with_reverted(
    new: MeshSnapshot, changes: Iterable[Change], *, differences: frozenset[Difference] | None = None
) -> MeshSnapshot:
    """``new`` with ``changes`` as the old mesh has them; of each only the ``differences``, where these are given."""
    documents: dict[Key, Node | None] = {}
    for change in changes:
        if change.renamed is not None:
            documents[change.renamed] = None
        documents[change.key] = _reverted(change, differences)
    return with_documents(new, documents)


def with_documents(mesh: MeshSnapshot, documents: Mapping[Key, Node | None]) -> MeshSnapshot:
    """``mesh`` with other documents for some resources, with more of them, and without those that are None."""
    views: dict[type, list[Any]] = {}
    known = {view.resource: view for kind in mesh.views.values() for view in kind}
    resources = tuple(_replaced(mesh.resources, documents))
    for resource in resources:
        view = known.get(resource) or view_of(resource)
        views.setdefault(type(view), []).append(view)
    config = documents.get(MESH_CONFIG)
    return replace(
        mesh,
        config=parse_mesh_config(config) if config is not None else mesh.config,
        resources=resources,
        views={kind: tuple(found) for kind, found in views.items()},
        _memo={},
    )


def _documents(mesh: MeshSnapshot) -> dict[Key, Node]:
    found = {key_of(resource): resource.body for resource in mesh.resources}
    return found | {MESH_CONFIG: mesh.config.node}


def _renamed(before: Mapping[Key, Node], after: Mapping[Key, Node]) -> tuple[Change, ...]:
    found = ((_change(key, before[key], after[new]), new) for key, new in _renames(before, after).items())
    return tuple(replace(change, renamed=new) for change, new in found if change is not None)


def _renames(before: Mapping[Key, Node], after: Mapping[Key, Node]) -> dict[Key, Key]:
    """The new key of each resource that is gone where another came: of its kind, the same but for its name."""
    come: dict[str, list[Key]] = {}
    for key in sorted(after.keys() - before.keys()):
        come.setdefault(_nameless(key, after[key]), []).append(key)
    renames: dict[Key, Key] = {}
    for key in sorted(before.keys() - after.keys()) if come else ():
        candidates = come.get(_nameless(key, before[key]))
        if candidates:
            renames[key] = candidates.pop(0)
    return renames


def _nameless(key: Key, node: Node) -> str:
    """A document spelled without its name."""
    metadata = node.value.get("metadata")
    body = {**node.value}
    if isinstance(metadata, dict):
        body["metadata"] = {name: value for name, value in metadata.items() if name not in ("name", "namespace")}
    return json.dumps([key[:2], body], sort_keys=True)


def key_of(resource: Resource) -> Key:
    """What makes two resources of two meshes the same one."""
    return resource.group, resource.kind, resource.namespace, resource.name


def _change(key: Key, old: Node | None, new: Node | None) -> Change | None:
    if old is not None and new is not None and old.value == new.value:
        return None
    comparison = compare_documents(_body(old), _body(new))
    differences = tuple(each for each in comparison.differences if not _is_bookkeeping(each))
    return Change(key, old, new, comparison, differences) if differences else None


def _carried(change: Change, old: MeshSnapshot, new: MeshSnapshot) -> Change:
    """The change of the mesh's settings with the renamed ConfigMap that they stand in; any other change as it is."""
    if change.key != MESH_CONFIG:
        return change
    before, after = ({key_of(each): each.body for each in mesh.config_maps} for mesh in (old, new))
    renamed = _renamed(before, after)
    carriers = (each for each in renamed if _holds(each.old, change.old) or _holds(each.new, change.new))
    return replace(change, carrier=next(carriers, None))


def _holds(node: Node | None, inner: Node | None) -> bool:
    return node is not None and inner is not None and _lies_in(node, inner.place())


def _lies_in(node: Node, place: YamlPlace) -> bool:
    return node.file == place.file and node.value.line <= place.line <= last_line(node.value)


def _reverted(change: Change, differences: frozenset[Difference] | None) -> Node | None:
    if differences is None or change.new is None or change.whole:
        return change.old
    value = change.comparison.merged(differences)
    return Node(change.new.file, value, value, (), [])


def _replaced(resources: Iterable[Resource], documents: Mapping[Key, Node | None]) -> Iterable[Resource]:
    left = {key: node for key, node in documents.items() if key != MESH_CONFIG}
    for resource in resources:
        key = key_of(resource)
        if key not in left:
            yield resource
            continue
        node = left.pop(key)
        if node is not None:
            yield _resource(node, key, resource.order)
    for key, node in left.items():
        if node is not None:
            yield _resource(node, key, 0)


def _resource(node: Node, key: Key, order: int) -> Resource:
    group, kind, namespace, _ = key
    return replace(read_resource(node.value, node.file, order, []), group=group, kind=kind, namespace=namespace)


def _body(node: Node | None) -> Any:
    return ABSENT if node is None else node.value


def _is_bookkeeping(difference: Difference) -> bool:
    return any(difference.path[: len(known)] == known for known in _BOOKKEEPING)
