"""Subsets that routes name: defined by no DestinationRule, or not for every client, or without any pod.

cluster.go: a cluster per subset exists for a proxy where the DestinationRule that it looks up defines the subset.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from analyzer.base.oddity import Code, Family, Level
from analyzer.base.place import YamlPlace
from analyzer.mesh.endpoints import Endpoint, endpoints_of
from analyzer.mesh.kinds.destination_rule import DestinationRule, Subset
from analyzer.mesh.kinds.gateway import Gateway
from analyzer.mesh.kinds.virtual_service import VirtualService
from analyzer.mesh.pod_labels import pods_with_labels
from analyzer.mesh.registry import services_by_host
from analyzer.mesh.selector import labels_match
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.mesh.visibility import is_visible, virtual_service_exports, virtual_services
from analyzer.verdict.lint.destinations import counted_destinations
from analyzer.verdict.lint.evidence import shows_pods
from analyzer.verdict.lint.finding import LintFinding, listing, title
from analyzer.verdict.lint.host_index import services_of_host
from analyzer.verdict.lint.rule_clients import (
    lookup_namespaces,
    rule_host,
    rule_seen_from,
    rules_over,
    service_seen_from,
)

UNDEFINED_SUBSET = Code(
    "undefined-subset",
    Family.FINDING,
    Level.ERROR,
    "a route leads to a subset that no DestinationRule defines for its callers",
    "The cluster of the subset does not exist; requests are answered 503, connections are closed.",
    "Define the subset in a DestinationRule that the callers see: in their namespace, the service's, or the root's.",
)
SUBSET_NOT_FOR_ALL = Code(
    "subset-not-for-all",
    Family.FINDING,
    Level.WARNING,
    "a route leads to a subset that only some of its callers have",
    "Each client uses the first DestinationRule of its own namespace, the service's and the root namespace; levels are "
    "not merged. Where the one that it finds lacks the subset, its requests get 503.",
    "Define the subset in the service's namespace and export it, and remove rules that hide it.",
)
SUBSET_WITHOUT_PODS = Code(
    "subset-without-pods",
    Family.FINDING,
    Level.WARNING,
    "a subset to which a route leads selects no endpoint",
    "The service has endpoints, but none with the subset's labels: the cluster is empty and requests get 503 "
    "`no healthy upstream`.",
    "Compare the subset's labels with those of the pods.",
)
IDLE_SUBSET = Code(
    "idle-subset",
    Family.FINDING,
    Level.INFO,
    "a subset selects no endpoint, and no route leads to it",
    "It does no harm until a route names it.",
)

# Subsets of a wildcard over more services than this are not held against endpoints.
MAX_SERVICES = 100


@dataclass(slots=True)
class _Use:
    """Where routes name a subset of a host: a place of each VirtualService, and the VirtualServices themselves."""

    places: list[YamlPlace] = field(default_factory=list)
    routes: list[VirtualService] = field(default_factory=list)


_Uses = Mapping[tuple[str, str], _Use]


def find_subsets(mesh: MeshSnapshot) -> Iterator[LintFinding]:
    """Findings about subsets that are used, then about those that are defined."""
    uses = _uses(mesh)
    for (host, subset), use in uses.items():
        for vs, place in zip(use.routes, use.places, strict=True):
            yield from _undefined(mesh, vs, host, subset, place)
    for rule in mesh.of(DestinationRule):
        yield from _empty(mesh, rule, uses)


def _uses(mesh: MeshSnapshot) -> dict[tuple[str, str], _Use]:
    found: dict[tuple[str, str], _Use] = {}
    for vs in virtual_services(mesh):
        destinations = [each for rule in vs.http for each in (*counted_destinations(rule.route), *rule.mirrors)] + [
            each for rule in (*vs.tcp, *vs.tls) for each in counted_destinations(rule.route)
        ]
        for destination in destinations:
            if destination.subset and not vs.gateway_semantics:
                use = found.setdefault((destination.host.lower(), destination.subset), _Use())
                use.places.append(destination.place)
                use.routes.append(vs)
    return found


def _undefined(
    mesh: MeshSnapshot, vs: VirtualService, host: str, subset: str, place: YamlPlace
) -> Iterator[LintFinding]:
    if host not in services_by_host(mesh):
        return
    about = title(vs.resource)
    defining = [rule for rule in rules_over(mesh, host) if any(each.name == subset for each in rule.subsets)]
    if not defining:
        rules = [rule.resource.place("spec", "host") for rule in rules_over(mesh, host)]
        sentence = f"{about}: subset {subset} of {host} is not defined by any DestinationRule"
        yield LintFinding(UNDEFINED_SUBSET, about, sentence, (place, *rules))
        return
    places = (place, *(rule.resource.place("spec", "host") for rule in defining))
    asking = _callers(mesh, vs, host)
    # In a namespace with a rule for some workloads the labels of each client decide who has the subset.
    some = {rule.resource.namespace for rule in defining if rule.workload_selector is not None}
    without = [each for each in asking if each not in some and not _has_subset(mesh, each, host, subset)]
    whom = listing(without)
    if without and len(without) == len(asking):
        sentence = f"{about}: subset {subset} of {host} is defined where no caller looks (asked from {whom})"
        yield LintFinding(UNDEFINED_SUBSET, about, sentence, places)
    elif without:
        sentence = f"{about}: subset {subset} of {host} does not exist for clients in {whom}, who do not find that rule"
        yield LintFinding(SUBSET_NOT_FOR_ALL, about, sentence, places)


def _callers(mesh: MeshSnapshot, vs: VirtualService, host: str) -> list[str]:
    """The namespaces that may use a VirtualService's route to a host, one for each way to look rules up."""
    found: set[str] = set()
    if vs.for_mesh:
        seen_by = virtual_service_exports(mesh, vs)
        found = {each for each in lookup_namespaces(mesh, host) if is_visible(seen_by, each)}
    gateways = mesh.memo("lint-gateway-homes", lambda: _gateway_homes(mesh)) if not vs.for_mesh else {}
    return sorted(found.union(*(gateways.get(name, ()) for name in vs.gateways)))


