"""Selectors that fit no pod, so that the resource has no effect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from analyzer.base.oddity import Code, Family, Level
from analyzer.mesh.kinds.authorization_policy import AuthorizationPolicy, TargetRef
from analyzer.mesh.kinds.destination_rule import DestinationRule
from analyzer.mesh.kinds.kubernetes_gateway import KubernetesGateway
from analyzer.mesh.kinds.namespace import Namespace
from analyzer.mesh.kinds.peer_authentication import PeerAuthentication
from analyzer.mesh.kinds.request_authentication import RequestAuthentication
from analyzer.mesh.kinds.service_entry import ServiceEntry
from analyzer.mesh.kinds.sidecar import Sidecar
from analyzer.mesh.kinds.workload_entry import WorkloadEntry
from analyzer.mesh.pod_labels import has_pod_with_labels
from analyzer.mesh.resource import Resource
from analyzer.mesh.selector import labels_match
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.verdict.lint.evidence import shows_namespace, shows_pods
from analyzer.verdict.lint.finding import LintFinding, title

SELECTOR_WITHOUT_PODS = Code(
    "selector-without-pods",
    Family.FINDING,
    Level.WARNING,
    "a selector fits no pod, so the resource has no effect",
    "Selectors look at the labels of pods, not of Services or Deployments, in the resource's own namespace; those of "
    "authorization and token policies in the root namespace look at all pods.",
    "Compare the selector with the labels of the pods.",
)
TARGET_MISSING = Code(
    "target-missing",
    Family.FINDING,
    Level.WARNING,
    "a policy is attached to a Gateway that does not exist",
    "A policy with targetRefs counts for what they name in its own namespace, and for no sidecar.",
    "Correct the name, or move the policy to the Gateway's namespace.",
)
_GATEWAY_GROUP = "gateway.networking.k8s.io"


def find_empty_selectors(mesh: MeshSnapshot) -> Iterator[LintFinding]:
    """A finding for each selector that fits nothing, and each target that is not there."""
    for resource, selector, path in _selecting(mesh):
        whole_mesh = resource.kind.startswith(("Auth", "Request")) and resource.namespace == mesh.root_namespace
        if selector and not _fits(mesh, resource.namespace, selector, whole_mesh=whole_mesh):
            about = title(resource)
            labels = ", ".join(f"{name}={value}" for name, value in selector.items())
            where = "" if whole_mesh else f" in {resource.namespace}"
            sentence = f"{about}: no pod{where} has the labels {labels}, so it has no effect"
            yield LintFinding(SELECTOR_WITHOUT_PODS, about, sentence, (resource.place("spec", *path),))
    policies: tuple[AuthorizationPolicy | RequestAuthentication, ...] = (
        *mesh.of(AuthorizationPolicy),
        *mesh.of(RequestAuthentication),
    )
    for policy in policies:
        for target in policy.targets:
            yield from _missing(mesh, policy.resource, target)


def _selecting(mesh: MeshSnapshot) -> Iterator[tuple[Resource, Mapping[str, str], tuple[str, ...]]]:
    """Every resource that may have a selector, with where it stands."""
    for policy in mesh.of(AuthorizationPolicy):
        yield policy.resource, policy.selector, ("selector", "matchLabels")
    for peers in mesh.of(PeerAuthentication):
        # One in the root namespace counts for nobody, whatever it fits.
        if peers.resource.namespace != mesh.root_namespace:
            yield peers.resource, peers.selector, ("selector", "matchLabels")
    for tokens in mesh.of(RequestAuthentication):
        yield tokens.resource, tokens.selector, ("selector", "matchLabels")
    for sidecar in mesh.of(Sidecar):
        yield sidecar.resource, sidecar.selector or {}, ("workloadSelector", "labels")
    for rule in mesh.of(DestinationRule):
        yield rule.resource, rule.workload_selector or {}, ("workloadSelector", "matchLabels")
    for entry in mesh.of(ServiceEntry):
        if entry.selector:
            yield entry.resource, entry.selector, ("workloadSelector", "labels")


def _fits(mesh: MeshSnapshot, namespace: str, selector: Mapping[str, str], *, whole_mesh: bool) -> bool:
    """Whether some pod has the labels; true where the input does not show the pods."""
    if whole_mesh:
        shown = bool(mesh.pods) and bool(mesh.of(Namespace))
        return not shown or has_pod_with_labels(mesh, None, selector)
    if not shows_pods(mesh, namespace) or has_pod_with_labels(mesh, namespace, selector):
        return True
    workloads = (each for each in mesh.of(WorkloadEntry) if each.resource.namespace == namespace)
    return any(labels_match(selector, each.endpoint.labels) for each in workloads)


def _missing(mesh: MeshSnapshot, resource: Resource, target: TargetRef) -> Iterator[LintFinding]:
    if (target.group, target.kind) != (_GATEWAY_GROUP, "Gateway") or not shows_namespace(mesh, resource.namespace):
        return
    known = {(each.resource.namespace, each.resource.name) for each in mesh.of(KubernetesGateway)}
    if (resource.namespace, target.name) not in known:
        about = title(resource)
        sentence = f"{about}: there is no Gateway {resource.namespace}/{target.name} to be attached to"
        key = "targetRefs" if "targetRefs" in resource.spec else "targetRef"
        yield LintFinding(TARGET_MISSING, about, sentence, (resource.place("spec", key),))
