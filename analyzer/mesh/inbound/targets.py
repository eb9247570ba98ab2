"""Which services a pod stands behind, on which of its ports (kube/controller GetProxyServiceTargets)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from analyzer.base.fact import Fact
from analyzer.mesh.endpoints import endpoints_of, healthy_workloads, named_port, workload_port
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.kinds.service import Service
from analyzer.mesh.kinds.service_entry import ServiceEntry
from analyzer.mesh.kinds.workload_entry import WorkloadEntry
from analyzer.mesh.port_protocol import UDP
from analyzer.mesh.registry import CLIENT_SIDE, RegistryPort, RegistryService, services_by_namespace
from analyzer.mesh.selector import labels_match
from analyzer.mesh.snapshot import MeshSnapshot


class ServiceTarget(Fact, frozen=True):
    """A service's port that leads to ``port`` of the pod."""

    service: RegistryService
    service_port: RegistryPort
    port: int

    @property
    def name(self) -> str:
        """``host:port`` of the service."""
        return f"{self.service.hostname}:{self.service_port.number}"


def service_targets(mesh: MeshSnapshot, pod: Pod) -> tuple[ServiceTarget, ...]:
    """Every service port that leads to the pod: oldest service first, then by host, then in the order of its ports.

    Kubernetes Services and ServiceEntries of other namespaces do not count, whatever their endpoints say.
    """

    def build() -> tuple[ServiceTarget, ...]:
        targets = [*_kubernetes(mesh, pod), *_entries(mesh, pod)]
        return tuple(sorted(targets, key=lambda t: (t.service.resource.created, t.service.hostname)))

    return mesh.memo(("service-targets", pod.full_name), build)


def _kubernetes(mesh: MeshSnapshot, pod: Pod) -> Iterator[ServiceTarget]:
    workload = _workload_entry(mesh, pod)
    if workload is not None:
        services = _selecting(mesh, workload.resource.namespace, workload.endpoint.labels)
        yield from _of_workload(workload, services)
        return
    selecting = _selecting(mesh, pod.namespace, pod.labels)
    if not selecting:
        yield from _by_endpoints(mesh, pod)
        return
    for service in selecting:
        for port in service.ports:
            target = _find_port(pod, service, port)
            if target:
                yield ServiceTarget(service, port, target)


def _own(mesh: MeshSnapshot, namespace: str, kind: type[Service | ServiceEntry]) -> list[RegistryService]:
    """The services of a namespace that were made from such resources, oldest first."""

    def build() -> list[RegistryService]:
        services = services_by_namespace(mesh).get(namespace, ())
        return [service for service in services if isinstance(service.source, kind)]

    return mesh.memo(("own-services", namespace, kind), build)


def _selecting(mesh: MeshSnapshot, namespace: str, labels: Mapping[str, str]) -> list[RegistryService]:
    """The Kubernetes Services of a namespace whose selectors take such labels, oldest first."""
    by_label = mesh.memo(("services-by-label", namespace), lambda: _by_label(_own(mesh, namespace, Service)))
    found = [
        each for label in labels.items() for each in by_label.get(label, ()) if labels_match(_selector(each), labels)
    ]
    return sorted(found, key=lambda service: service.index)


def _by_label(services: Iterable[RegistryService]) -> dict[tuple[str, str], list[RegistryService]]:
    """Services by one label of their selectors, so that not every selector need be held against a pod."""
    found: dict[tuple[str, str], list[RegistryService]] = {}
    for service in services:
        for label in list(_selector(service).items())[:1]:
            found.setdefault(label, []).append(service)
    return found


def _selector(service: RegistryService) -> Mapping[str, str]:
    # Without a selector the endpoints are somebody else's; an ExternalName has none.
    return {} if service.external else service.selector or {}


def _by_endpoints(mesh: MeshSnapshot, pod: Pod) -> Iterable[ServiceTarget]:
    """Where no selector takes the pod: what the endpoint slices of its namespace say of its first address."""
    namespace = pod.namespace
    found = mesh.memo(("targets-by-address", namespace), lambda: _by_address(mesh, _own(mesh, namespace, Service)))
    return found.get(pod.ips[0], ()) if pod.ips else ()


def _by_address(mesh: MeshSnapshot, services: Iterable[RegistryService]) -> dict[str, list[ServiceTarget]]:
    found: dict[str, list[ServiceTarget]] = {}
    for service in services:
        for port in service.ports:
            for endpoint in endpoints_of(mesh, service, port):
                found.setdefault(endpoint.address, []).append(ServiceTarget(service, port, endpoint.port))
    return found


def _find_port(pod: Pod, service: RegistryService, port: RegistryPort) -> int:
    """The pod's port: a number as it is, a name by the container port of that name and transport; 0 where none."""
    if isinstance(port.target, int):
        return port.target
    source = service.source
    assert isinstance(source, Service)
    transport = next((p.protocol for p in source.ports if p.name == port.name and p.port == port.number), "TCP")
    return named_port(pod, port.target, (transport,))


def _workload_entry(mesh: MeshSnapshot, pod: Pod) -> WorkloadEntry | None:
    """The WorkloadEntry that has the pod's address: it stands in its place (workloadinstances GetInstanceForProxy).

    Of several that of the pod's name, else the first of its namespace, else the first of all.
    """
    found = (entry for entry in healthy_workloads(mesh) if entry.endpoint.address in pod.ips[:1])

    def order(entry: WorkloadEntry) -> tuple[bool, bool, str, str]:
        resource = entry.resource
        return (
            resource.full_name != pod.full_name, resource.namespace != pod.namespace, resource.namespace, resource.name,
        )  # fmt: skip

    return min(found, key=order, default=None)


def _of_workload(workload: WorkloadEntry, services: list[RegistryService]) -> Iterator[ServiceTarget]:
    for service in services:
        if service.resolution != CLIENT_SIDE:
            continue
        for port in service.ports:
            target = workload_port(workload.endpoint, port)
            if port.protocol != UDP and target:
                yield ServiceTarget(service, port, target)


def _entries(mesh: MeshSnapshot, pod: Pod) -> Iterator[ServiceTarget]:
    for service in _own(mesh, pod.namespace, ServiceEntry):
        for port in service.ports:
            for endpoint in endpoints_of(mesh, service, port):
                if endpoint.address in pod.ips:
                    yield ServiceTarget(service, port, endpoint.port)
