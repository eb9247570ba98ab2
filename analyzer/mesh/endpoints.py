"""The endpoints of a service's port, as istiod collects them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from analyzer.base.fact import Fact, replace
from analyzer.base.place import YamlPlace
from analyzer.mesh.hosts import is_ip
from analyzer.mesh.kinds.endpoint_slice import EndpointSlice, SliceEndpoint
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.kinds.service import Service
from analyzer.mesh.kinds.service_entry import DNS_ROUND_ROBIN, ServiceEntry
from analyzer.mesh.kinds.workload_entry import TLS_MODE_LABEL, UNIX_PREFIX, WorkloadEndpoint, WorkloadEntry
from analyzer.mesh.pod_labels import pods_with_labels
from analyzer.mesh.registry import CLIENT_SIDE, DNS_RESOLUTIONS, RegistryPort, RegistryService, services_by_host
from analyzer.mesh.selector import labels_match
from analyzer.mesh.snapshot import MeshSnapshot

# Labels that istiod adds to those of endpoints, by where they run (serviceregistry/util/label AugmentLabels).
NODE_LABEL = "kubernetes.io/hostname"
LOCALITY_LABELS = "topology.kubernetes.io/region", "topology.kubernetes.io/zone", "topology.istio.io/subzone"
CLUSTER_LABELS = "topology.istio.io/cluster", "topology.istio.io/network"
# Where an object says that itself, the first one first; a dot stands for a slash there.
_OWN_LOCALITY = "topology.istio.io/locality", "istio-locality"


class Endpoint(Fact, frozen=True):
    """One address behind a service port. ``address`` may be a host name (DNS) or a socket path (``port`` 0).

    ``mutual_tls`` is its tlsMode label: its proxy speaks Istio's mutual TLS, whatever policies say. ``pod`` is None
    for addresses that no pod owns. ``healthy`` endpoints are those that a balancer chooses from. ``lost``: the input
    lacks the pod that it names.
    """

    address: str
    port: int
    labels: Mapping[str, str]
    mutual_tls: bool
    healthy: bool
    pod: Pod | None
    namespace: str
    service_account: str
    place: YamlPlace
    lost: bool = False


def endpoints_of(mesh: MeshSnapshot, service: RegistryService, port: RegistryPort) -> tuple[Endpoint, ...]:
    """Every endpoint of a port, not-ready ones too, in the order of the input."""
    return mesh.memo(("endpoints", service.index, port.name, port.number), lambda: _collect(mesh, service, port))


def instances_of(mesh: MeshSnapshot, service: RegistryService, port: RegistryPort) -> tuple[Endpoint, ...]:
    """The endpoints by which istiod itself decides about a port: those of all services of that host and namespace.

    Those of ServiceEntries by the port's number, those of Kubernetes by its name (EndpointShards.CopyEndpoints,
    push_context.go ServiceEndpointsByPort); a host with DNS_ROUND_ROBIN keeps the first one only (serviceentry
    mergeServicesInstancesByNamespaceHost).
    """
    key = ("instances", service.hostname, service.namespace, port.name, port.number)
    return mesh.memo(key, lambda: tuple(_instances(mesh, service, port).values()))


def _instances(mesh: MeshSnapshot, service: RegistryService, port: RegistryPort) -> dict[tuple[str, int], Endpoint]:
    found: dict[tuple[str, int], Endpoint] = {}
    for each in services_by_host(mesh).get(service.hostname, ()):
        if each.namespace != service.namespace:
            continue
        same = next(
            (p for p in each.ports if (p.name == port.name if each.kubernetes else p.number == port.number)), None
        )
        for endpoint in endpoints_of(mesh, each, same) if same is not None else ():
            if not (found and each.resolution == DNS_ROUND_ROBIN):
                found.setdefault((endpoint.address, endpoint.port), endpoint)
    return found


def has_endpoints(mesh: MeshSnapshot, service: RegistryService) -> bool:
    """Whether the input says who is behind a service: without any slice not of Kubernetes Services without selector."""
    return not service.kubernetes or bool(service.selector) or bool(mesh.of(EndpointSlice))


def addresses_of(mesh: MeshSnapshot, hostname: str, port_number: int) -> frozenset[str]:
    """The IP addresses behind a port of a host; empty where there is none, or where only names are known of one."""
    services = services_by_host(mesh).get(hostname, ())
    ports = [(service, port) for service in services if (port := service.port(port_number)) is not None]
    found = frozenset(each.address for pair in ports for each in endpoints_of(mesh, *pair))
    return found if all(map(is_ip, found)) else frozenset()


def may_be_dialled(mesh: MeshSnapshot, address: str) -> bool:
    """Whether a proxy may open a connection to an address by its own choice: some endpoint has it, or only a name."""
    known = dialled_addresses(mesh)
    return address in known or not all(map(is_ip, known))


def dialled_addresses(mesh: MeshSnapshot) -> frozenset[str]:
    """The addresses of all endpoints, some of which may be names."""
    return mesh.memo("dialled-addresses", lambda: frozenset(_dialled(mesh)))


def _dialled(mesh: MeshSnapshot) -> Iterator[str]:
    for services in services_by_host(mesh).values():
        for service in services:
            for port in service.ports:
                yield from (endpoint.address for endpoint in endpoints_of(mesh, service, port))


def _collect(mesh: MeshSnapshot, service: RegistryService, port: RegistryPort) -> tuple[Endpoint, ...]:
    if isinstance(service.source, ServiceEntry):
        return tuple(_of_entry(mesh, service, service.source, port))
    return (*kubernetes_endpoints(mesh, service.source, port), *_from_workloads(mesh, service, port))


def _slices(mesh: MeshSnapshot) -> Mapping[tuple[str, str], list[EndpointSlice]]:
    found: dict[tuple[str, str], list[EndpointSlice]] = {}
    for each in mesh.of(EndpointSlice):
        if each.service:
            found.setdefault((each.resource.namespace, each.service), []).append(each)
    return found


def kubernetes_endpoints(mesh: MeshSnapshot, service: Service, port: RegistryPort) -> tuple[Endpoint, ...]:
    """What Kubernetes itself knows: the slices of a Service, or without any slice what they would be."""
    slices = mesh.memo("slices", lambda: _slices(mesh)).get((service.namespace, service.name))
    if slices is None:
        return tuple(_from_pods(mesh, service, port))
    return tuple(
        _from_slice(mesh, each, endpoint, address, slice_port.port)
        for each in slices
        if each.address_type != "FQDN"
        for slice_port in each.ports
        if slice_port.name == port.name
        for endpoint in each.endpoints
        for address in endpoint.addresses
    )


def _from_slice(mesh: MeshSnapshot, each: EndpointSlice, endpoint: SliceEndpoint, address: str, port: int) -> Endpoint:
    namespace = each.resource.namespace
    pod = mesh.pod(namespace, endpoint.target) if endpoint.target else None
    found = _of_pod(pod, address, port, namespace, healthy=endpoint.ready, place=endpoint.place)
    # An endpoint that was written by hand names no pod: it has the address of one, but not its labels.
    return replace(found, lost=pod is None) if endpoint.target else replace(found, pod=mesh.pod_at(address))


def _from_pods(mesh: MeshSnapshot, service: Service, port: RegistryPort) -> list[Endpoint]:
    """What the endpoint slice controller would write: for input without slices."""
    if not service.selector:
        return []
    found = []
    for pod in pods_with_labels(mesh, service.namespace, service.selector):
        target = port.target if isinstance(port.target, int) else named_port(pod, port.target)
        if pod.ips and target and not pod.has_ended:
            place = pod.resource.place("metadata", "name")
            healthy = (pod.ready and not pod.terminating) or service.publish_not_ready
            found.append(_of_pod(pod, pod.ips[0], target, pod.namespace, healthy=healthy, place=place))
    return found


def _selects(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    return bool(selector) and labels_match(selector, labels)


def named_port(pod: Pod, name: str, protocols: Collection[str] = ("", "TCP")) -> int:
    """The container port of that name, or 0 (kube/controller/util.go FindPort)."""
    ports = (
        port.port
        for container in pod.containers
        if not container.init or container.sidecar
        for port in container.ports
        if port.name == name and port.protocol in protocols
    )
    return next(ports, 0)


def _of_pod(pod: Pod | None, address: str, port: int, namespace: str, *, healthy: bool, place: YamlPlace) -> Endpoint:
    labels = _with_place(pod.labels, _locality_label(pod.labels), pod.node) if pod else {}
    return Endpoint(
        address=address,
        port=port,
        labels=labels,
        mutual_tls=labels.get(TLS_MODE_LABEL) == "istio",
        healthy=healthy,
        pod=pod,
        namespace=pod.namespace if pod else namespace,
        service_account=pod.service_account if pod else "",
        place=place,
    )


def _with_place(own: Mapping[str, str], locality: str, node: str) -> Mapping[str, str]:
    """The labels of an endpoint, with those that say where it is: ``region/zone/subzone``, and on which node."""
    where = {name: part for name, part in zip(LOCALITY_LABELS, locality.split("/"), strict=False) if part}
    return {**own, **where, **({NODE_LABEL: node} if node else {})} if where or node else own


def _locality_label(labels: Mapping[str, str]) -> str:
    locality = next((labels[name] for name in _OWN_LOCALITY if name in labels), "")
    return locality if "/" in locality else locality.replace(".", "/")


def _from_workloads(mesh: MeshSnapshot, service: RegistryService, port: RegistryPort) -> list[Endpoint]:
    """WorkloadEntries that a Kubernetes Service selects, no headless one (collectWorkloadInstanceEndpoints)."""
    found = []
    for entry in healthy_workloads(mesh) if service.resolution == CLIENT_SIDE else ():
        if entry.resource.namespace == service.namespace and _selects(service.selector or {}, entry.endpoint.labels):
            target = workload_port(entry.endpoint, port)
            if target and is_ip(entry.endpoint.address):
                found.append(_of_workload(mesh, entry.endpoint, target, service.namespace))
    return found


def healthy_workloads(mesh: MeshSnapshot) -> Iterator[WorkloadEntry]:
    """The WorkloadEntries that istiod knows."""
    return (entry for entry in mesh.of(WorkloadEntry) if entry.healthy)


def workload_port(workload: WorkloadEndpoint, port: RegistryPort) -> int:
    """Where a Kubernetes Service's port leads at a WorkloadEntry; 0 where that does not name the target port.

    A target that is a number may be replaced by the Service port's name (kube/controller
    serviceInstanceFromWorkloadInstance).
    """
    if isinstance(port.target, int):
        return workload.ports.get(port.name) or port.target
    return workload.ports.get(port.target, 0)


def _of_workload(mesh: MeshSnapshot, workload: WorkloadEndpoint, port: int, namespace: str) -> Endpoint:
    unix = workload.address.startswith(UNIX_PREFIX)
    return Endpoint(
        address=workload.address.removeprefix(UNIX_PREFIX),
        port=0 if unix else port,
        labels=_with_place(workload.labels, workload.locality or _locality_label(workload.labels), ""),
        mutual_tls=workload.mutual_tls,
        healthy=True,
        pod=mesh.pod_at(workload.address),
        namespace=namespace,
        service_account=workload.service_account,
        place=workload.place,
    )


def _of_entry(mesh: MeshSnapshot, service: RegistryService, entry: ServiceEntry, port: RegistryPort) -> list[Endpoint]:
    """The endpoints of a ServiceEntry (serviceentry/conversion.go convertServiceEntryToInstances)."""
    namespace = entry.resource.namespace
    default = port.target if isinstance(port.target, int) and port.target else port.number
    if entry.selector is not None:
        return _selected(mesh, service, entry, port, default)
    if not entry.endpoints and service.resolution in DNS_RESOLUTIONS:
        return [_of_pod(None, service.hostname, default, namespace, healthy=True, place=service.place)]
    return [_of_workload(mesh, each, each.ports.get(port.name) or default, namespace) for each in entry.endpoints]


def _selected(
    mesh: MeshSnapshot, service: RegistryService, entry: ServiceEntry, port: RegistryPort, default: int
) -> list[Endpoint]:
    """Pods before WorkloadEntries, each by name, as istiod sorts them.

    Pods that are ready (kube/controller PodCache.onEvent), at their container port of the port's name where they have
    one (getPortMap).
    """
    namespace, selector = entry.resource.namespace, entry.selector or {}
    found = []
    for pod in sorted(pods_with_labels(mesh, namespace, selector), key=lambda pod: pod.name):
        if pod.ips and pod.ready and not (pod.has_ended or pod.terminating):
            target, place = named_port(pod, port.name, ("TCP",)) or default, pod.resource.place("metadata", "name")
            found.append(_of_pod(pod, pod.ips[0], target, namespace, healthy=True, place=place))
    dns = service.resolution in DNS_RESOLUTIONS
    for workload in sorted(healthy_workloads(mesh), key=lambda each: each.resource.name):
        endpoint = workload.endpoint
        if workload.resource.namespace != namespace or not labels_match(selector, endpoint.labels):
            continue
        if dns or is_ip(endpoint.address):
            found.append(_of_workload(mesh, endpoint, endpoint.ports.get(port.name) or default, namespace))
    return found
