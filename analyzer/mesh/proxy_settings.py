"""What a proxy's own ProxyConfig says: annotation ``proxy.istio.io/config`` over the mesh's ``defaultConfig``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache

from analyzer.base.place import YamlPlace
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.snapshot import MeshSnapshot

# Injection writes the annotation, as JSON, into this variable of the proxy.
_PROXY_CONFIG = "PROXY_CONFIG"
_DEFAULT = "defaultConfig"


def proxy_setting(mesh: MeshSnapshot, pod: Pod | None, *path: str) -> object:
    """The value at ``path``, of whatever type; the pod's own comes first, None where neither has one."""
    own = _own(pod, path) if pod is not None else None
    return _at(mesh.config.node.node(_DEFAULT).value, path) if own is None else own


def proxy_setting_place(mesh: MeshSnapshot, pod: Pod, *path: str) -> YamlPlace:
    """Where a setting stands that there is: on the pod, else in the mesh's settings."""
    mesh_wide = mesh.config.place(_DEFAULT, *path)
    return pod.resource.place("spec", "containers") if mesh_wide is None or _own(pod, path) is not None else mesh_wide


def _own(pod: Pod, path: tuple[str, ...]) -> object:
    return _at(_parsed(pod.proxy.environment.get(_PROXY_CONFIG, "") if pod.proxy else ""), path)


def _at(value: object, path: tuple[str, ...]) -> object:
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


@lru_cache(maxsize=1024)
def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
