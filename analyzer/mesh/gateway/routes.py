"""A gateway's route configurations (istio pilot/pkg/networking/core/gateway.go buildGatewayHTTPRouteConfig)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from analyzer.base.fact import replace
from analyzer.base.place import YamlPlace
from analyzer.mesh.gateway.merge import BoundServer, merged_servers
from analyzer.mesh.hosts import is_subset, is_wildcard
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.kinds.virtual_service import VirtualService
from analyzer.mesh.outbound.http_routes import RouteTarget, http_routes
from analyzer.mesh.outbound.route import Route, RouteConfig, VirtualHost, route_config
from analyzer.mesh.outbound.scope import scope_of
from analyzer.mesh.proxy import Proxy, proxy_of
from analyzer.mesh.registry import RegistryService, services_by_host
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.mesh.visibility import is_visible, service_exports, virtual_services_for_gateway


class GatewayVirtualHost(VirtualHost, frozen=True):
    """A gateway's virtual host. ``redirects_to_https``: plaintext requests are answered 301 before any route."""

    redirects_to_https: bool = False


@dataclass(slots=True)
class _Draft:
    """A virtual host that is being built for one host."""

    host: str
    port: int
    routes: list[Route] = field(default_factory=list)
    redirects: bool = False
    yaml: list[YamlPlace] = field(default_factory=list)

    @property
    def key(self) -> tuple[object, ...]:
        """What must be equal for two hosts to share one virtual host: the very same routes, in order."""
        return self.redirects, tuple(map(id, self.routes))


def gateway_route_config(mesh: MeshSnapshot, pod: Pod, name: str) -> RouteConfig:
    """The route configuration of that name; one that no server asks for is empty."""
    return mesh.memo(("gateway-routes", pod.full_name, name), lambda: _build(mesh, pod, name))


def _build(mesh: MeshSnapshot, pod: Pod, name: str) -> RouteConfig:
    servers = merged_servers(mesh, pod).by_route.get(name, [])
    if not servers:
        return route_config(name, [], None)
    drafts = _drafts(mesh, proxy_of(mesh, pod), servers)
    if not drafts:
        black_hole = GatewayVirtualHost(f"blackhole:{servers[0].server.port}", ("*",), ())
        return route_config(name, [black_hole], None)
    return route_config(name, list(_collapse(drafts.values())), None)


def _drafts(mesh: MeshSnapshot, proxy: Proxy, servers: Iterable[BoundServer]) -> dict[str, _Draft]:
    """The virtual hosts by host: every VirtualService of a host adds its routes behind those of older ones."""
    drafts: dict[str, _Draft] = {}
    known: dict[tuple[str, str, str], list[Route]] = {}
    for bound in servers:
        redirects = bound.server.tls is not None and bound.server.tls.https_redirect
        for vs in virtual_services_for_gateway(mesh, proxy.namespace, bound.gateway):
            hosts = _common_hosts(bound, vs)
            key = (bound.gateway, *vs.key)
            if hosts and not known.get(key):
                known[key] = http_routes(_target(mesh, proxy, bound, vs), vs)
            for host in hosts if known.get(key) else ():
                draft = drafts.setdefault(host.lower(), _Draft(host.lower(), bound.server.port))
                draft.routes += known[key]
                draft.redirects = draft.redirects or redirects
                draft.yaml.append(vs.resource.place("spec", "hosts"))
        for host in bound.hosts if redirects else ():
            draft = drafts.setdefault(host.lower(), _Draft(host.lower(), bound.server.port))
            draft.redirects = True
            draft.yaml.append(bound.server.place)
    return drafts


def _common_hosts(bound: BoundServer, vs: VirtualService) -> list[str]:
    """The narrower of each pair of a server's and a VirtualService's host that overlap (Names.Intersection)."""
    found: dict[str, None] = {}
    for each in bound.hosts:
        scope, slash, name = each.partition("/")
        if slash and scope != vs.namespace:
            continue
        host = name if slash else each
        for other in vs.hosts:
            if is_subset(host, other):
                found[host] = None
            elif is_subset(other, host):
                found[other] = None
    return list(found)


def _target(mesh: MeshSnapshot, proxy: Proxy, bound: BoundServer, vs: VirtualService) -> RouteTarget:
    hosts = {destination.host for rule in vs.http for destination in (*rule.route, *rule.mirrors)}
    services = {host: service for host in hosts if (service := _service(mesh, proxy, host, vs.namespace)) is not None}
    return RouteTarget(proxy, frozenset({bound.gateway}), bound.server.port, services)


def _service(mesh: MeshSnapshot, proxy: Proxy, host: str, namespace: str) -> RegistryService | None:
    """A destination's service: the one of the VirtualService's namespace where it is visible, else the proxy's."""
    for service in services_by_host(mesh).get(host, ()):
        if service.namespace == namespace and is_visible(service_exports(mesh, service), proxy.namespace):
            return service
    return scope_of(mesh, proxy).services.get(host)


def _collapse(drafts: Iterable[_Draft]) -> Iterable[VirtualHost]:
    """Hosts with the very same routes share a virtual host, named by the most specific (collapseDuplicateRoutes)."""
    merged: dict[tuple[object, ...], VirtualHost] = {}
    for draft in sorted(drafts, key=lambda each: (is_wildcard(each.host), -len(each.host), each.host)):
        known = merged.get(draft.key)
        if known is None:
            name = f"{draft.host}:{draft.port}"
            routes = tuple(sorted(draft.routes, key=lambda route: route.catches_all))
            places = tuple(dict.fromkeys(draft.yaml))
            merged[draft.key] = GatewayVirtualHost(
                name, (draft.host,), routes, yaml=places, redirects_to_https=draft.redirects
            )
        else:
            merged[draft.key] = replace(known, domains=(*known.domains, draft.host))
    return merged.values()
