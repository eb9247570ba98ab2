"""Which of the user's additions a proxy is given (pilot/pkg/model/push_context.go, extensions.go)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from analyzer.mesh.kinds.envoy_filter import EnvoyFilter
from analyzer.mesh.kinds.proxy_config import ProxyConfig
from analyzer.mesh.kinds.traffic_extension import TrafficExtension
from analyzer.mesh.policy.selection import AttachablePolicy, applies_to
from analyzer.mesh.proxy import Proxy
from analyzer.mesh.selector import labels_match
from analyzer.mesh.snapshot import MeshSnapshot

Attachable = TypeVar("Attachable", bound=AttachablePolicy)


def envoy_filters(mesh: MeshSnapshot, proxy: Proxy) -> tuple[EnvoyFilter, ...]:
    """The EnvoyFilters of a proxy: those of the root namespace first, each group in the order of age."""
    return _selected(mesh, proxy, EnvoyFilter)


def traffic_extensions(mesh: MeshSnapshot, proxy: Proxy) -> tuple[TrafficExtension, ...]:
    """The WasmPlugins and TrafficExtensions of a proxy, in the same order."""
    return _selected(mesh, proxy, TrafficExtension)


def proxy_configs(mesh: MeshSnapshot, proxy: Proxy) -> tuple[ProxyConfig, ...]:
    """The ProxyConfigs of a proxy, from the weakest: the mesh's, its namespace's, its own by labels."""

    def find() -> tuple[ProxyConfig, ...]:
        found = [
            each
            for each in mesh.of(ProxyConfig)
            if each.resource.namespace in (mesh.root_namespace, proxy.namespace)
            and labels_match(each.selector, proxy.label_map)
        ]
        found.sort(key=lambda c: (c.resource.namespace == proxy.namespace, bool(c.selector), c.resource.age_key))
        return tuple(found)

    return _once(mesh, proxy, "proxy-configs", find)


def _selected(mesh: MeshSnapshot, proxy: Proxy, kind: type[Attachable]) -> tuple[Attachable, ...]:
    root = mesh.root_namespace

    def find() -> tuple[Attachable, ...]:
        found = [
            each
            for each in mesh.of(kind)
            if each.resource.namespace in (root, proxy.namespace) and applies_to(each, proxy.namespace, proxy.label_map)
        ]
        return tuple(sorted(found, key=lambda each: (each.resource.namespace != root, each.resource.age_key)))

    return _once(mesh, proxy, kind.__name__, find)


Found = TypeVar("Found")


def _once(mesh: MeshSnapshot, proxy: Proxy, what: str, find: Callable[[], Found]) -> Found:
    return mesh.memo(("extensions", what, proxy.namespace, proxy.labels), find)
