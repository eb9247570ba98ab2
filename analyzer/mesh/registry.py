"""Istiod's service registry: Kubernetes Services and ServiceEntries as one kind of service, oldest first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network

from analyzer.base.fact import Fact, replace
from analyzer.base.place import YamlPlace
from analyzer.mesh.hosts import CLUSTER_DOMAIN, is_ip
from analyzer.mesh.kinds.service import Service
from analyzer.mesh.kinds.service_entry import NONE, ServiceEntry
from analyzer.mesh.port_protocol import UDP, declared_protocol, kubernetes_protocol
from analyzer.mesh.proxy import Proxy
from analyzer.mesh.resource import Resource
from analyzer.mesh.snapshot import MeshSnapshot

UNSPECIFIED = "0.0.0.0"
UNSPECIFIED_6 = "::"

# How a client finds the endpoints (pilot/pkg/model Resolution).
CLIENT_SIDE = "client-side"
PASSTHROUGH = "passthrough"
ALIAS = "alias"
DNS_RESOLUTIONS = ("DNS", "DNS_ROUND_ROBIN")
DYNAMIC_DNS = "DYNAMIC_DNS"

EXPORT_ANNOTATION = "networking.istio.io/exportTo"


class RegistryPort(Fact, frozen=True):
    """A port of a service: its number, what it speaks, and the port of the endpoints (0 or a name: see endpoints)."""

    name: str
    number: int
    protocol: str
    target: int | str
    place: YamlPlace


class RegistryService(Fact, frozen=True, eq=False):
    """A service that proxies may be told of.

    ``addresses`` are its cluster IPs, or one address of a ServiceEntry (an IP, or a prefix); empty where it has none.
    ``resolution`` is one of the constants above or a DNS resolution's name. ``aliases`` are (host, namespace) of
    ExternalName Services that lead here. ``source`` is the view that it was made from; ``index`` its place in age.
    """

    hostname: str
    namespace: str
    ports: tuple[RegistryPort, ...]
    addresses: tuple[str, ...]
    resolution: str
    kubernetes: bool
    external: bool
    source: Service | ServiceEntry
    export_to: tuple[str, ...]
    selector: Mapping[str, str] | None
    aliases: tuple[tuple[str, str], ...] = ()
    external_name: str = ""
    allocated: tuple[str, ...] = ()
    index: int = 0

    @property
    def resource(self) -> Resource:
        """The resource that it was made from."""
        return self.source.resource

    @property
    def place(self) -> YamlPlace:
        """Where the resource stands."""
        return self.resource.place("metadata", "name")

    @property
    def headless(self) -> bool:
        """A Kubernetes Service with ``clusterIP: None``."""
        return self.kubernetes and self.resolution == PASSTHROUGH

    @property
    def node_local(self) -> bool:
        """Only endpoints on the client's own node are for it (``internalTrafficPolicy: Local``)."""
        return isinstance(self.source, Service) and self.source.node_local

    @property
    def address_unknown(self) -> bool:
        """A Kubernetes Service that must have a cluster IP, which the input does not show."""
        return self.kubernetes and self.resolution == CLIENT_SIDE and not self.addresses

    def port(self, number: int) -> RegistryPort | None:
        """The first TCP port of that number, or None."""
        return next((port for port in self.ports if port.number == number and port.protocol != UDP), None)

    def addresses_for(self, proxy: Proxy) -> tuple[str, ...]:
        """The addresses under which a proxy knows it; ``0.0.0.0`` where there is none (Service.GetAddressForProxy)."""
        usable = tuple(address for address in self.addresses if not self.kubernetes or proxy.supports(address))
        if usable or self.addresses:
            return usable or self.addresses
        if proxy.dns_capture:
            allocated = tuple(address for address in self.allocated if proxy.supports(address))
            if allocated:
                return allocated
        return (UNSPECIFIED,)

    def prefixes_for(self, proxy: Proxy) -> tuple[IPv4Network | IPv6Network, ...]:
        """The prefixes (CIDR) among its addresses."""
        return tuple(parse_prefix(each) for each in self.addresses_for(proxy) if "/" in each)


def parse_prefix(text: str) -> IPv4Network | IPv6Network:
    """A network of a text that was checked to be one; the host bits are dropped."""
    return ip_network(text, strict=False)


def is_prefix(text: str) -> bool:
    """Whether a text is an IP network, or an address (which is a network of one)."""
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def services_of(mesh: MeshSnapshot) -> tuple[RegistryService, ...]:
    """Every service of the mesh, oldest first (push_context.go initServiceRegistry)."""
    return mesh.memo("registry", lambda: _build(mesh))


