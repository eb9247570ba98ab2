"""What stands in namespaces that istiod does not watch (MeshConfig ``discoverySelectors``)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from analyzer.base.oddity import Code, Family, Level
from analyzer.mesh.resource import Resource
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.verdict.lint.finding import LintFinding, counted, listing

HIDDEN_NAMESPACE = Code(
    "hidden-namespace",
    Family.FINDING,
    Level.WARNING,
    "a namespace with Istio resources or sidecars is not selected by discoverySelectors, so istiod does not see it",
    "Its Services, endpoints, routes and policies do not exist for the mesh; its sidecars get what istiod knows of the "
    "rest.",
    "Label the namespace so that a discoverySelector fits it, or move the resources.",
)
_ISTIO_GROUPS = ("networking.istio.io", "security.istio.io", "gateway.networking.k8s.io")


def find_hidden_namespaces(mesh: MeshSnapshot) -> Iterator[LintFinding]:
    """A finding for each hidden namespace in which something expects to be seen."""
    if not mesh.config.discovery_selectors:
        return
    expecting = [each for each in mesh.resources if each.namespace and each.group in _ISTIO_GROUPS]
    expecting += [pod.resource for pod in mesh.pods if pod.has_sidecar]
    lost: dict[str, list[Resource]] = {}
    for resource in expecting:
        if not mesh.sees(resource.namespace) and resource.namespace not in mesh.unlabelled:
            lost.setdefault(resource.namespace, []).append(resource)
    selectors = mesh.config.place("discoverySelectors")
    for namespace, resources in sorted(lost.items()):
        kinds = Counter("pod with a sidecar" if each.kind == "Pod" else each.kind for each in resources)
        what = listing((counted(number, kind, _plural(kind)) for kind, number in sorted(kinds.items())), 6)
        sentence = f"Namespace {namespace}: discoverySelectors do not select it, so istiod does not see {what} there"
        places = (resources[0].place("metadata", "name"), *([selectors] if selectors else []))
        yield LintFinding(HIDDEN_NAMESPACE, f"Namespace {namespace}", sentence, places)


def _plural(kind: str) -> str:
    if kind.startswith("pod"):
        return kind.replace("pod", "pods")
    return f"{kind[:-1]}ies" if kind.endswith("y") and not kind.endswith("ay") else f"{kind}s"
