"""Pods by namespace and label, so that a selector need not be held against every pod."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.selector import labels_match
from analyzer.mesh.snapshot import MeshSnapshot

# A namespace (None stands for all of them), a label and its value.
_Key = tuple[str | None, str, str]


def pods_in(mesh: MeshSnapshot, namespace: str) -> tuple[Pod, ...]:
    """The pods of a namespace, in the order of the input."""
    return mesh.memo("pods-by-namespace", lambda: _group(mesh)).get(namespace, ())


def pods_with_labels(mesh: MeshSnapshot, namespace: str | None, labels: Mapping[str, str]) -> tuple[Pod, ...]:
    """The pods of a namespace (None: of all) that have all of ``labels``, in the order of the input; all for none."""
    if not labels:
        return mesh.pods if namespace is None else pods_in(mesh, namespace)
    return tuple(pod for pod in _candidates(mesh, namespace, labels) if labels_match(labels, pod.labels))


def has_pod_with_labels(mesh: MeshSnapshot, namespace: str | None, labels: Mapping[str, str]) -> bool:
    """Whether there is such a pod at all."""
    if not labels:
        return bool(pods_with_labels(mesh, namespace, labels))
    return any(labels_match(labels, pod.labels) for pod in _candidates(mesh, namespace, labels))


def _candidates(mesh: MeshSnapshot, namespace: str | None, labels: Mapping[str, str]) -> Sequence[Pod]:
    """The pods that have the rarest of the labels."""
    index = mesh.memo("pods-by-label", lambda: _index(mesh))
    return min((index.get((namespace, *label), ()) for label in labels.items()), key=len)


def _group(mesh: MeshSnapshot) -> dict[str, tuple[Pod, ...]]:
    found: dict[str, list[Pod]] = {}
    for pod in mesh.pods:
        found.setdefault(pod.namespace, []).append(pod)
    return {namespace: tuple(pods) for namespace, pods in found.items()}


def _index(mesh: MeshSnapshot) -> Mapping[_Key, Sequence[Pod]]:
    found: dict[_Key, list[Pod]] = {}
    for pod in mesh.pods:
        for name, value in pod.labels.items():
            found.setdefault((pod.namespace, name, value), []).append(pod)
            found.setdefault((None, name, value), []).append(pod)
    return found
