"""STRICT mutual TLS beside pods that have no sidecar: as clients they are refused, as servers they are not covered.

Where a policy decides is asked of the pods themselves (ComposePeerAuthentication), so that only what counts is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field

from analyzer.base.oddity import Code, Family, Level
from analyzer.base.place import YamlPlace
from analyzer.mesh.inbound.mtls import pod_mtls
from analyzer.mesh.kinds.peer_authentication import STRICT, PeerAuthentication
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.verdict.lint.evidence import without_proxy
from analyzer.verdict.lint.finding import LintFinding, counted, listing, title

STRICT_WITHOUT_SIDECARS = Code(
    "strict-without-sidecars",
    Family.FINDING,
    Level.INFO,
    "workloads require mutual TLS, and there are pods without a sidecar that cannot speak it",
    "A pod without a sidecar sends plaintext, which a STRICT workload refuses on every port that its sidecar takes.",
    "Inject a sidecar into the clients, or let the ports that they need be PERMISSIVE with portLevelMtls.",
)
STRICT_NOT_ENFORCED = Code(
    "strict-not-enforced",
    Family.FINDING,
    Level.WARNING,
    "a PeerAuthentication requires mutual TLS of pods that have no sidecar to enforce it",
    "The server's sidecar enforces the policy. Pods without one go on accepting plaintext from everybody.",
    "Inject a sidecar, or do not count on the policy for these pods.",
)

# How many pods a finding cites.
_CITED = 2
# Namespaces into which sidecars are never injected, and whose pods rarely call applications.
_SYSTEM = frozenset({"kube-system", "kube-public", "kube-node-lease", "local-path-storage"})


@dataclass(slots=True)
class _Reach:
    """A policy with the pods whose mode it decides: those with a sidecar, and those without."""

    policy: PeerAuthentication
    covered: list[Pod] = field(default_factory=list)
    uncovered: list[Pod] = field(default_factory=list)


def find_strict_mtls(mesh: MeshSnapshot) -> Iterator[LintFinding]:
    """One finding for each STRICT policy about its clients, one about servers that it does not cover."""
    plain = [pod for pod in without_proxy(mesh.pods) if pod.namespace not in _SYSTEM | {mesh.root_namespace}]
    for reach in _reaches(mesh, {pod.full_name for pod in plain}):
        if reach.covered and plain:
            yield _clients(reach, plain)
        if reach.uncovered and reach.policy.selector:
            yield _servers(reach)


def _reaches(mesh: MeshSnapshot, plain: Set[str]) -> list[_Reach]:
    """The STRICT policies, each with the pods that it decides for."""
    strict = {each.mtls.place: _Reach(each) for each in mesh.of(PeerAuthentication) if each.mtls.mode == STRICT}
    for pod in mesh.pods if strict else ():
        place = pod_mtls(mesh, pod).overall.place
        reach = strict.get(place) if place is not None else None
        if reach is not None and pod.has_sidecar:
            reach.covered.append(pod)
        elif reach is not None and pod.full_name in plain:
            reach.uncovered.append(pod)
    return list(strict.values())


def _clients(reach: _Reach, plain: Sequence[Pod]) -> LintFinding:
    resource = reach.policy.resource
    near_first = sorted(plain, key=lambda pod: pod.namespace != resource.namespace)
    names = listing(pod.full_name for pod in near_first)
    verb = "requires" if len(reach.covered) == 1 else "require"
    sentence = (
        f"{title(resource)}: {counted(len(reach.covered), 'pod')} {verb} mutual TLS, "
        f"which {names} cannot speak without a sidecar"
    )
    return LintFinding(STRICT_WITHOUT_SIDECARS, title(resource), sentence, (reach.policy.mtls.place, *_at(near_first)))


def _servers(reach: _Reach) -> LintFinding:
    resource = reach.policy.resource
    names = listing(pod.full_name for pod in reach.uncovered)
    verb = "has" if len(reach.uncovered) == 1 else "have"
    sentence = f"{title(resource)}: {names} {verb} no sidecar, so plaintext is accepted there all the same"
    return LintFinding(STRICT_NOT_ENFORCED, title(resource), sentence, (reach.policy.mtls.place, *_at(reach.uncovered)))


def _at(pods: Sequence[Pod]) -> tuple[YamlPlace, ...]:
    return tuple(pod.resource.place("metadata", "name") for pod in pods[:_CITED])
