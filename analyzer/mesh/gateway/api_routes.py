"""Routes of the Gateway API as istiod makes VirtualServices of them, for gateways and for the mesh.

istio pilot/pkg/config/kube/gateway: route_collections.go, conversion.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from analyzer.base.fact import Fact, replace
from analyzer.mesh.gateway.api_parents import Attachment, attachments_of
from analyzer.mesh.hosts import CLUSTER_DOMAIN, hosts_overlap, is_subset
from analyzer.mesh.kinds.api_route import GROUP, ApiRoute, ApiRule, BackendRef, prefix_rewrite
from analyzer.mesh.kinds.reference_grant import ReferenceGrant
from analyzer.mesh.kinds.virtual_service import (
    Destination,
    DirectResponse,
    HttpMatch,
    HttpRule,
    L4Match,
    L4Rule,
    Rewrite,
    VirtualService,
)
from analyzer.mesh.registry import services_by_host
from analyzer.mesh.snapshot import MeshSnapshot

_NO_BACKEND_STATUS = 500
_SERVICE_IMPORT = ("multicluster.x-k8s.io", "ServiceImport")
# Where opaque routes without any backend lead; the cluster never exists.
_ZERO_WEIGHT_HOST = "internal.cluster.local"


class _Draft(Fact, frozen=True):
    """One VirtualService before those of the same key are merged."""

    key: str
    route: ApiRoute
    name: str
    host: str
    gateway: str
    http: tuple[HttpRule, ...]


def api_virtual_services(mesh: MeshSnapshot) -> tuple[VirtualService, ...]:
    """Every VirtualService that istiod makes of Gateway API routes."""
    return mesh.memo("api-virtual-services", lambda: (*_http_services(mesh), *_l4_services(mesh)))


def _http_services(mesh: MeshSnapshot) -> Iterator[VirtualService]:
    groups: dict[str, list[_Draft]] = {}
    for route in mesh.of(ApiRoute):
        if route.kind in ("HTTPRoute", "GRPCRoute"):
            for draft in _drafts(mesh, route):
                groups.setdefault(draft.key, []).append(draft)
    for key, drafts in groups.items():
        drafts.sort(key=lambda d: (d.route.resource.created, d.route.resource.namespace, d.name))
        first = drafts[0]
        yield VirtualService(
            resource=first.route.resource,
            namespace=first.route.resource.namespace,
            name=key.replace("/", "~"),
            hosts=(first.host,),
            gateways=(first.gateway,),
            export_to=(),
            http=tuple(sorted((rule for draft in drafts for rule in draft.http), key=_precedence)),
            gateway_semantics=True,
        )


def _precedence(rule: HttpRule) -> tuple[object, ...]:
    """Exact before prefix before regex, longer first, with a method, more headers, more query parameters."""
    match = rule.matches[0] if rule.matches else None
    if match is None:
        return (True,)
    rank = {"exact": 3, "prefix": 2, "regex": 1}.get(match.uri.kind, -1) if match.uri else -1
    length = len(match.uri.value) if match.uri else 0
    return False, -rank, -length, match.method is None, -len(match.headers), -len(match.query)


def _drafts(mesh: MeshSnapshot, route: ApiRoute) -> Iterator[_Draft]:
    """One for each parent and host (HTTPRouteCollection)."""
    count = 0
    for attachment in attachments_of(mesh, route):
        rules = _http_rules(mesh, route, for_mesh=attachment.for_mesh)
        if attachment.for_mesh:
            rules = [_on_port(rule, attachment.ref.port) for rule in rules]
        if not rules:
            continue
        for host in attachment.hosts if attachment.for_mesh else route.hostnames or ("*",):
            if attachment.allows(host):
                yield _Draft(
                    key=f"{_key(route, attachment)}/{host}",
                    route=route,
                    name=f"{route.resource.name}~{count}",
                    host=host,
                    gateway=attachment.gateway,
                    http=tuple(sorted(rules, key=_precedence)),
                )
                count += 1


def _key(route: ApiRoute, attachment: Attachment) -> str:
    """Routes of one key are merged: of a gateway's listener, or of a namespace (and port) for the mesh."""
    if not attachment.for_mesh:
        return attachment.gateway
    port = f"/{attachment.ref.port}" if attachment.ref.port else ""
    return f"{route.resource.namespace}{port}"


