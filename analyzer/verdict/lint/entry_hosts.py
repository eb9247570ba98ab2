"""ServiceEntries that take a host name away from somebody else.

sidecar.go: of a host that several namespaces declare, a client gets that of its own namespace, else a Kubernetes
Service, else the oldest; httproute.go: a full host name comes before the short forms of another.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.base.oddity import Code, Family, Level
from analyzer.mesh.kinds.service_entry import ServiceEntry
from analyzer.mesh.port_protocol import AUTO, HTTP_FAMILY
from analyzer.mesh.registry import RegistryService, services_by_host
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.mesh.visibility import PUBLIC, service_exports
from analyzer.verdict.lint.finding import LintFinding, listing, title
from analyzer.verdict.lint.host_index import full_name_of

ENTRY_OVER_SERVICE = Code(
    "entry-over-service",
    Family.FINDING,
    Level.WARNING,
    "a ServiceEntry declares the host of a Kubernetes Service",
    "Clients in the ServiceEntry's own namespace are given the entry, all others the Service; clusters are always the "
    "Service's. Ports and addresses of the entry may then lead to clusters that do not exist.",
    "Use another host for the entry, or change the Service itself.",
)
ENTRY_HOST_CONFLICT = Code(
    "entry-host-conflict",
    Family.FINDING,
    Level.WARNING,
    "several namespaces declare one host with a ServiceEntry",
    "A client gets the entry of its own namespace, else the oldest that it sees; the others do not count for it, "
    "ports, endpoints and resolution included.",
    "Keep one entry, or limit each to its namespace with exportTo.",
)
ENTRY_TAKES_SHORT_NAME = Code(
    "entry-takes-short-name",
    Family.FINDING,
    Level.WARNING,
    "a ServiceEntry's host is the short name of a Kubernetes Service, which loses it",
    "In a sidecar's routes a full host name comes before the short forms of another; requests for the Service by that "
    "name go to the entry.",
    "Use a full host name for the entry.",
)


def find_entry_hosts(mesh: MeshSnapshot) -> Iterator[LintFinding]:
    """A finding for each host of a ServiceEntry that somebody else has too."""
    for host, services in services_by_host(mesh).items():
        entries = _one_each(each for each in services if isinstance(each.source, ServiceEntry))
        if not entries:
            continue
        owner = next((each for each in services if each.kubernetes), None)
        if owner is not None:
            yield from (_over_service(host, entry, owner) for entry in entries)
        yield from _between_namespaces(mesh, host, entries)
        yield from _short_names(mesh, host, entries)


def _one_each(services: Iterator[RegistryService]) -> list[RegistryService]:
    """One of the services that an entry with several addresses makes."""
    return list({each.resource.full_name: each for each in services}.values())


def _over_service(host: str, entry: RegistryService, owner: RegistryService) -> LintFinding:
    about = title(entry.resource)
    same = entry.namespace == owner.namespace
    effect = "the two are mixed" if same else f"clients in {entry.namespace} get the entry instead"
    sentence = f"{about}: {host} is the host of {title(owner.resource)} too; {effect}"
    return LintFinding(ENTRY_OVER_SERVICE, about, sentence, (entry.resource.place("spec", "hosts"), owner.place))


def _between_namespaces(mesh: MeshSnapshot, host: str, entries: list[RegistryService]) -> Iterator[LintFinding]:
    """Entries that others see too, of different namespaces: the oldest is everybody else's."""
    public = [each for each in entries if PUBLIC in service_exports(mesh, each)]
    first, others = public[:1], [each for each in public[1:] if each.namespace != public[0].namespace]
    for other in others:
        about = title(other.resource)
        oldest = title(first[0].resource)
        sentence = f"{about}: {host} only means this entry in namespace {other.namespace}; elsewhere it is {oldest}'s"
        places = other.resource.place("spec", "hosts"), first[0].resource.place("spec", "hosts")
        yield LintFinding(ENTRY_HOST_CONFLICT, about, sentence, places)


def _short_names(mesh: MeshSnapshot, host: str, entries: list[RegistryService]) -> Iterator[LintFinding]:
    full = full_name_of(mesh, host)
    for entry in entries if full else ():
        owner = services_by_host(mesh)[full][0]
        shared = sorted(_http_ports(entry) & _http_ports(owner))
        if shared:
            about = title(entry.resource)
            ports = listing(map(str, shared))
            sentence = f"{about}: requests for {host} on port {ports} go here instead of to {title(owner.resource)}"
            yield LintFinding(
                ENTRY_TAKES_SHORT_NAME, about, sentence, (entry.resource.place("spec", "hosts"), owner.place)
            )


def _http_ports(service: RegistryService) -> set[int]:
    return {port.number for port in service.ports if port.protocol in HTTP_FAMILY or port.protocol == AUTO}
