"""Ambient mode: pods without a sidecar whose traffic a ztunnel takes, and waypoints."""

from __future__ import annotations

from analyzer.base.place import YamlPlace
from analyzer.mesh.kinds.namespace import Namespace
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.snapshot import MeshSnapshot

# cni/pkg/util PodRedirectionEnabled: the pod's label, else its namespace's; `none` on the pod opts out.
MODE_LABEL = "istio.io/dataplane-mode"
_AMBIENT = "ambient"


def enrolment(mesh: MeshSnapshot, pod: Pod) -> YamlPlace | None:
    """Where a pod is made part of the ambient mesh, or None where it is not.

    A pod with a proxy of its own never is, unless that is a waypoint.
    """
    if pod.is_waypoint:
        return pod.resource.place("metadata", "name")
    if pod.proxy is not None or pod.host_network:
        return None
    own = pod.labels.get(MODE_LABEL)
    if own is not None:
        return pod.resource.place("metadata", "labels", MODE_LABEL) if own == _AMBIENT else None
    namespace = _namespaces(mesh).get(pod.namespace)
    if namespace is None or namespace.resource.labels.get(MODE_LABEL) != _AMBIENT:
        return None
    return namespace.resource.place("metadata", "labels", MODE_LABEL)


def _namespaces(mesh: MeshSnapshot) -> dict[str, Namespace]:
    return mesh.memo("namespaces", lambda: {each.name: each for each in mesh.of(Namespace)})
