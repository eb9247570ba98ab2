"""Where a connection to an address ends when no proxy decides: pods themselves, and kube-proxy for Services."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.base.fact import Fact
from analyzer.base.place import YamlPlace
from analyzer.mesh.endpoints import kubernetes_endpoints
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.kinds.service import Service
from analyzer.mesh.registry import RegistryService, services_of
from analyzer.mesh.snapshot import MeshSnapshot


class Landing(Fact, frozen=True):
    """A pod that a connection may reach, at an address and port of its own; ``yaml`` says by what."""

    pod: Pod
    address: str
    port: int
    yaml: tuple[YamlPlace, ...] = ()


class Reach(Fact, frozen=True):
    """Where an address leads. ``known`` is false for addresses that the mesh input does not have."""

    landings: tuple[Landing, ...]
    known: bool
    service: str = ""


def reach(mesh: MeshSnapshot, address: str, port: int, *, node: str = "") -> Reach:
    """The pods behind an address: its owner, or the ready endpoints of the Service whose address or node port it is.

    ``node`` is the client's, empty where it is not known: a Service may lead to endpoints on the same node only.
    """
    # Neither the network nor kube-proxy knows what istiod watches.
    mesh = mesh.kubernetes
    pod = mesh.pod_at(address)
    if pod is not None:
        return Reach((Landing(pod, address, port),), True)
    service = mesh.memo("services-by-address", lambda: _by_address(mesh)).get(address)
    if service is None and address in mesh.memo("node-addresses", lambda: _node_addresses(mesh)):
        service, port = mesh.memo("node-ports", lambda: _by_node_port(mesh)).get(port, (None, port))
    if service is None:
        return Reach((), False)
    landings = tuple(_balanced(mesh, service, port))
    if node and service.node_local and address in service.addresses:
        landings = tuple(each for each in landings if each.pod.node == node)
    return Reach(landings, True, service.hostname)


def _node_addresses(mesh: MeshSnapshot) -> frozenset[str]:
    """The nodes' addresses, as far as pods say on which node they are."""
    return frozenset(ip for pod in mesh.pods for ip in pod.host_ips)


def _by_node_port(mesh: MeshSnapshot) -> dict[int, tuple[RegistryService, int]]:
    """The Service and its port behind each port that kube-proxy opens on every node."""
    found: dict[int, tuple[RegistryService, int]] = {}
    for service in services_of(mesh):
        for port in service.source.ports if isinstance(service.source, Service) else ():
            if port.node_port and port.protocol == "TCP":
                found.setdefault(port.node_port, (service, port.port))
    return found


def _by_address(mesh: MeshSnapshot) -> dict[str, RegistryService]:
    found: dict[str, RegistryService] = {}
    for service in services_of(mesh):
        if isinstance(service.source, Service):
            for address in (*service.addresses, *service.source.external_ips):
                found.setdefault(address, service)
    return found


def _balanced(mesh: MeshSnapshot, service: RegistryService, port: int) -> Iterator[Landing]:
    """The ready endpoints of a TCP port, whatever Istio takes it to speak."""
    source = service.source
    if not isinstance(source, Service):
        return
    for found, declared in zip(service.ports, source.ports, strict=True):
        if found.number == port and declared.protocol == "TCP":
            for endpoint in kubernetes_endpoints(mesh, source, found):
                if endpoint.healthy and endpoint.pod is not None:
                    yield Landing(endpoint.pod, endpoint.address, endpoint.port, (endpoint.place,))
            return
