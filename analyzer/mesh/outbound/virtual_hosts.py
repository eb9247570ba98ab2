"""Route configurations of a sidecar's way out (pilot/pkg/networking/core/httproute.go)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from analyzer.base.authority import uri_host
from analyzer.base.fact import Fact, replace
from analyzer.base.place import YamlPlace
from analyzer.mesh.hosts import alternative_names, hosts_overlap, is_wildcard
from analyzer.mesh.kinds.mesh_config import ALLOW_ANY, ALLOW_ANY_DYNAMIC_DNS
from analyzer.mesh.kinds.virtual_service import MESH_GATEWAY, DirectResponse, VirtualService
from analyzer.mesh.outbound.destination import cluster_name
from analyzer.mesh.outbound.http_routes import RouteTarget, http_routes
from analyzer.mesh.outbound.identity import routing_identity
from analyzer.mesh.outbound.listener import DYNAMIC_DNS_CLUSTER, ClusterChoice
from analyzer.mesh.outbound.listeners import HTTP_PROXY_ROUTES, fallback_cluster
from analyzer.mesh.outbound.route import (
    ALLOW_ANY_DYNAMIC_DNS_HOST,
    ALLOW_ANY_HOST,
    BLOCK_ALL_HOST,
    DEFAULT_ROUTE,
    Route,
    RouteConfig,
    VirtualHost,
    route_config,
)
from analyzer.mesh.outbound.scope import EgressScope, Scope, scope_of
from analyzer.mesh.port_protocol import AUTO, HTTP_FAMILY, HTTP_PROXY, declared_protocol
from analyzer.mesh.proxy import Proxy
from analyzer.mesh.registry import ALIAS, UNSPECIFIED, RegistryPort, RegistryService
from analyzer.mesh.snapshot import MeshSnapshot

# Istio's answer to requests for hosts that the registry does not have, under REGISTRY_ONLY.
BLOCK_ALL_STATUS = 502
# What istiod calls the port of configurations for HTTP proxies.
_ANY_PORT = 0
# The port on which VirtualServices apply to hosts that are no services (selectVirtualServices).
PLAIN_HTTP_PORT = 80


class _PortServices(Fact, frozen=True):
    """The services that have a port, by host, each with that port alone."""

    services: Mapping[str, RegistryService]
    ports: Mapping[str, RegistryPort]


@dataclass(slots=True)
class _Domains:
    """Domains already given away, and the full names that short forms must not hide."""

    names: set[str] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)
    known: set[str] = field(default_factory=set)


def outbound_route_config(mesh: MeshSnapshot, scope: Scope, proxy: Proxy, name: str) -> RouteConfig:
    """The route configuration of that name: ``PORT``, or ``HOST:PORT`` for a port that speaks anything."""
    identity = routing_identity(mesh, proxy)
    return mesh.memo(("routes", scope.key, identity, name), lambda: _build(mesh, scope, identity, name))


def _build(mesh: MeshSnapshot, scope: Scope, proxy: Proxy, name: str) -> RouteConfig:
    proxied = _egress_of_proxy(scope, name)
    if proxied is not None or name == HTTP_PROXY_ROUTES:
        return _for_http_proxy(scope, proxy, name, proxied)
    host, _, port_text = name.rpartition(":")
    port = int(port_text)
    egress = egress_for_port(scope, port)
    hosts, dropped = mesh.memo(("virtual-hosts", scope.key, proxy, port), lambda: _hosts_of_port(egress, proxy, port))
    if not host:
        return route_config(name, hosts, _catch_all(scope), dropped)
    own = [each for each in hosts if host in each.domains]
    if len(own) != 1:
        return route_config(name, own, None)
    only = own[0]
    return route_config(name, [VirtualHost(only.name, ("*",), only.routes, only.owner, only.yaml)], None)


def _for_http_proxy(scope: Scope, proxy: Proxy, name: str, egress: EgressScope | None) -> RouteConfig:
    """Hosts whatever their port: a domain without port is of port 80 (mergeAllVirtualHosts).

    Istiod writes domains with the other ports, too, and has Envoy take the port off a request's host before it looks
    for one (``ignore_port_in_host_matching``), so that none of them is ever found. Of a service's HTTP ports the first
    has the domains without port: they lead nowhere where that is not port 80.
    """
    if egress is None:
        return route_config(name, [], _catch_all(scope))
    found = _services_first_on(egress, PLAIN_HTTP_PORT)
    kept, dropped = _virtual_hosts(list(_wrappers(proxy, egress, found, _ANY_PORT)), proxy, PLAIN_HTTP_PORT)
    return route_config(name, kept, _catch_all(scope), dropped)


def proxied_by_chance(mesh: MeshSnapshot, proxy: Proxy, name: str, host: str) -> VirtualService | None:
    """The VirtualService for ``host`` whose port istiod leaves to chance in a configuration for HTTP proxies.

    Its service has port 80 and other HTTP ports: the one that a map gives first has the domains without port
    (route.go buildSidecarVirtualHostsForVirtualService). None elsewhere.
    """
    egress = _egress_of_proxy(scope_of(mesh, proxy), name)
    if egress is None:
        return None
    for service in egress.services:
        numbers = {port.number for port in service.ports if _speaks_http(port)}
        if PLAIN_HTTP_PORT in numbers and len(numbers) > 1 and host in service_domains(service, proxy)[0]:
            return next((vs for vs in egress.virtual_services if _has_host(vs, service.hostname)), None)
    return None


def _has_host(vs: VirtualService, hostname: str) -> bool:
    return any(hosts_overlap(each.lower(), hostname) for each in vs.hosts)


def _egress_of_proxy(scope: Scope, name: str) -> EgressScope | None:
    """The egress listener of a configuration for HTTP proxies, None for other configurations."""
    if name == HTTP_PROXY_ROUTES:
        return next((each for each in scope.egress if each.port is None), None)
    egress = egress_for_port(scope, int(name.rpartition(":")[2]))
    proxies = egress is not None and egress.port is not None and declared_protocol(egress.port.protocol) == HTTP_PROXY
    return egress if proxies else None


def egress_for_port(scope: Scope, port: int) -> EgressScope | None:
    """The egress listener that answers for a port: its own, else the one that catches all (GetEgressListenerForRDS)."""
    for egress in scope.egress:
        if egress.port is None or egress.port.number == port:
            return egress
    return None


def _catch_all(scope: Scope) -> VirtualHost:
    """Where requests for unknown hosts go (buildCatchAllVirtualHost)."""
    yaml = (scope.policy_place,) if scope.policy_place else ()
    if scope.policy == ALLOW_ANY:
        route = Route(ALLOW_ANY_HOST, clusters=(ClusterChoice(fallback_cluster(scope)),), yaml=yaml)
    elif scope.policy == ALLOW_ANY_DYNAMIC_DNS:
        route = Route(ALLOW_ANY_DYNAMIC_DNS_HOST, clusters=(ClusterChoice(DYNAMIC_DNS_CLUSTER),), yaml=yaml)
    else:
        place = scope.policy_place or YamlPlace("", 1)
        route = Route(BLOCK_ALL_HOST, direct_response=DirectResponse(BLOCK_ALL_STATUS, place), yaml=yaml)
    return VirtualHost(route.name, ("*",), (route,), yaml=yaml)


def _hosts_of_port(
    egress: EgressScope | None, proxy: Proxy, port: int
) -> tuple[list[VirtualHost], tuple[VirtualHost, ...]]:
    if egress is None:
        return [], ()
    return _virtual_hosts(list(_wrappers(proxy, egress, _services_with(egress, port), port)), proxy, port)


def _virtual_hosts(
    wrappers: list[_Wrapper], proxy: Proxy, port: int
) -> tuple[list[VirtualHost], tuple[VirtualHost, ...]]:
    """The virtual hosts that have a domain, and those whose domains others have."""
    domains = _Domains()
    domains.known = {service.hostname for wrapper in wrappers for service in wrapper.services}
    kept: list[VirtualHost] = []
    dropped: list[VirtualHost] = []
    for wrapper in wrappers:
        for host in _hosts_of(wrapper, proxy, port, domains):
            (kept if host.domains else dropped).append(host)
    return kept, tuple(dropped)


def _services_with(egress: EgressScope, port: int) -> _PortServices:
    services: dict[str, RegistryService] = {}
    ports: dict[str, RegistryPort] = {}
    for service in egress.services:
        found = service.port(port)
        if found is not None:
            # Of a host's several services (one per address of a ServiceEntry) the last one stays.
            services[service.hostname] = service
            ports[service.hostname] = found
    return _PortServices(services, ports)


def _services_first_on(egress: EgressScope, number: int) -> _PortServices:
    """The services of which ``number`` is the first port that speaks HTTP."""
    services: dict[str, RegistryService] = {}
    ports: dict[str, RegistryPort] = {}
    for service in {each.hostname: each for each in egress.services}.values():
        first = next((port for port in service.ports if _speaks_http(port)), None)
        if first is not None and first.number == number:
            services[service.hostname] = service
            ports[service.hostname] = first
    return _PortServices(services, ports)


class _Wrapper(Fact, frozen=True):
    """Routes with the hosts that they are for: registry services, and plain names."""

    routes: tuple[Route, ...]
    services: tuple[RegistryService, ...]
    names: tuple[str, ...]
    owner: str
    yaml: tuple[YamlPlace, ...]


def _wrappers(proxy: Proxy, egress: EgressScope, found: _PortServices, port: int) -> Iterator[_Wrapper]:
    """VirtualServices in their order, then services without one, by name (istiod's order of these is a map's)."""
    with_rules: set[str] = set()
    # A service is known by the one port that this configuration is for, or by all.
    lookup = (
        {host: _with_port(service, found.ports[host]) for host, service in found.services.items()}
        if port != _ANY_PORT
        else {each.hostname: each for each in egress.services}
    )
    target = RouteTarget(proxy, frozenset({MESH_GATEWAY}), port, lookup)
    for vs in _selected(egress.virtual_services, found, port):
        wrapper = _of_virtual_service(target, vs, egress, found)
        if wrapper is not None:
            with_rules.update(service.hostname for service in wrapper.services)
            yield wrapper
    for host in sorted(found.services):
        service = found.services[host]
        if host not in with_rules and service.resolution != ALIAS and _speaks_http(found.ports[host]):
            yield _default_wrapper(service, found.ports[host])


def _with_port(service: RegistryService, port: RegistryPort) -> RegistryService:
    return service if len(service.ports) == 1 else replace(service, ports=(port,))


def _speaks_http(port: RegistryPort) -> bool:
    return port.protocol in HTTP_FAMILY or port.protocol == AUTO


def _selected(virtual_services: Iterable[VirtualService], found: _PortServices, port: int) -> Iterator[VirtualService]:
    """On port 80 all, elsewhere those with a host that is a service of the port (selectVirtualServices)."""
    wildcards = [host for host in found.services if is_wildcard(host)]
    for vs in virtual_services:
        if port == PLAIN_HTTP_PORT or any(_has_service(host.lower(), found, wildcards) for host in vs.hosts):
            yield vs


def _has_service(host: str, found: _PortServices, wildcards: list[str]) -> bool:
    if host in found.services:
        return True
    if is_wildcard(host):
        return any(hosts_overlap(host, each) for each in found.services)
    return any(hosts_overlap(host, each) for each in wildcards)


def _of_virtual_service(
    target: RouteTarget, vs: VirtualService, egress: EgressScope, found: _PortServices
) -> _Wrapper | None:
    """The wrapper of a VirtualService, or None where it has no route or no service for this proxy and port."""
    routes = http_routes(target, vs)
    if not routes:
        return None
    names, services = _split_hosts(vs, egress, found)
    if vs.gateway_semantics:
        near = [each for each in services if vs.namespace in (each.namespace, target.proxy.namespace)]
        if not near:
            return None
    services = [each for each in services if _speaks_http(found.ports[each.hostname])]
    if not services and target.port != PLAIN_HTTP_PORT:
        return None
    place = vs.resource.place("spec", "hosts")
    return _Wrapper(tuple(routes), tuple(services), tuple(names), f"{vs.namespace}/{vs.name}", (place,))


def _split_hosts(
    vs: VirtualService, egress: EgressScope, found: _PortServices
) -> tuple[list[str], list[RegistryService]]:
    """Hosts that are no services of the port, and the services that the others stand for."""
    names: list[str] = []
    services: list[RegistryService] = []
    for host in (each.lower() for each in vs.hosts if not is_wildcard(each)):
        if host in found.services:
            services.append(found.services[host])
        else:
            names.append(host)
    for host in (each.lower() for each in vs.hosts if is_wildcard(each)):
        if vs.gateway_semantics:
            names.append(host)
            continue
        overlapping = [each for each in found.services if hosts_overlap(each, host)]
        services += [found.services[each] for each in overlapping if egress.wildcard_index.get(each) == vs.key]
        if not overlapping:
            names.append(host)
    return names, services


def _default_wrapper(service: RegistryService, port: RegistryPort) -> _Wrapper:
    choice = ClusterChoice(cluster_name(service.hostname, port.number), 1, port.place)
    route = Route(DEFAULT_ROUTE, clusters=(choice,), owner=service.hostname, yaml=(port.place,))
    return _Wrapper((route,), (service,), (), service.hostname, (port.place,))


def _hosts_of(wrapper: _Wrapper, proxy: Proxy, port: int, domains: _Domains) -> Iterator[VirtualHost]:
    """A virtual host per name and service; one whose name is taken is dropped, as are domains that are taken."""
    for name in wrapper.names:
        # As an address stands in a request, it stands in a domain.
        shown = uri_host(name)
        yield from _virtual_host(wrapper, shown, [shown], set(), port, domains)
    for service in wrapper.services:
        every, short = service_domains(service, proxy)
        yield from _virtual_host(wrapper, service.hostname, every, short, port, domains)


def _virtual_host(
    wrapper: _Wrapper, host: str, every: list[str], short: set[str], port: int, domains: _Domains
) -> Iterator[VirtualHost]:
    name = f"{host}:{port}"
    if name in domains.names:
        yield VirtualHost(name, (), wrapper.routes, wrapper.owner, wrapper.yaml)
        return
    domains.names.add(name)
    kept = []
    for domain in every:
        lowered = domain.lower()
        if lowered in domains.taken or (domain in short and domain in domains.known):
            continue
        domains.taken.add(lowered)
        kept.append(lowered)
    yield VirtualHost(name, tuple(kept), wrapper.routes, wrapper.owner, wrapper.yaml)


def service_domains(service: RegistryService, proxy: Proxy) -> tuple[list[str], set[str]]:
    """Every domain of a service for a client, and which of them are short forms (generateVirtualHostDomains)."""
    every: list[str] = []
    short: set[str] = set()
    for host in (service.hostname, *(alias for alias, _ in service.aliases)):
        alternatives = alternative_names(host, proxy.namespace)
        every += [host, *alternatives]
        short.update(alternatives)
    if service.headless:
        every += [f"*.{domain}" for domain in every]
    for address in service.addresses_for(proxy):
        if address != UNSPECIFIED:
            every.append(uri_host(address))
    return every, short