def _gateway_homes(mesh: MeshSnapshot) -> dict[str, frozenset[str]]:
    """The namespaces of the pods that serve each Gateway."""
    return {
        gateway.full_name: frozenset(
            pod.namespace for pod in pods_with_labels(mesh, None, gateway.selector) if pod.is_gateway
        )
        for gateway in mesh.of(Gateway)
    }


def _has_subset(mesh: MeshSnapshot, namespace: str, host: str, subset: str) -> bool:
    service = service_seen_from(mesh, namespace, host)
    rule = rule_seen_from(mesh, namespace, service) if service is not None else None
    return rule is not None and rule.subset(subset) is not None


def _empty(mesh: MeshSnapshot, rule: DestinationRule, uses: _Uses) -> Iterator[LintFinding]:
    """Subsets of a rule without endpoints, where the host has some."""
    if not rule.subsets:
        return
    host = rule_host(rule)
    services = services_of_host(mesh, host)
    if len(services) > MAX_SERVICES or any(not shows_pods(mesh, service.namespace) for service in services):
        return
    endpoints = list(_endpoints(mesh, host))
    for subset in rule.subsets if endpoints else ():
        if any(labels_match(subset.labels, endpoint.labels) for endpoint in endpoints):
            continue
        yield _no_pods(rule, subset, host, uses.get((host, subset.name)))


def _endpoints(mesh: MeshSnapshot, host: str) -> Iterator[Endpoint]:
    for service in services_of_host(mesh, host):
        for port in service.ports:
            yield from endpoints_of(mesh, service, port)


def _no_pods(rule: DestinationRule, subset: Subset, host: str, use: _Use | None) -> LintFinding:
    about = title(rule.resource)
    labels = ", ".join(f"{name}={value}" for name, value in subset.labels.items())
    sentence = f"{about}: no endpoint of {host} has the labels of subset {subset.name} ({labels})"
    if use is None:
        return LintFinding(IDLE_SUBSET, about, sentence, (subset.place,))
    routes = listing(title(vs.resource) for vs in use.routes)
    return LintFinding(
        SUBSET_WITHOUT_PODS, about, f"{sentence}, to which {routes} leads", (subset.place, *use.places[:2])
    )
