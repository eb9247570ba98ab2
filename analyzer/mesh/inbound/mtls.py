"""Which TLS a workload's sidecar takes, port by port (istio pilot/pkg/security/authn/policy_applier.go)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from analyzer.base.fact import Fact
from analyzer.base.place import YamlPlace
from analyzer.mesh.kinds.peer_authentication import PERMISSIVE, UNSET, MtlsSetting, PeerAuthentication
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.selector import labels_match
from analyzer.mesh.snapshot import MeshSnapshot


class Overruled(Fact, frozen=True):
    """A policy that applies too and lost: its name, why, and its line."""

    name: str
    why: str
    place: YamlPlace


class Mtls(Fact, frozen=True):
    """A mode (STRICT, PERMISSIVE or DISABLE), who set it, and who was overruled. ``place`` None: Istio's default."""

    mode: str
    setter: str
    place: YamlPlace | None
    overruled: tuple[Overruled, ...] = ()


class WorkloadMtls(Fact, frozen=True):
    """The mode of a workload and of the ports for which its own policy says otherwise."""

    overall: Mtls
    ports: Mapping[int, Mtls]

    def at(self, port: int) -> Mtls:
        """The mode for a port of the pod (the target port, not the Service's)."""
        return self.ports.get(port, self.overall)


DEFAULT = Mtls(PERMISSIVE, "Istio's default", None)


def workload_mtls(mesh: MeshSnapshot, namespace: str, labels: Mapping[str, str]) -> WorkloadMtls:
    """The modes of a workload: its own policy, else its namespace's, else the mesh's, else PERMISSIVE.

    UNSET inherits. The oldest policy of a level counts; policies with a selector in the root namespace never do.
    """
    key = ("workload-mtls", namespace, tuple(sorted(labels.items())))
    return mesh.memo(key, lambda: _compose(mesh, namespace, labels))


def pod_mtls(mesh: MeshSnapshot, pod: Pod) -> WorkloadMtls:
    """The modes of a pod."""
    return workload_mtls(mesh, pod.namespace, pod.labels)


def namespace_mtls(mesh: MeshSnapshot, namespace: str) -> Mtls | None:
    """The mode by the policies of a namespace and of the mesh only; None where there are none.

    AuthenticationPolicies.GetNamespaceMutualTLSMode: what clients assume of a Service in the namespace.
    """
    return mesh.memo(("namespace-mtls", namespace), lambda: _of_namespace(mesh, namespace))


def _of_namespace(mesh: MeshSnapshot, namespace: str) -> Mtls | None:
    mesh_wide = _first(_unselective(mesh, mesh.root_namespace))
    own = _first(_unselective(mesh, namespace)) if namespace != mesh.root_namespace else None
    if mesh_wide is None and own is None:
        return None
    return _layer(_layer(DEFAULT, mesh_wide, "the mesh's"), own, "the namespace's")


def _compose(mesh: MeshSnapshot, namespace: str, labels: Mapping[str, str]) -> WorkloadMtls:
    root = mesh.root_namespace
    mode = _layer(DEFAULT, _first(_unselective(mesh, root)), "the mesh's")
    if namespace == root:
        return WorkloadMtls(mode, {})
    siblings = _unselective(mesh, namespace)
    mode = _layer(mode, _first(siblings), "the namespace's", younger=siblings[1:])
    selecting = [p for p in _by_namespace(mesh, namespace) if p.selector and labels_match(p.selector, labels)]
    own = _first(selecting)
    mode = _layer(mode, own, "the workload's", younger=selecting[1:])
    if own is None:
        return WorkloadMtls(mode, {})
    return WorkloadMtls(mode, {port: _of_port(mode, own, port, setting) for port, setting in own.ports.items()})


def _of_port(overall: Mtls, policy: PeerAuthentication, port: int, setting: MtlsSetting) -> Mtls:
    if setting.mode == UNSET:
        return overall
    lost = _overruled(overall, f"its mode for port {port} comes first")
    return Mtls(setting.mode, f"PeerAuthentication {policy.resource.full_name}, port {port}", setting.place, lost)


def _layer(
    outer: Mtls, policy: PeerAuthentication | None, level: str, *, younger: Iterable[PeerAuthentication] = ()
) -> Mtls:
    """The mode after one more level: ``policy`` overrules ``outer`` unless it leaves its mode UNSET."""
    if policy is None or policy.mtls.mode == UNSET:
        return outer
    name = f"PeerAuthentication {policy.resource.full_name}"
    lost = [
        Overruled(f"PeerAuthentication {p.resource.full_name}", f"{policy.resource.full_name} is older", p.mtls.place)
        for p in younger
    ]
    return Mtls(policy.mtls.mode, name, policy.mtls.place, (*lost, *_overruled(outer, f"{level} policy comes first")))


def _overruled(outer: Mtls, why: str) -> tuple[Overruled, ...]:
    if outer.place is None:
        return outer.overruled
    return (Overruled(outer.setter, why, outer.place), *outer.overruled)


def _first(policies: list[PeerAuthentication]) -> PeerAuthentication | None:
    return policies[0] if policies else None


def _unselective(mesh: MeshSnapshot, namespace: str) -> list[PeerAuthentication]:
    return [policy for policy in _by_namespace(mesh, namespace) if not policy.selector]


def _by_namespace(mesh: MeshSnapshot, namespace: str) -> list[PeerAuthentication]:
    """The policies of a namespace, oldest first."""

    def group() -> dict[str, list[PeerAuthentication]]:
        found: dict[str, list[PeerAuthentication]] = {}
        for policy in sorted(mesh.of(PeerAuthentication), key=lambda p: p.resource.age_key):
            found.setdefault(policy.resource.namespace, []).append(policy)
        return found

    return mesh.memo("peer-authentications", group).get(namespace, [])