def services_by_host(mesh: MeshSnapshot) -> Mapping[str, tuple[RegistryService, ...]]:
    """The services of each host name, oldest first."""
    return mesh.memo("registry-by-host", lambda: _group(mesh, lambda service: service.hostname))


def services_by_namespace(mesh: MeshSnapshot) -> Mapping[str, tuple[RegistryService, ...]]:
    """The services of each namespace, oldest first."""
    return mesh.memo("registry-by-namespace", lambda: _group(mesh, lambda service: service.namespace))


def _group(mesh: MeshSnapshot, key: Callable[[RegistryService], str]) -> dict[str, tuple[RegistryService, ...]]:
    found: dict[str, list[RegistryService]] = {}
    for service in services_of(mesh):
        found.setdefault(key(service), []).append(service)
    return {each: tuple(services) for each, services in found.items()}


def _build(mesh: MeshSnapshot) -> tuple[RegistryService, ...]:
    services = [_of_kubernetes(service) for service in mesh.of(Service)]
    services += [each for entry in mesh.of(ServiceEntry) for each in _of_entry(entry)]
    services.sort(key=_age)
    aliases = _aliases(services)
    return tuple(
        replace(service, index=index, aliases=aliases.get(service.hostname, ()))
        for index, service in enumerate(services)
    )


def _age(service: RegistryService) -> tuple[str, str, str]:
    # SortServicesByCreationTime: a ServiceEntry's service is named by its host.
    name = service.resource.name if service.kubernetes else service.hostname
    return service.resource.created, name, service.namespace


def _of_kubernetes(service: Service) -> RegistryService:
    resolution = ALIAS if service.external_name else PASSTHROUGH if service.headless else CLIENT_SIDE
    exports = service.resource.annotations.get(EXPORT_ANNOTATION, "")
    return RegistryService(
        hostname=f"{service.name}.{service.namespace}.svc.{CLUSTER_DOMAIN}",
        namespace=service.namespace,
        ports=tuple(
            RegistryPort(
                port.name,
                port.port,
                kubernetes_protocol(port.port, port.name, port.protocol, port.app_protocol),
                port.target,
                port.place,
            )
            for port in service.ports
        ),
        addresses=() if service.external_name else tuple(ip for ip in service.cluster_ips if is_ip(ip)),
        resolution=resolution,
        kubernetes=True,
        external=bool(service.external_name),
        source=service,
        export_to=tuple(each.strip() for each in exports.split(",")) if exports else (),
        selector=service.selector or None,
        external_name=service.external_name,
    )


def _of_entry(entry: ServiceEntry) -> Iterator[RegistryService]:
    """One service per host and address (serviceentry/conversion.go convertServices)."""
    ports = tuple(
        RegistryPort(port.name, port.number, declared_protocol(port.protocol), port.target, port.place)
        for port in entry.ports
    )
    addresses = [_single(each) for each in entry.addresses if is_prefix(each)]
    for host in entry.hosts:
        for address in addresses if entry.addresses else [""]:
            yield RegistryService(
                hostname=host.lower(),
                namespace=entry.resource.namespace,
                ports=ports,
                addresses=(address,) if address else (),
                resolution=_resolution(entry),
                kubernetes=False,
                external=entry.external,
                source=entry,
                export_to=entry.export_to,
                selector=entry.selector,
                allocated=entry.allocated.get(host, ()) if _may_be_given_addresses(entry) else (),
            )


def _may_be_given_addresses(entry: ServiceEntry) -> bool:
    """Whether addresses that istiod gave it count (ip_autoallocation.go ShouldV2AutoAllocateIPFromConfig)."""
    opted_out = entry.resource.labels.get("networking.istio.io/enable-autoallocate-ip", "").lower() == "false"
    return not entry.addresses and entry.resolution != NONE and not opted_out


def _resolution(entry: ServiceEntry) -> str:
    return {NONE: PASSTHROUGH, "STATIC": CLIENT_SIDE}.get(entry.resolution, entry.resolution)


def _single(address: str) -> str:
    network = parse_prefix(address)
    return str(network.network_address) if "/" in address and network.num_addresses == 1 else address


def _aliases(services: list[RegistryService]) -> dict[str, tuple[tuple[str, str], ...]]:
    """ExternalName Services by the host that they lead to, over several hops (resolveServiceAliases)."""
    targets = {each.hostname: each.external_name for each in services if each.resolution == ALIAS}
    found: dict[str, list[tuple[str, str]]] = {}
    for service in services:
        if service.resolution != ALIAS:
            continue
        seen, host = {service.hostname}, service.external_name
        while host in targets and host not in seen:
            seen.add(host)
            host = targets[host]
        if host not in targets:
            found.setdefault(host, []).append((service.namespace, service.hostname))
    return {host: tuple((name, namespace) for namespace, name in sorted(each)) for host, each in found.items()}
