"""ServiceEntries that take a whole port: without an address, a TCP port is a listener for every destination.

listener.go buildSidecarOutboundListener: such a port binds to 0.0.0.0, and nothing but the port number tells its
connections from those to anywhere else.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.base.oddity import Code, Family, Level
from analyzer.mesh.endpoints import endpoints_of
from analyzer.mesh.kinds.service_entry import ServiceEntry
from analyzer.mesh.port_protocol import AUTO, HTTP_FAMILY, TCP_FAMILY, TLS_FAMILY
from analyzer.mesh.registry import PASSTHROUGH, RegistryPort, RegistryService, services_of
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.mesh.visibility import NOBODY, PUBLIC, service_exports
from analyzer.verdict.lint.finding import LintFinding, listing, title

PORT_TAKEN = Code(
    "port-taken",
    Family.FINDING,
    Level.WARNING,
    "a ServiceEntry without addresses takes every TCP connection on its port, wherever it goes",
    "Without an address the listener is 0.0.0.0:PORT; a connection to any address on that port that has no listener of "
    "its own is sent to the entry's endpoints, under REGISTRY_ONLY as well.",
    "Give the entry addresses, declare the port as TLS or HTTP, or turn on DNS capture with automatic addresses.",
)
PORT_ADOPTED = Code(
    "port-adopted",
    Family.FINDING,
    Level.INFO,
    "a ServiceEntry without addresses and resolution counts for every TCP connection on its port",
    "Connections on that port keep their address, but they are the entry's: its policies apply, and REGISTRY_ONLY lets "
    "them through.",
    "Give the entry addresses where only some destinations are meant.",
)


def find_wildcard_listeners(mesh: MeshSnapshot) -> Iterator[LintFinding]:
    """A finding for each ServiceEntry with such ports."""
    http = mesh.memo("lint-first-http", lambda: _first_http(mesh))
    for service in services_of(mesh):
        if not isinstance(service.source, ServiceEntry) or not _is_everywhere(mesh, service):
            continue
        taken = [port for port in service.ports if _takes_all(mesh, service, port, http)]
        if taken:
            yield _finding(mesh, service, taken)


def _first_http(mesh: MeshSnapshot) -> dict[int, int]:
    """The place in age of the oldest HTTP service that all see, by port."""
    found: dict[int, int] = {}
    for service in services_of(mesh):
        if PUBLIC in service_exports(mesh, service):
            for port in service.ports:
                if port.protocol in HTTP_FAMILY:
                    found.setdefault(port.number, service.index)
    return found


def _is_everywhere(mesh: MeshSnapshot, service: RegistryService) -> bool:
    """Whether clients know no address for a service."""
    captured = service.allocated and mesh.config.dns_capture
    return not service.addresses and not captured and NOBODY not in service_exports(mesh, service)


def _takes_all(mesh: MeshSnapshot, service: RegistryService, port: RegistryPort, http: dict[int, int]) -> bool:
    if port.protocol == AUTO:
        # Beside an older HTTP service only its HTTP requests count, by their Host.
        return http.get(port.number, service.index) >= service.index and not _per_endpoint(mesh, service, port)
    return port.protocol in TCP_FAMILY - TLS_FAMILY and not _per_endpoint(mesh, service, port)


def _per_endpoint(mesh: MeshSnapshot, service: RegistryService, port: RegistryPort) -> bool:
    """Without resolution, but with endpoints, there is a listener for each of them instead."""
    if service.resolution != PASSTHROUGH:
        return False
    return service.selector is not None or bool(endpoints_of(mesh, service, port))


def _finding(mesh: MeshSnapshot, service: RegistryService, taken: list[RegistryPort]) -> LintFinding:
    about = title(service.resource)
    ports = listing((str(port.number) for port in taken), 6)
    seen_by = service_exports(mesh, service)
    whose = "clients" if PUBLIC in seen_by else f"clients in {listing(sorted(seen_by))}"
    what = "TCP connection" if all(port.protocol != AUTO for port in taken) else "connection that is not HTTP"
    yaml = tuple(port.place for port in taken)
    if service.resolution == PASSTHROUGH:
        sentence = f"{about}: every {what} of {whose} to port {ports}, wherever it goes, counts as {service.hostname}"
        return LintFinding(PORT_ADOPTED, about, sentence, yaml)
    sentence = f"{about}: every {what} of {whose} to port {ports}, whatever the address, goes to {service.hostname}"
    return LintFinding(PORT_TAKEN, about, sentence, yaml)
