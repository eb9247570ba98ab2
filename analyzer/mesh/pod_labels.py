"""Pods by namespace and label, so that a selector need not be held against every pod."""

from __future__ import annotations

from collections.abc import Mapping

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
    index = mesh.memo("pods-by-label", lambda: _index(mesh))
    fewest = min((index.get((namespace, *label), ()) for label in labels.items()), key=len)
    return tuple(pod for pod in fewest if labels_match(labels, pod.labels))


def _group(mesh: MeshSnapshot) -> dict[str, tuple[Pod, ...]]:
    found: dict[str, list[Pod]] = {}
    for pod in mesh.pods:
        found.setdefault(pod.namespace, []).append(pod)
    return {namespace: tuple(pods) for namespace, pods in found.items()}


def _index(mesh: MeshSnapshot) -> dict[_Key, list[Pod]]:
    found: dict[_Key, list[Pod]] = {}
    for pod in mesh.pods:
        for name, value in pod.labels.items():
            found.setdefault((pod.namespace, name, value), []).append(pod)
            found.setdefault((None, name, value), []).append(pod)
    return found
