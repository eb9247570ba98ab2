"""Which services a proxy has clusters for: what its egress listeners import, and where VirtualServices lead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from analyzer.base.fact import replace
from analyzer.mesh.kinds.virtual_service import Destination, VirtualService
from analyzer.mesh.registry import RegistryService, services_by_host
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.mesh.visibility import is_visible, service_exports, services_visible_to

# What an egress listener imports: services, VirtualServices, and the port that services are trimmed to (or 0).
Imports = tuple[Sequence[RegistryService], Sequence[VirtualService], int]


def collect_services(mesh: MeshSnapshot, namespace: str, listeners: Iterable[Imports]) -> dict[str, RegistryService]:
    """Services by host (sidecar.go collectImportedServices): imports first, then destinations of VirtualServices."""
    found: dict[str, RegistryService] = {}
    for services, virtual_services, match_port in listeners:
        for service in services:
            _append(found, service)
        for virtual_service in virtual_services:
            for host, ports in _destinations(virtual_service, namespace).items():
                destination = _pick(mesh, host, namespace)
                trimmed = _trim(destination, {match_port} if match_port else ports) if destination else None
                if trimmed is not None:
                    _append(found, trimmed)
    return found


def services_of_gateways(mesh: MeshSnapshot, namespace: str) -> dict[str, RegistryService]:
    """Services by host as gateways of a namespace know them, of whatever namespaces (DefaultSidecarScopeForGateway)."""
    found: dict[str, RegistryService] = {}
    for service in services_visible_to(mesh, namespace):
        _append(found, service)
    return found


def _destinations(virtual_service: VirtualService, namespace: str) -> Mapping[str, set[int]]:
    """Ports by destination host; port 0 stands for all (virtualServiceDestinationsFilteredBySourceNamespace)."""
    found: dict[str, set[int]] = {}

    def add(destinations: Iterable[Destination]) -> None:
        for each in destinations:
            found.setdefault(each.host, set()).add(each.port or 0)

    for rule in virtual_service.http:
        sources = {match.source_namespace for match in rule.matches if match.source_namespace}
        if not sources or namespace in sources:
            add(rule.route)
            add(rule.mirrors)
    for l4 in (*virtual_service.tcp, *virtual_service.tls):
        add(l4.route)
    return found


def _pick(mesh: MeshSnapshot, host: str, namespace: str) -> RegistryService | None:
    """The service of a host that was not imported: the namespace's own, else Kubernetes', else the oldest visible."""
    candidates = services_by_host(mesh).get(host, ())
    own = [each for each in candidates if each.namespace == namespace]
    if own:
        return next((each for each in own if each.kubernetes), own[0])
    visible = [each for each in candidates if is_visible(service_exports(mesh, each), namespace)]
    return next((each for each in visible if each.kubernetes), visible[0] if visible else None)


def _trim(service: RegistryService, ports: set[int]) -> RegistryService | None:
    if 0 in ports:
        return service
    kept = tuple(port for port in service.ports if port.number in ports)
    if len(kept) == len(service.ports):
        return service
    return replace(service, ports=kept) if kept else None


def _append(found: dict[str, RegistryService], service: RegistryService) -> None:
    """Adds a service, or its ports to the one of that host where both are of one kind (appendSidecarServices)."""
    known = found.get(service.hostname)
    if known is None or (service.kubernetes and not known.kubernetes):
        found[service.hostname] = service
    elif known.kubernetes == service.kubernetes and _can_merge(known, service):
        numbers = {port.number for port in known.ports}
        extra = tuple(port for port in service.ports if port.number not in numbers)
        if extra:
            found[service.hostname] = replace(known, ports=(*known.ports, *extra))


def _can_merge(known: RegistryService, service: RegistryService) -> bool:
    return (
        known.namespace == service.namespace
        and known.resolution == service.resolution
        and known.resource.labels == service.resource.labels
        and known.selector == service.selector
        and set(known.export_to) == set(service.export_to)
    )
