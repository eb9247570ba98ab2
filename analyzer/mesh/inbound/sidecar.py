"""The ingress listeners of the Sidecar that holds for a pod (istio model/push_context.go doGetSidecarScope)."""

from __future__ import annotations

from collections.abc import Mapping

from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.kinds.sidecar import IngressListener, Sidecar
from analyzer.mesh.selector import labels_match
from analyzer.mesh.snapshot import MeshSnapshot


def sidecar_of(mesh: MeshSnapshot, namespace: str, labels: Mapping[str, str]) -> Sidecar | None:
    """The one Sidecar that holds for a workload, or None.

    Those of its namespace with a selector come first, then those without, then the root namespace's without; in each
    group the oldest.
    """
    own = [each for each in _by_age(mesh) if each.resource.namespace == namespace]
    root = [each for each in _by_age(mesh) if each.resource.namespace == mesh.root_namespace]
    candidates = [each for each in own if each.selector and labels_match(each.selector, labels)]
    candidates += [each for each in own if not each.selector]
    candidates += [each for each in root if not each.selector]
    return candidates[0] if candidates else None


def ingress_of(mesh: MeshSnapshot, pod: Pod) -> Mapping[int, IngressListener]:
    """The ingress listeners that take redirected connections to ``pod``, by port; empty without any.

    A listener that binds to its port itself (``captureMode: NONE``) takes no redirected connection.
    """
    sidecar = sidecar_of(mesh, pod.namespace, pod.labels)
    found: dict[int, IngressListener] = {}
    for listener in sidecar.ingress if sidecar else ():
        found.setdefault(listener.port.number, listener)
    return found


def _by_age(mesh: MeshSnapshot) -> list[Sidecar]:
    return mesh.memo("sidecars-by-age", lambda: sorted(mesh.of(Sidecar), key=lambda each: each.resource.age_key))
