"""Files and folders to a ``MeshSnapshot``."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyzer.base.errors import MeshError
from analyzer.base.fact import replace
from analyzer.base.oddity import Code, Family, Level, Oddity
from analyzer.base.place import YamlPlace
from analyzer.base.spelling import path_hint
from analyzer.mesh.collector import collection_paused
from analyzer.mesh.kinds import CLUSTER_SCOPED, KINDS, view_of
from analyzer.mesh.kinds.mesh_config import KNOWN_KEYS, MeshConfig, parse_mesh_config
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.order import ambiguous_orders
from analyzer.mesh.resource import Node, Resource, read_resource
from analyzer.mesh.revision import RevisionFile, files_of, is_revision
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.mesh.source import YamlList, YamlMap, YamlText, read_documents

if TYPE_CHECKING:
    from analyzer.mesh.dump.proxy_dump import ProxyDump

SUFFIXES = (".yaml", ".yml", ".json")
# Gives the text of a file; raises ``OSError`` or ``UnicodeDecodeError``.
_Read = Callable[[], str]
# What `kubectl get` prints of a very large cluster is below this.
MAX_FILE_BYTES = 256 << 20

MESH_EMPTY = Code(
    "mesh-empty",
    Family.MESH,
    Level.WARNING,
    "no resource was found in {paths}",
    "Without Services, Pods and Istio resources every call looks like traffic outside the mesh.",
    "Give `kubectl get ns,pods,svc,endpointslices,... -A -o yaml` as -m.",
)
MESH_FILE_UNREADABLE = Code(
    "mesh-file-unreadable",
    Family.MESH,
    Level.ERROR,
    "the file cannot be read: {problem}",
    "A file of the mesh input was left out.",
    "Check its permissions, size and encoding (UTF-8).",
)
MESH_NO_RESOURCE = Code(
    "mesh-no-resource",
    Family.MESH,
    Level.WARNING,
    "found {found}, expected a resource with apiVersion, kind and metadata.name",
    "A document that is no Kubernetes resource was left out.",
)
MESH_DUPLICATE = Code(
    "mesh-duplicate",
    Family.MESH,
    Level.WARNING,
    "{kind} {name} was already read from {first}; this one counts",
    "The same resource stands in the input twice; as with `kubectl apply`, the later one replaces the earlier.",
    "Remove the stale copy.",
)


@dataclass(slots=True)
class _Loading:
    """What has been read so far."""

    oddities: list[Oddity] = field(default_factory=list)
    resources: dict[tuple[str, str, str, str], Resource] = field(default_factory=dict)
    config_maps: list[Resource] = field(default_factory=list)
    mesh_configs: list[Node] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)
    order: int = 0
    dumps: list[ProxyDump] = field(default_factory=list)


def load_mesh(paths: Sequence[str | Path], *, mesh_config: str | Path | None = None) -> MeshSnapshot:
    """The mesh that files and folders hold (folders are read recursively, ``.yaml``, ``.yml`` and ``.json``).

    A path may be ``git:REV:PATH``, as a revision of the repository here has it. What cannot be read or parsed is in the
    snapshot's ``oddities`` (level error), the rest is used. Raises ``MeshError`` where a path does not exist.
    """
    with collection_paused():
        return _load(paths, mesh_config)


def _load(paths: Sequence[str | Path], mesh_config: str | Path | None) -> MeshSnapshot:
    loading = _Loading()
    sources = []
    for name, read in _files(paths):
        sources.append(name)
        for document in _documents(name, read, loading.oddities):
            _take(loading, document, name)
    if mesh_config is not None:
        for name, read in _named(mesh_config):
            for document in _documents(name, read, loading.oddities):
                _take_mesh_config(loading, document, name)
    if not loading.resources and not loading.dumps:
        loading.oddities.append(Oddity(MESH_EMPTY, None, {"paths": ", ".join(sources) or "the given paths"}))
    return _snapshot(loading, tuple(sources))


def parse_mesh(text: str, *, file: str = "mesh.yaml") -> MeshSnapshot:
    """The mesh that one text holds; places name it ``file``."""
    loading = _Loading()
    for document in read_documents(text, file, loading.oddities):
        _take(loading, document, file)
    return _snapshot(loading, (file,))


def _snapshot(loading: _Loading, sources: tuple[str, ...]) -> MeshSnapshot:
    config = _mesh_config(loading)
    views: dict[type, list[Any]] = {}
    for resource in loading.resources.values():
        view = view_of(resource)
        views.setdefault(type(view), []).append(view)
    _add_dumps(loading, views)
    return MeshSnapshot(
        config=config,
        resources=tuple(loading.resources.values()),
        views={kind: tuple(found) for kind, found in views.items()},
        sources=sources,
        ignored=tuple(sorted(loading.ignored.items())),
        oddities=(*loading.oddities, *ambiguous_orders(views)),
        config_maps=tuple(each for each in loading.config_maps if each.body.node("data").text("mesh")),
    )


def _files(paths: Iterable[str | Path]) -> Iterator[tuple[str, _Read]]:
    """Every file to read by the name to show, sorted inside each folder."""
    for given in paths:
        path = Path(given)
        if is_revision(str(given)) or not path.is_dir():
            yield from _named(given)
            continue
        for folder, subfolders, files in os.walk(path):
            subfolders[:] = sorted(each for each in subfolders if not each.startswith("."))
            for file in sorted(files):
                if file.endswith(SUFFIXES) and not file.startswith("."):
                    found = Path(folder, file)
                    name = Path(_display_name(path), found.relative_to(path)).as_posix()
                    yield name, partial(_read_file, found)


def _named(given: str | Path) -> Iterator[tuple[str, _Read]]:
    """A file, or those of a revision; a file that is named itself counts whatever its suffix."""
    if is_revision(str(given)):
        files = list(files_of(str(given)))
        for file in files:
            if file.name.endswith(SUFFIXES) or len(files) == 1:
                yield file.name, partial(_read_revision, file)
        return
    path = Path(given)
    _must_exist(path)
    yield _display_name(path), partial(_read_file, path)


def _must_exist(path: Path) -> None:
    if not path.exists():
        raise MeshError(f"{_display_name(path)}: no such file or folder{path_hint(path)}")


def _display_name(path: Path) -> str:
    """The path as the user gave it; of an absolute path only the last part, so that output is the same anywhere."""
    return path.name if path.is_absolute() else path.as_posix()


def _documents(name: str, read: _Read, oddities: list[Oddity]) -> Iterator[Any]:
    try:
        text = read()
    except (OSError, UnicodeDecodeError) as error:
        problem = getattr(error, "strerror", None) or str(error)
        oddities.append(Oddity(MESH_FILE_UNREADABLE, YamlPlace(name, 1), {"problem": problem}))
        return
    yield from read_documents(text, name, oddities)


def _read_file(path: Path) -> str:
    if not path.is_file():
        raise OSError("not a regular file")
    _must_fit(path.stat().st_size)
    return path.read_text(encoding="utf-8-sig")


def _read_revision(file: RevisionFile) -> str:
    _must_fit(file.size)
    return file.read()


def _must_fit(size: int) -> None:
    if size > MAX_FILE_BYTES:
        raise OSError(f"larger than {MAX_FILE_BYTES} bytes")


def _take(loading: _Loading, document: Any, file: str, *, kind: str = "", group: str = "", line: int = 1) -> None:
    """Puts a document where it belongs: a list is unwrapped, a resource kept, a bare MeshConfig remembered.

    ``line`` is where it stands, for one that does not know itself.
    """
    if document is None:
        return
    if isinstance(document, YamlList):
        for item, (where, _) in zip(document, document.places, strict=True):
            _take(loading, item, file, line=where)
        return
    if not isinstance(document, YamlMap):
        found = "a document that is no mapping"
        loading.oddities.append(Oddity(MESH_NO_RESOURCE, YamlPlace(file, line), {"found": found}))
        return
    if "configs" in document and _takes_dump(loading, document, file):
        return
    own_kind = document.get("kind")
    items = document.get("items")
    if isinstance(own_kind, str) and own_kind.endswith("List") and isinstance(items, YamlList):
        api_version = document.get("apiVersion")
        item_group = api_version.rpartition("/")[0] if isinstance(api_version, str) else ""
        for item in items:
            _take(loading, item, file, kind=own_kind.removesuffix("List"), group=item_group)
        return
    if own_kind is None and not kind and KNOWN_KEYS & document.keys():
        _take_mesh_config(loading, document, file)
        return
    _take_resource(loading, document, file, kind, group)


def _takes_dump(loading: _Loading, document: YamlMap, file: str) -> bool:
    """Whether a document is a configuration dump, which is kept then; few inputs have any, so the import is here."""
    from analyzer.mesh.dump.proxy_dump import is_config_dump, parse_config_dump

    if not is_config_dump(document):
        return False
    found = parse_config_dump(Node(file, document, document, (), []))
    if isinstance(found, Oddity):
        loading.oddities.append(found)
    else:
        loading.dumps.append(found)
    return True


def _add_dumps(loading: _Loading, views: dict[type, list[Any]]) -> None:
    """Puts dumps among the views, and the pods that only they show; of two dumps of a pod the later one counts."""
    if not loading.dumps:
        return
    from analyzer.mesh.dump.proxy_dump import ProxyDump, pod_of_dump

    for dump in loading.dumps:
        views.setdefault(ProxyDump, []).append(dump)
        pods = views.setdefault(Pod, [])
        if all((pod.namespace, pod.name) != (dump.namespace, dump.pod) for pod in pods):
            pods.append(pod_of_dump(dump))


def _take_resource(loading: _Loading, document: YamlMap, file: str, kind: str, group: str) -> None:
    resource = read_resource(document, file, loading.order, loading.oddities, kind=kind)
    if kind and "apiVersion" not in document:
        resource = replace(resource, group=group)
    loading.order += 1
    if not resource.kind or not resource.name:
        found = "a mapping without kind" if not resource.kind else f"a {resource.kind} without a name"
        loading.oddities.append(Oddity(MESH_NO_RESOURCE, resource.place(), {"found": found}))
        return
    if (resource.group, resource.kind) not in CLUSTER_SCOPED and not resource.namespace:
        resource = replace(resource, namespace="default")
    if (resource.group, resource.kind) == ("", "ConfigMap"):
        loading.config_maps.append(resource)
    elif (resource.group, resource.kind) in KINDS:
        _keep(loading, resource)
    else:
        loading.ignored[resource.kind] += 1


def _keep(loading: _Loading, resource: Resource) -> None:
    key = (resource.group, resource.kind, resource.namespace, resource.name)
    earlier = loading.resources.pop(key, None)
    if earlier is not None:
        values = {"kind": resource.kind, "name": resource.full_name, "first": earlier.place().file_line}
        loading.oddities.append(Oddity(MESH_DUPLICATE, resource.place(), values))
    loading.resources[key] = resource


def _take_mesh_config(loading: _Loading, document: Any, file: str) -> None:
    if isinstance(document, YamlMap):
        loading.mesh_configs.append(Node(file, document, document, (), loading.oddities))


def _mesh_config(loading: _Loading) -> MeshConfig:
    """A bare MeshConfig or ``--mesh-config``, else ConfigMap ``istio`` in ``istio-system``, else the defaults.

    The injector's values come from ConfigMap ``istio-sidecar-injector`` beside it.
    """
    settings = loading.mesh_configs[-1] if loading.mesh_configs else _in_config_map(loading, "istio", "mesh")
    values = _in_config_map(loading, "istio-sidecar-injector", "values")
    return replace(parse_mesh_config(settings), proxy_values=values.node("global").node("proxy"))


def _in_config_map(loading: _Loading, name: str, key: str) -> Node:
    """The document in a ConfigMap of istiod: of the default revision, else the only one of any other."""
    own = [each for each in loading.config_maps if each.namespace == "istio-system"]
    usual = [each for each in own if each.name == name]
    others = [each for each in own if each.name.startswith(f"{name}-") and each.body.node("data").text(key)]
    chosen = usual[-1:] or others
    if len(chosen) == 1:
        return _embedded(chosen[0], key, loading.oddities)
    empty = YamlMap()
    return Node("", empty, empty, (), loading.oddities)


def _embedded(resource: Resource, key: str, oddities: list[Oddity]) -> Node:
    """The document inside a key of a ConfigMap; its places are exact where the text is a block scalar."""
    data = resource.body.node("data")
    text = data.text(key)
    first_line = getattr(data.value.get(key), "line", None)
    place = data.place(key)
    root = next(iter(read_documents(text, place.file, oddities, first_line=first_line or place.line)), None)
    if not isinstance(root, YamlMap):
        root = YamlMap(place.line, place.column)
    if not isinstance(data.value.get(key), YamlText):
        _move_to(root, place)
    return Node(place.file, root, root, (), oddities)


def _move_to(value: Any, place: YamlPlace) -> None:
    """Every place inside ``value`` becomes ``place``: a quoted text has no lines of its own."""
    pending = [value]
    while pending:
        each = pending.pop()
        if isinstance(each, YamlMap):
            each.line, each.column = place.line, place.column
            each.places = dict.fromkeys(each.places, (place.line, place.column))
            pending.extend(each.values())
        elif isinstance(each, YamlList):
            each.line, each.column = place.line, place.column
            each.places = [(place.line, place.column)] * len(each.places)
            pending.extend(each)
