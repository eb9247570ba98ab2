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
# How connection managers read paths and names of headers, among other things.
CONNECTION_SETTINGS = "connectionSettings"


def proxy_setting(mesh: MeshSnapshot, pod: Pod | None, *path: str) -> object:
    """The value at ``path``, of whatever type; the pod's own comes first, None where neither has one."""
    own = _own(pod, path) if pod is not None else None
    return _at(mesh.config.node.node(_DEFAULT).value, path) if own is None else own


def proxy_setting_places(mesh: MeshSnapshot, pod: Pod | None, *path: str) -> tuple[YamlPlace, ...]:
    """Where a setting stands: on the pod, else in the mesh's settings; nowhere where there is none."""
    if pod is not None and _own(pod, path) is not None:
        return (pod.resource.place("spec", "containers"),)
    place = mesh.config.place(_DEFAULT, *path)
    return (place,) if place is not None else ()


def is_set_anywhere(mesh: MeshSnapshot, name: str) -> bool:
    """Whether the mesh, or any pod of its own, has a setting of that name."""
    return mesh.memo(
        ("proxy-setting", name),
        lambda: any(proxy_setting(mesh, pod, name) is not None for pod in (None, *mesh.pods)),
    )


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
