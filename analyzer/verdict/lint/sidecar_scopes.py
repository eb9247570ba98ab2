"""Sidecars that hide from their pods what the same namespace configures for them.

sidecar.go: a VirtualService counts where one of its hosts is imported from its namespace, a DestinationRule where the
service that it is for is imported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from analyzer.base.oddity import Code, Family, Level
from analyzer.mesh.hosts import hosts_overlap, is_subset, is_wildcard
from analyzer.mesh.kinds.destination_rule import DestinationRule
from analyzer.mesh.kinds.sidecar import Sidecar
from analyzer.mesh.kinds.virtual_service import VirtualService
from analyzer.mesh.registry import services_by_host
from analyzer.mesh.resource import Resource
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.mesh.visibility import virtual_services
from analyzer.verdict.lint.evidence import has_clients
from analyzer.verdict.lint.finding import LintFinding, listing, title
from analyzer.verdict.lint.rule_clients import rule_host

HIDDEN_VIRTUAL_SERVICE = Code(
    "hidden-virtual-service",
    Family.FINDING,
    Level.WARNING,
    "a Sidecar keeps a VirtualService of its own namespace from the pods there",
    "A Sidecar's egress hosts say which VirtualServices its pods are given: NAMESPACE/HOST with the VirtualService's "
    "namespace. One of whose hosts none is listed has no effect.",
    "Add ./HOST to the Sidecar's egress hosts.",
)
HIDDEN_RULE = Code(
    "hidden-rule",
    Family.FINDING,
    Level.WARNING,
    "a Sidecar keeps a service from the pods for which its namespace has a DestinationRule",
    "A DestinationRule in the client's namespace only counts for services that the client is told of.",
    "Add the service as NAMESPACE/HOST to the Sidecar's egress hosts.",
)


def find_sidecar_scopes(mesh: MeshSnapshot) -> Iterator[LintFinding]:
    """Findings about namespaces all of whose pods are under Sidecars that hide something from all of them."""
    hiding = _hiding(mesh)
    for vs in virtual_services(mesh):
        sidecars = hiding.get(vs.namespace, ())
        if sidecars and _is_for_own_clients(mesh, vs) and not any(_imports_any(each, vs) for each in sidecars):
            yield _finding(HIDDEN_VIRTUAL_SERVICE, vs.resource, listing(vs.hosts), sidecars, "hosts")
    for rule in mesh.of(DestinationRule):
        sidecars = hiding.get(rule.resource.namespace, ())
        host = rule_host(rule)
        services = services_by_host(mesh).get(host, ()) if sidecars else ()
        homes = {service.namespace for service in services}
        if not homes or rule.resource.namespace in homes:
            continue
        if not any(_imports(each, home, host) for each in sidecars for home in homes):
            yield _finding(HIDDEN_RULE, rule.resource, host, sidecars, "host")


def _hiding(mesh: MeshSnapshot) -> Mapping[str, Sequence[Sidecar]]:
    """The Sidecars of each namespace that has one for all of its pods, so that each of them is under one.

    A namespace without a Sidecar of that kind, or where one takes everything, hides nothing from all.
    """
    found: dict[str, list[Sidecar]] = {}
    for sidecar in mesh.of(Sidecar):
        found.setdefault(sidecar.resource.namespace, []).append(sidecar)
    return {
        namespace: sidecars
        for namespace, sidecars in found.items()
        if any(not each.selector for each in sidecars)
        and all(each.egress for each in sidecars)
        and has_clients(mesh, namespace)
    }


def _is_for_own_clients(mesh: MeshSnapshot, vs: VirtualService) -> bool:
    """Whether a VirtualService is for sidecars, and not for those of others that call its namespace's services."""
    if not vs.for_mesh or vs.gateway_semantics:
        return False
    services = [each for host in vs.hosts for each in services_by_host(mesh).get(host.lower(), ())]
    private = set(vs.export_to) in ({"."}, {vs.namespace})
    return private or (bool(services) and all(each.namespace != vs.namespace for each in services))


def _imports_any(sidecar: Sidecar, vs: VirtualService) -> bool:
    return any(_imports(sidecar, vs.namespace, host.lower()) for host in vs.hosts)


def _imports(sidecar: Sidecar, namespace: str, host: str) -> bool:
    """Whether an egress listener names a host in a namespace; a VirtualService's wildcard overlaps what it covers."""
    overlaps = hosts_overlap if is_wildcard(host) else is_subset
    for listener in sidecar.egress:
        for each in listener.hosts:
            scope, _, name = each.partition("/")
            wanted = sidecar.resource.namespace if scope == "." else scope
            if wanted in ("*", namespace) and overlaps(host, name):
                return True
    return False


def _finding(code: Code, resource: Resource, host: str, sidecars: Sequence[Sidecar], field: str) -> LintFinding:
    about = title(resource)
    names = listing(title(each.resource) for each in sidecars)
    verb = "does" if len(sidecars) == 1 else "do"
    sentence = f"{about}: {names} {verb} not import {host}, so pods in {resource.namespace} are not told of it"
    places = (resource.place("spec", field), *(each.resource.place("spec", "egress") for each in sidecars[:2]))
    return LintFinding(code, about, sentence, places)
