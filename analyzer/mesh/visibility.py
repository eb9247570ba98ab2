"""exportTo: who may see a service, a VirtualService, a DestinationRule (pilot/pkg/model/push_context.go)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from analyzer.mesh.kinds.mesh_config import VISIBLE_IN_NAMESPACE, VISIBLE_NOWHERE
from analyzer.mesh.kinds.virtual_service import VirtualService
from analyzer.mesh.outbound.delegates import merge_delegates
from analyzer.mesh.registry import RegistryService, services_of
from analyzer.mesh.snapshot import MeshSnapshot

PUBLIC = "*"
PRIVATE = "."
NOBODY = "~"


def exports(declared: tuple[str, ...], default: tuple[str, ...], namespace: str) -> frozenset[str]:
    """The namespaces that see something: ``*`` for all, ``~`` for none; ``.`` is replaced by ``namespace``."""
    chosen = declared or default or (PUBLIC,)
    return frozenset(namespace if each == PRIVATE else each for each in chosen)


def is_visible(exported: frozenset[str], namespace: str) -> bool:
    """Whether something that is exported to ``exported`` is seen from ``namespace``."""
    return PUBLIC in exported or namespace in exported


def service_exports(mesh: MeshSnapshot, service: RegistryService) -> frozenset[str]:
    """Who sees a service; ``serviceEntryVisibility`` only ever narrows that."""
    declared = exports(service.export_to, mesh.config.service_export_to, service.namespace)
    visibility = mesh.config.entry_visibility
    if visibility is None or service.kubernetes:
        return declared
    allowed = visibility.of(mesh.namespace_labels(service.namespace))
    if allowed == VISIBLE_NOWHERE:
        return frozenset({NOBODY})
    if allowed == VISIBLE_IN_NAMESPACE:
        return frozenset({service.namespace if is_visible(declared, service.namespace) else NOBODY})
    return declared


def services_visible_to(mesh: MeshSnapshot, namespace: str) -> tuple[RegistryService, ...]:
    """The services that a namespace sees, in istiod's order: private or explicitly exported ones, then public ones."""
    return mesh.memo(("visible-services", namespace), lambda: _visible_services(mesh, namespace))


def _visible_services(mesh: MeshSnapshot, namespace: str) -> tuple[RegistryService, ...]:
    public, narrow = mesh.memo("services-by-export", lambda: _split(mesh))
    return (*narrow.get(namespace, ()), *public)


def _split(
    mesh: MeshSnapshot,
) -> tuple[tuple[RegistryService, ...], Mapping[str, tuple[RegistryService, ...]]]:
    public: list[RegistryService] = []
    narrow: dict[str, list[RegistryService]] = {}
    for service in services_of(mesh):
        exported = service_exports(mesh, service)
        if PUBLIC in exported:
            public.append(service)
        elif NOBODY not in exported:
            for namespace in exported:
                narrow.setdefault(namespace, []).append(service)
    return tuple(public), {namespace: tuple(found) for namespace, found in narrow.items()}


def virtual_services(mesh: MeshSnapshot) -> tuple[VirtualService, ...]:
    """Every VirtualService with hosts, delegates merged in, those of Gateway API routes too; oldest first."""
    return mesh.memo("virtual-services", lambda: _merged(mesh))


def _merged(mesh: MeshSnapshot) -> tuple[VirtualService, ...]:
    found = sorted(mesh.of(VirtualService), key=lambda each: each.resource.age_key)
    delegates = {each.key: each for each in found if not each.hosts}
    merged = []
    for root in found:
        if root.hosts:
            visible = {
                key: is_visible(virtual_service_exports(mesh, each), root.namespace) for key, each in delegates.items()
            }
            merged.append(merge_delegates(root, delegates, visible))
    if mesh.has("ApiRoute"):
        from analyzer.mesh.gateway.api_routes import api_virtual_services

        merged += api_virtual_services(mesh)
    if mesh.has("Ingress"):
        from analyzer.mesh.gateway.ingress import ingress_virtual_services

        merged += ingress_virtual_services(mesh)
    return tuple(sorted(merged, key=lambda each: (each.created, each.name, each.namespace)))


def virtual_service_exports(mesh: MeshSnapshot, virtual_service: VirtualService) -> frozenset[str]:
    """Who sees a VirtualService."""
    return exports(virtual_service.export_to, mesh.config.virtual_service_export_to, virtual_service.namespace)


def ranked_virtual_services(mesh: MeshSnapshot, namespace: str, gateway: str) -> tuple[tuple[VirtualService, ...], ...]:
    """The VirtualServices on a gateway (or ``mesh``) that a namespace sees, in three groups, each oldest first.

    Private ones of the namespace, those that others export to it by name, public ones.
    """
    return mesh.memo(("virtual-services", namespace, gateway), lambda: _ranked(mesh, namespace, gateway))


def _ranked(mesh: MeshSnapshot, namespace: str, gateway: str) -> tuple[tuple[VirtualService, ...], ...]:
    private: list[VirtualService] = []
    exported: list[VirtualService] = []
    public: list[VirtualService] = []
    for each in virtual_services(mesh):
        if gateway not in each.gateways:
            continue
        seen_by = virtual_service_exports(mesh, each)
        if PUBLIC in seen_by:
            public.append(each)
        elif NOBODY not in seen_by and namespace in seen_by:
            (private if each.namespace == namespace else exported).append(each)
    return tuple(private), tuple(exported), tuple(public)


def virtual_services_for_gateway(mesh: MeshSnapshot, namespace: str, gateway: str) -> tuple[VirtualService, ...]:
    """What ``ranked_virtual_services`` gives, for a gateway's proxy: consumer routes of the Gateway API come first."""
    private, exported, public = ranked_virtual_services(mesh, namespace, gateway)
    return (*private, *exported, *_consumer_first(public, namespace))


def _consumer_first(found: Iterable[VirtualService], namespace: str) -> list[VirtualService]:
    return sorted(found, key=lambda each: not (each.gateway_semantics and each.namespace == namespace))