def _on_port(rule: HttpRule, port: int) -> HttpRule:
    if not port:
        return rule
    matches = rule.matches or (HttpMatch("", rule.place),)
    return replace(rule, matches=tuple(replace(match, port=port) for match in matches))


def _http_rules(mesh: MeshSnapshot, route: ApiRoute, *, for_mesh: bool) -> list[HttpRule]:
    """One rule for each match, in order; none at all where istiod refuses any rule (computeRoute)."""
    rules: list[HttpRule] = []
    for index, rule in enumerate(route.rules):
        destinations = _destinations(mesh, route, rule.backends, for_mesh=for_mesh)
        if rule.unsupported or destinations is None:
            return []
        if route.kind == "GRPCRoute" and not _mirrors_exist(mesh, route, rule, for_mesh=for_mesh):
            return []
        no_backend = not destinations and rule.redirect is None
        for match in rule.matches:
            rules.append(
                HttpRule(
                    name=rule.name or f"{route.resource.full_name.replace('/', '.')}.{index}",
                    place=rule.place,
                    matches=(match,) if match is not None else (),
                    route=tuple(destinations),
                    redirect=rule.redirect,
                    direct_response=DirectResponse(_NO_BACKEND_STATUS, rule.place) if no_backend else None,
                    rewrite=_rewrite(rule, match),
                    headers=rule.headers,
                    cors=rule.cors,
                    retries=rule.retries,
                )
            )
    return rules


def _rewrite(rule: ApiRule, match: HttpMatch | None) -> Rewrite | None:
    if rule.prefix_replacement is None:
        return rule.rewrite
    return prefix_rewrite(match, rule.prefix_replacement, rule.rewrite.authority if rule.rewrite else "")


def _destinations(
    mesh: MeshSnapshot, route: ApiRoute, backends: Iterable[BackendRef], *, for_mesh: bool
) -> list[Destination] | None:
    """The backends that have a weight; one that is invalid leads to no host. None where istiod refuses the route."""
    found = []
    for backend in backends:
        if backend.weight == 0:
            continue
        host = _backend_host(mesh, route, backend, for_mesh=for_mesh)
        if host is None or backend.unsupported:
            return None
        port = backend.port if host else None
        found.append(Destination(host, "", port, backend.weight, backend.place, backend.headers))
    return found


def _mirrors_exist(mesh: MeshSnapshot, route: ApiRoute, rule: ApiRule, *, for_mesh: bool) -> bool:
    """Whether every Service that gets copies is there: without one istiod drops a GRPCRoute (convertGRPCRoute)."""
    hosts = (_backend_host(mesh, route, each, for_mesh=for_mesh) for each in rule.mirrors)
    return all(host in services_by_host(mesh) for host in hosts)


def _backend_host(mesh: MeshSnapshot, route: ApiRoute, backend: BackendRef, *, for_mesh: bool) -> str | None:
    """The host of a backend, empty where it is invalid (buildDestination); None where it breaks the whole route.

    Grants are asked for by gateways only. A Service that does not exist still gives its host.
    """
    namespace = route.resource.namespace
    other = backend.namespace
    if not for_mesh and other is not None and other != namespace and not _is_granted(mesh, route, backend, other):
        return ""
    if (backend.group, backend.kind) == ("", "Service"):
        if "." in backend.name or backend.port is None:
            return None
        return f"{backend.name}.{other or namespace}.svc.{CLUSTER_DOMAIN}"
    if (backend.group, backend.kind) == _SERVICE_IMPORT:
        # Istio takes it for the Service of that name (ENABLE_MCS_HOST is off).
        return None if backend.port is None else f"{backend.name}.{other or namespace}.svc.{CLUSTER_DOMAIN}"
    if (backend.group, backend.kind) == ("networking.istio.io", "Hostname"):
        return None if other is not None or backend.port is None else backend.name
    return ""


