"""Changes of a mesh without YAML: ``outboundTrafficPolicy=REGISTRY_ONLY``, ``mtls[shop]=STRICT`` and their like."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from analyzer.base.errors import UsageError
from analyzer.base.fact import Fact
from analyzer.base.spelling import hint
from analyzer.mesh.difference import MESH_CONFIG, Key, key_of, with_documents
from analyzer.mesh.kinds.mesh_config import ALLOW_ANY, ALLOW_ANY_DYNAMIC_DNS, REGISTRY_ONLY
from analyzer.mesh.kinds.peer_authentication import DISABLE, PERMISSIVE, STRICT, PeerAuthentication
from analyzer.mesh.kinds.pod import PROXY_CONTAINER, Pod
from analyzer.mesh.resource import Node, Resource
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.mesh.source import YamlList, YamlMap

_SETTING = re.compile(r"(?P<name>[A-Za-z]+)(?:\[(?P<where>[^\[\]]*)\])?=(?P<value>.*)")
_SECURITY = "security.istio.io"
_POD_KIND, _POLICY_KIND = "Pod", "PeerAuthentication"
# istiod takes a pod with this label for one that ends Istio's mutual TLS.
_TLS_MODE = "security.istio.io/tlsMode"
# Where the resources that have an export keep it (Service: annotation; the others: spec.exportTo).
_EXPORT_ANNOTATION = "networking.istio.io/exportTo"
# A namespace (RFC 1123), or what stands for the own, all, or none.
_EXPORT_TARGET = re.compile(r"[.*~]|[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_EXPORTED = ("Service", "ServiceEntry", "VirtualService", "DestinationRule")

Documents = Mapping[Key, Node | None]


class Setting(Fact, frozen=True):
    """One preset: ``text`` as written, ``where`` empty for the whole mesh, else ``NS`` or ``NS/NAME``."""

    text: str
    name: str
    where: str
    value: str

    @property
    def namespace(self) -> str:
        """The namespace that it is for; empty for all."""
        return self.where.partition("/")[0]

    @property
    def own(self) -> str:
        """The name of the one resource that it is for; empty for all."""
        return self.where.partition("/")[2]

    def means(self, resource: Resource) -> bool:
        """Whether it is for a resource."""
        return self.namespace in ("", resource.namespace) and self.own in ("", resource.name)


def with_settings(mesh: MeshSnapshot, texts: Iterable[str]) -> MeshSnapshot:
    """``mesh`` after each of the presets; raises ``UsageError`` for one that is none, or that means nothing in it."""
    for text in texts:
        setting = _parse(text)
        documents = PRESETS[setting.name](mesh, setting)
        if not documents:
            raise UsageError(f"--set {text}: the mesh has nothing that it is for{_meant(mesh, setting)}")
        mesh = with_documents(mesh, documents)
    return mesh


def _parse(text: str) -> Setting:
    match = _SETTING.fullmatch(text)
    if match is None or match["name"] not in PRESETS:
        meant = hint(match["name"], PRESETS) if match else ""
        raise UsageError(f"--set: found {text!r}, expected NAME=VALUE or NAME[NS/NAME]=VALUE, NAME one of "
                         f"{', '.join(PRESETS)}{meant}")  # fmt: skip
    return Setting(text, match["name"], match["where"] or "", match["value"])


def _meant(mesh: MeshSnapshot, setting: Setting) -> str:
    """The namespace, or the resource, that is spelled nearly like the one that there is not."""
    if not setting.own:
        return hint(setting.namespace, {resource.namespace for resource in mesh.resources})
    kinds = _EXPORTED if PRESETS[setting.name] is _export else (_POD_KIND,)
    return hint(setting.where, {resource.full_name for resource in mesh.resources if resource.kind in kinds})


def _one_of(setting: Setting, *values: str) -> str:
    if setting.value not in values:
        meant = hint(setting.value, values)
        raise UsageError(f"--set {setting.text}: found {setting.value!r}, expected one of {', '.join(values)}{meant}")
    return setting.value


def _outbound_policy(mesh: MeshSnapshot, setting: Setting) -> Documents:
    mode = _one_of(setting, REGISTRY_ONLY, ALLOW_ANY, ALLOW_ANY_DYNAMIC_DNS)
    if setting.where:
        raise UsageError(f"--set {setting.text}: found [{setting.where}], which only a Sidecar resource can say")
    node = mesh.config.node
    value = _with(node.value, ("outboundTrafficPolicy",), {"mode": mode})
    return {MESH_CONFIG: _document(node.file or f"--set {setting.text}", value)}


def _mtls(mesh: MeshSnapshot, setting: Setting) -> Documents:
    """The policy that decides at the level of mesh, namespace or workload, with another mode; or one that is new."""
    mode = _one_of(setting, STRICT, PERMISSIVE, DISABLE)
    if setting.namespace and not any(resource.namespace == setting.namespace for resource in mesh.resources):
        return {}
    namespace = setting.namespace or mesh.root_namespace
    selector: Mapping[str, str] = {}
    if setting.own:
        pod = mesh.pod(namespace, setting.own)
        if pod is None:
            return {}
        selector = pod.labels
    policies = sorted(mesh.of(PeerAuthentication), key=lambda each: each.resource.age_key)
    for policy in policies:
        same_level = bool(policy.selector) == bool(setting.own)
        if policy.resource.namespace == namespace and same_level and policy.selector.items() <= selector.items():
            own = policy.resource.body
            return {key_of(policy.resource): _document(own.file, _with(own.value, ("spec", "mtls", "mode"), mode))}
    return _new_policy(setting, namespace, mode, selector)


def _new_policy(setting: Setting, namespace: str, mode: str, selector: Mapping[str, str]) -> Documents:
    name = f"set-{setting.own or 'default'}"
    spec = {"mtls": {"mode": mode}, **({"selector": {"matchLabels": dict(selector)}} if selector else {})}
    body = {
        "apiVersion": f"{_SECURITY}/v1",
        "kind": _POLICY_KIND,
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }
    return {(_SECURITY, _POLICY_KIND, namespace, name): _document(f"--set {setting.text}", _yaml(body, (1, 1)))}


def _sidecar(mesh: MeshSnapshot, setting: Setting) -> Documents:
    """Pods without their istio-proxy."""
    _one_of(setting, "none")
    pods = [pod for pod in mesh.pods if pod.has_sidecar and setting.means(pod.resource)]
    return {key_of(pod.resource): _document(pod.resource.file, _without_proxy(pod)) for pod in pods}


def _without_proxy(pod: Pod) -> YamlMap:
    body = pod.resource.body.value
    for field in ("containers", "initContainers"):
        found = pod.resource.spec.value.get(field)
        if isinstance(found, YamlList):
            body = _with(body, ("spec", field), _kept(found))
    labels = pod.resource.body.node("metadata").node("labels").value
    return _with(body, ("metadata", "labels"), _left(labels, _TLS_MODE)) if _TLS_MODE in labels else body


def _kept(containers: YamlList) -> YamlList:
    kept = YamlList(containers.line, containers.column)
    for item, place in zip(containers, containers.places, strict=True):
        if not (isinstance(item, YamlMap) and item.get("name") == PROXY_CONTAINER):
            kept.append(item)
            kept.places.append(place)
    return kept


def _left(labels: YamlMap, gone: str) -> YamlMap:
    left = YamlMap(labels.line, labels.column)
    for key in labels:
        if key != gone:
            left[key], left.places[key] = labels[key], labels.places[key]
    return left


def _export(mesh: MeshSnapshot, setting: Setting) -> Documents:
    for name in setting.value.split(","):
        if not _EXPORT_TARGET.fullmatch(name.strip()):
            raise UsageError(f"--set {setting.text}: found {name.strip()!r}, expected '.', '*', '~' or a namespace, "
                             "by comma")  # fmt: skip
    found = (r for r in mesh.resources if r.kind in _EXPORTED and setting.means(r))
    return {key_of(r): _document(r.file, _exported(r, setting.value)) for r in found}


def _exported(resource: Resource, value: str) -> YamlMap:
    body = resource.body.value
    if resource.kind == "Service":
        return _with(body, ("metadata", "annotations", _EXPORT_ANNOTATION), value)
    return _with(body, ("spec", "exportTo"), [each.strip() for each in value.split(",")])


# What may be set, and the documents that a mesh then has instead of its own.
PRESETS: Mapping[str, Callable[[MeshSnapshot, Setting], Documents]] = {
    "outboundTrafficPolicy": _outbound_policy,
    "mtls": _mtls,
    "sidecar": _sidecar,
    "exportTo": _export,
}


def _document(file: str, value: YamlMap) -> Node:
    return Node(file, value, value, (), [])


def _with(value: YamlMap, path: tuple[str, ...], inner: Any) -> YamlMap:
    """A copy of a mapping with another value at ``path``; a key that is new stands where its parent does."""
    key, rest = path[0], path[1:]
    copied = YamlMap(value.line, value.column)
    copied.update(value)
    copied.places = {**value.places}
    copied.places.setdefault(key, (value.line or 1, value.column or 1))
    below = value.get(key)
    if rest:
        below = below if isinstance(below, YamlMap) else YamlMap(*copied.places[key])
        copied[key] = _with(below, rest, inner)
    else:
        copied[key] = _yaml(inner, copied.places[key])
    return copied


def _yaml(value: Any, place: tuple[int, int]) -> Any:
    """Plain values as if all of them had been read from one place; what was read stays where it stands."""
    if isinstance(value, dict) and not isinstance(value, YamlMap):
        mapping = YamlMap(*place)
        mapping.update((key, _yaml(item, place)) for key, item in value.items())
        mapping.places = dict.fromkeys(mapping, place)
        return mapping
    if isinstance(value, list) and not isinstance(value, YamlList):
        sequence = YamlList(*place)
        sequence.extend(_yaml(item, place) for item in value)
        sequence.places = [place] * len(value)
        return sequence
    return value
