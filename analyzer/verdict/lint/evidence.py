"""What the input shows of the mesh, and what it leaves out: nobody is blamed for what was merely not given.

Lint runs over whole clusters and over a few manifests in a repository alike. A namespace without pods in the input may
have many in the cluster; only where the input looks like all of a cluster does absence mean something.
"""

from __future__ import annotations

from collections.abc import Iterable

from analyzer.mesh.kinds.namespace import Namespace
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.kinds.service import Service
from analyzer.mesh.pod_labels import pods_in
from analyzer.mesh.snapshot import MeshSnapshot


def shows_pods(mesh: MeshSnapshot, namespace: str) -> bool:
    """Whether the pods of a namespace are in the input, so that one that is not there does not exist."""
    return bool(pods_in(mesh, namespace)) or (bool(mesh.pods) and bool(mesh.of(Namespace)))


def shows_services(mesh: MeshSnapshot, namespace: str) -> bool:
    """Whether the Services of a namespace are in the input."""
    shown = mesh.memo("lint-services-shown", lambda: frozenset(each.namespace for each in mesh.of(Service)))
    return namespace in shown or (bool(shown) and bool(mesh.of(Namespace)))


def shows_namespace(mesh: MeshSnapshot, namespace: str) -> bool:
    """Whether the input holds what is in a namespace: something of it, or a whole cluster."""
    shown = mesh.memo("lint-namespaces-shown", lambda: frozenset(each.namespace for each in mesh.resources))
    return namespace in shown or bool(mesh.of(Namespace))


def shows_gateway_pods(mesh: MeshSnapshot) -> bool:
    """Whether the pods of gateways are in the input."""
    return mesh.memo(
        "lint-gateway-pods", lambda: any(pod.is_gateway for pod in mesh.pods) or bool(mesh.pods and mesh.of(Namespace))
    )


def has_proxy(pod: Pod) -> bool:
    """Whether an Envoy of the mesh runs in a pod: a sidecar, or a gateway's."""
    return pod.has_sidecar or pod.is_gateway


def client_namespaces(mesh: MeshSnapshot) -> tuple[str, ...]:
    """Namespaces where something asks istiod for its configuration, sorted; all known ones where no pod is shown."""
    return mesh.memo("lint-client-namespaces", lambda: tuple(sorted(_client_namespaces(mesh))))


def _client_namespaces(mesh: MeshSnapshot) -> set[str]:
    if mesh.pods:
        return {pod.namespace for pod in mesh.pods if has_proxy(pod) and mesh.sees(pod.namespace)}
    return {resource.namespace for resource in mesh.resources if resource.namespace and mesh.sees(resource.namespace)}


def has_clients(mesh: MeshSnapshot, namespace: str) -> bool:
    """Whether something in a namespace uses its configuration; true where the input does not tell."""
    return not shows_pods(mesh, namespace) or namespace in client_namespaces(mesh)


def without_proxy(pods: Iterable[Pod]) -> list[Pod]:
    """The running pods among ``pods`` that have neither a sidecar nor a gateway's proxy."""
    return [pod for pod in pods if not has_proxy(pod) and pod.phase not in ("Succeeded", "Failed")]