def _is_granted(mesh: MeshSnapshot, route: ApiRoute, backend: BackendRef, namespace: str) -> bool:
    source = (GROUP, route.kind, route.resource.namespace)
    target = (backend.group, backend.kind, backend.name)
    grants = (grant for grant in mesh.of(ReferenceGrant) if grant.resource.namespace == namespace)
    return any(grant.allows(source, target) for grant in grants)


def _l4_services(mesh: MeshSnapshot) -> Iterator[VirtualService]:
    for route in mesh.of(ApiRoute):
        if route.kind not in ("TLSRoute", "TCPRoute"):
            continue
        count = 0
        for attachment in attachments_of(mesh, route):
            kind = "tls" if route.kind == "TLSRoute" else "tcp"
            for host in _l4_hosts(route, attachment):
                rules = _l4_rules(mesh, route, attachment, host)
                yield VirtualService(
                    resource=route.resource,
                    namespace=route.resource.namespace,
                    name=f"{route.resource.name}~{kind}~{count}",
                    hosts=(host,),
                    gateways=(attachment.gateway,),
                    export_to=(),
                    tls=rules if kind == "tls" else (),
                    tcp=rules if kind == "tcp" else (),
                    gateway_semantics=True,
                )
                count += 1


def _l4_hosts(route: ApiRoute, attachment: Attachment) -> tuple[str, ...]:
    if attachment.for_mesh:
        return attachment.hosts
    if route.kind == "TCPRoute":
        return ("*",)
    return _narrowed(route.hostnames or ("*",), attachment.hostname)


def _narrowed(hosts: Iterable[str], listener: str) -> tuple[str, ...]:
    """The narrower of each host and the listener's hostname where they overlap."""
    if not listener:
        return tuple(hosts)
    narrower = (host if is_subset(host, listener) else listener if is_subset(listener, host) else "" for host in hosts)
    return tuple(dict.fromkeys(host for host in narrower if host))


def _l4_rules(mesh: MeshSnapshot, route: ApiRoute, attachment: Attachment, host: str) -> tuple[L4Rule, ...]:
    rules = []
    for rule in route.rules:
        destinations = _destinations(mesh, route, rule.backends, for_mesh=attachment.for_mesh)
        if destinations is None:
            return ()
        nowhere = Destination(_ZERO_WEIGHT_HOST, "zero-weight", 65535, 0, rule.place)
        # The port is asked for even of a rule that leads nowhere (augmentTCPPortMatch).
        named = bool(destinations) or route.kind == "TCPRoute"
        matches = _l4_matches(route, attachment, rule, host) if named else ()
        rules.append(L4Rule(rule.place, matches, tuple(destinations) or (nowhere,)))
    return tuple(rules)


def _l4_matches(route: ApiRoute, attachment: Attachment, rule: ApiRule, host: str) -> tuple[L4Match, ...]:
    port = attachment.ref.port if attachment.for_mesh else 0
    if route.kind == "TCPRoute":
        return (L4Match(rule.place, port=port),) if port else ()
    names = route.hostnames or ("*",)
    if not attachment.for_mesh:
        names = _narrowed(names, attachment.hostname)
    else:
        names = attachment.hosts if names == ("*",) else names
        # A single name counts whatever the parent's host is (compatibleRoutesForHost).
        names = tuple(name for name in names if hosts_overlap(host, name)) if len(names) > 1 else names
    return (L4Match(rule.place, sni_hosts=tuple(name.lower() for name in names), port=port),)
