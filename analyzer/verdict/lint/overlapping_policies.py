"""Several Sidecars or PeerAuthentications for one workload: only one of them counts.

push_context.go doGetSidecarScope; security/authn/policy_applier.go ComposePeerAuthentication. Among equals the oldest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analyzer.base.oddity import Code, Family, Level
from analyzer.base.place import YamlPlace
from analyzer.mesh.kinds.peer_authentication import UNSET, PeerAuthentication
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.kinds.sidecar import Sidecar
from analyzer.mesh.pod_labels import pods_with_labels
from analyzer.mesh.resource import Resource
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.verdict.lint.finding import LintFinding, title

SIDECAR_CONFLICT = Code(
    "sidecar-conflict",
    Family.FINDING,
    Level.ERROR,
    "two Sidecars are for the same pods, and only the older one counts",
    "A proxy follows exactly one Sidecar: the oldest in its namespace whose selector fits, else the oldest without a "
    "selector, else the root namespace's. Nothing is merged.",
    "Merge them, or give them selectors that do not overlap.",
)
PEER_AUTHENTICATION_CONFLICT = Code(
    "peer-authentication-conflict",
    Family.FINDING,
    Level.WARNING,
    "two PeerAuthentications of one level are for the same pods, and only the older one counts",
    "Per level (mesh, namespace, workload) the oldest policy decides; the others are not merged in.",
    "Keep one per level and workload.",
)
PEER_AUTHENTICATION_IGNORED = Code(
    "peer-authentication-ignored",
    Family.FINDING,
    Level.WARNING,
    "a PeerAuthentication with a selector in the root namespace counts for no workload",
    "In the root namespace only the policy without a selector counts: it is the mesh's.",
    "Put the policy into the namespace of the workloads.",
)

_Selecting = Sidecar | PeerAuthentication


def find_overlapping_policies(mesh: MeshSnapshot) -> Iterator[LintFinding]:
    """A finding for each policy that an older one overrules."""
    yield from _between(mesh, mesh.of(Sidecar), SIDECAR_CONFLICT)
    policies = mesh.of(PeerAuthentication)
    in_root = [each for each in policies if each.selector and each.resource.namespace == mesh.root_namespace]
    for policy in in_root:
        about = title(policy.resource)
        sentence = f"{about}: it has a selector and is in the root namespace, so it counts for no workload"
        place = policy.resource.place("spec", "selector")
        yield LintFinding(PEER_AUTHENTICATION_IGNORED, about, sentence, (place,))
    counted = [each for each in policies if each not in in_root and (each.mtls.mode != UNSET or each.ports)]
    yield from _between(mesh, counted, PEER_AUTHENTICATION_CONFLICT)


def _between(mesh: MeshSnapshot, policies: Sequence[_Selecting], code: Code) -> Iterator[LintFinding]:
    whole: dict[str, _Selecting] = {}
    chosen: dict[str, _Selecting] = {}
    for policy in sorted(policies, key=lambda each: each.resource.age_key):
        namespace = policy.resource.namespace
        if not policy.selector:
            older = whole.setdefault(namespace, policy)
            if older is not policy:
                yield _finding(code, policy.resource, older.resource, f"namespace {namespace}")
            continue
        lost: tuple[Pod, _Selecting] | None = None
        for pod in pods_with_labels(mesh, namespace, policy.selector):
            older = chosen.setdefault(pod.full_name, policy)
            lost = lost or ((pod, older) if older is not policy else None)
        if lost is not None:
            yield _finding(code, policy.resource, lost[1].resource, f"pod {lost[0].full_name}")


def _finding(code: Code, loser: Resource, winner: Resource, where: str) -> LintFinding:
    sentence = f"{title(loser)}: it does not count for {where}: {title(winner)} is older"
    return LintFinding(code, title(loser), sentence, (_selector_place(loser), _selector_place(winner)))


def _selector_place(resource: Resource) -> YamlPlace:
    key = "workloadSelector" if resource.kind == "Sidecar" else "selector"
    return resource.place("spec", key)
