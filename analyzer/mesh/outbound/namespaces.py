"""Of which namespaces istiod may tell sidecars something of their own, and which names mean the same to all clients.

Without a Sidecar the namespace of a client counts where something is not for everybody (exportTo, ``sourceNamespace``),
where its own namespace comes first (DestinationRules, a host that several namespaces have), and where names are
completed by it. Everything else is told to all sidecars alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from analyzer.mesh.hosts import CLUSTER_DOMAIN, alternative_names, is_wildcard, resolve_short_name
from analyzer.mesh.kinds.destination_rule import DestinationRule
from analyzer.mesh.outbound.request import strip_port
from analyzer.mesh.registry import services_by_host, services_of
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.mesh.visibility import PRIVATE, PUBLIC, service_exports, virtual_service_exports, virtual_services

_OF_SERVICES = f".svc.{CLUSTER_DOMAIN}"


def namespaces_apart(mesh: MeshSnapshot) -> frozenset[str]:
    """The namespaces whose sidecars may be told otherwise than those of others, Sidecar resources aside.

    Sidecars of all others are told the same, but for what ``means_the_same`` says of names.
    """
    found = (_by_services, _by_routes, _by_rules)
    return mesh.memo("namespaces-apart", lambda: frozenset(chain.from_iterable(each(mesh) for each in found)))


def _by_services(mesh: MeshSnapshot) -> Iterator[str]:
    for host, services in services_by_host(mesh).items():
        homes = {service.namespace for service in services}
        if len(homes) > 1:
            # Each client takes its own namespace's (sidecar.go).
            yield from homes
        name, _, home = host.removesuffix(_OF_SERVICES).rpartition(".")
        if "." in name and host.endswith(_OF_SERVICES):
            # A resolver completes a name that has a dot to this one.
            yield home
        for service in services:
            seen_by = service_exports(mesh, service)
            if PUBLIC not in seen_by:
                yield from (service.namespace, *seen_by)
            yield from (home for _, home in service.aliases)


def _by_routes(mesh: MeshSnapshot) -> Iterator[str]:
    for each in virtual_services(mesh):
        seen_by = virtual_service_exports(mesh, each)
        if PUBLIC not in seen_by:
            yield from seen_by
        if each.gateway_semantics:
            # A consumer's route of the Gateway API.
            yield each.namespace
        for rule in each.http:
            yield from (match.source_namespace for match in rule.matches)
        for l4 in (*each.tcp, *each.tls):
            yield from (match.source_namespace for match in l4.matches)


def _by_rules(mesh: MeshSnapshot) -> Iterator[str]:
    """Those with DestinationRules that count for their own clients only.

    A rule that all see, for a host that no other namespace has, is found by its own clients first and by others behind
    that, and it is the same one (``destination_rules.py``).
    """
    by_default = PRIVATE not in mesh.config.destination_rule_export_to
    for rule in mesh.of(DestinationRule):
        home = rule.resource.namespace
        host = resolve_short_name(rule.host, home).lower()
        public = PUBLIC in rule.export_to or (by_default and not rule.export_to)
        elsewhere = any(service.namespace != home for service in services_by_host(mesh).get(host, ()))
        if not public or rule.workload_selector is not None or is_wildcard(host) or elsewhere:
            yield home
        if PUBLIC not in rule.export_to:
            yield from rule.export_to


def means_the_same(mesh: MeshSnapshot, name: str) -> bool:
    """Whether a Host, or a server name, leads clients of all namespaces to the same.

    A name without a dot is completed by the client's namespace, and so is ``*.NAME`` of a headless Service
    (``alternative_names``). False also for texts that are no ordinary names.
    """
    host = strip_port(name).lower()
    labels = host.split(".")
    if len(labels) < 2 or "" in labels or ":" in host:
        return False
    return labels[-1] not in mesh.memo("headless-names", lambda: frozenset(_headless_names(mesh)))


def _headless_names(mesh: MeshSnapshot) -> Iterator[str]:
    for service in services_of(mesh):
        for host, home in ((service.hostname, service.namespace), *service.aliases) if service.headless else ():
            yield from (each.lower() for each in alternative_names(host, home) if "." not in each)
