"""The sidecar scope: which services and VirtualServices a proxy is told of (pilot/pkg/model/sidecar.go)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from analyzer.base.fact import Fact, replace
from analyzer.base.place import YamlPlace
from analyzer.mesh.hosts import hosts_overlap, is_subset, is_wildcard, most_specific
from analyzer.mesh.kinds.sidecar import EgressListener, EgressProxy, Sidecar, SidecarPort
from analyzer.mesh.kinds.virtual_service import MESH_GATEWAY, VirtualService
from analyzer.mesh.outbound.imports import collect_services, services_of_gateways
from analyzer.mesh.pod_labels import pods_in
from analyzer.mesh.port_protocol import HTTP_PROXY, declared_protocol
from analyzer.mesh.proxy import Proxy
from analyzer.mesh.registry import RegistryService, services_by_host
from analyzer.mesh.selector import labels_match
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.mesh.visibility import is_visible, ranked_virtual_services, service_exports, services_visible_to

_ANY = "*"


class EgressScope(Fact, frozen=True, eq=False):
    """An egress listener with what it imports, in istiod's order. ``port`` is None for the one that catches all.

    ``wildcard_index`` names, by service host, the VirtualService whose host fits it best.
    """

    listener: EgressListener | None
    services: tuple[RegistryService, ...]
    virtual_services: tuple[VirtualService, ...]
    wildcard_index: Mapping[str, tuple[str, str]]

    @property
    def port(self) -> SidecarPort | None:
        """The port that the user gave the listener."""
        return self.listener.port if self.listener else None

    @property
    def bind(self) -> str:
        """The address that the user gave the listener, or empty."""
        return self.listener.bind if self.listener else ""


class Scope(Fact, frozen=True, eq=False):
    """All that a proxy is told of the mesh. ``services`` are those that have clusters, by host.

    ``policy`` is what happens to what nothing else matches; ``policy_place`` is None where it is Istio's default.
    """

    namespace: str
    sidecar: Sidecar | None
    egress: tuple[EgressScope, ...]
    services: Mapping[str, RegistryService]
    policy: str
    policy_place: YamlPlace | None
    egress_proxy: EgressProxy | None

    @property
    def key(self) -> tuple[str, str]:
        """What tells this scope from others: the client's namespace and the Sidecar's full name."""
        return _key(self.namespace, self.sidecar)


@dataclass(slots=True)
class _Hosts:
    """The hosts that an egress listener names in one namespace."""

    exact: set[str] = field(default_factory=set)
    wildcards: list[str] = field(default_factory=list)
    excluded: list[str] = field(default_factory=list)

    def excludes(self, host: str) -> bool:
        return any(is_subset(host, each) for each in self.excluded)

    def has_service(self, host: str) -> bool:
        if host in self.exact:
            return True
        # Exact imports also fit a wildcard service only by equality, which is the line above.
        return any(is_subset(host, each) for each in self.wildcards)

    def has_virtual_service(self, host: str, *, gateway_semantics: bool) -> bool:
        if host in self.exact:
            return True
        pool = [*self.wildcards, *self.exact] if is_wildcard(host) else self.wildcards
        fits = is_subset if gateway_semantics else hosts_overlap
        return any(fits(host, each) for each in pool)


def scope_of(mesh: MeshSnapshot, proxy: Proxy) -> Scope:
    """The scope of a proxy: a sidecar's by the one Sidecar that selects it, else the whole mesh.

    A gateway has that of its namespace's sidecars, where istiod has made one for them (push_context.go
    doGetSidecarScope), else one of its own.
    """
    sidecar = sidecar_of(mesh, proxy)
    key = "scope", *_key(proxy.namespace, sidecar)
    return mesh.memo(key, lambda: _of_proxy(mesh, proxy, sidecar))


def _of_proxy(mesh: MeshSnapshot, proxy: Proxy, sidecar: Sidecar | None) -> Scope:
    own = proxy.router and not any(pod.has_sidecar for pod in pods_in(mesh, proxy.namespace))
    return _build(mesh, proxy.namespace, sidecar, services_of_gateways(mesh, proxy.namespace) if own else None)


def scope_key(mesh: MeshSnapshot, proxy: Proxy) -> tuple[str, str]:
    """The key of a proxy's scope, which takes long to make of a large mesh."""
    return _key(proxy.namespace, sidecar_of(mesh, proxy))


def _key(namespace: str, sidecar: Sidecar | None) -> tuple[str, str]:
    return namespace, sidecar.resource.full_name if sidecar else ""


def sidecar_of(mesh: MeshSnapshot, proxy: Proxy) -> Sidecar | None:
    """The Sidecar that governs a proxy (push_context.go doGetSidecarScope).

    In its namespace those with a selector come first, each kind by age; else the root namespace's without selector.
    None for a gateway's proxy.
    """
    if proxy.router:
        return None
    found = sorted(mesh.of(Sidecar), key=lambda each: (each.selector is None, each.resource.age_key))
    labels = proxy.label_map
    for each in found:
        if each.resource.namespace == proxy.namespace and labels_match(each.selector or {}, labels):
            return each
    root = mesh.root_namespace
    return next((each for each in found if each.resource.namespace == root and each.selector is None), None)


def _build(
    mesh: MeshSnapshot, namespace: str, sidecar: Sidecar | None, services: Mapping[str, RegistryService] | None
) -> Scope:
    """The scope; ``services`` are those of a gateway, for sidecars what their listeners import."""
    listeners: tuple[EgressListener | None, ...] = sidecar.egress if sidecar and sidecar.egress else (None,)
    egress = tuple(_egress(mesh, namespace, listener) for listener in listeners)
    own = sidecar.outbound_policy if sidecar else None
    if services is None:
        services = collect_services(mesh, namespace, [(e.services, e.virtual_services, _match_port(e)) for e in egress])
    return Scope(
        namespace=namespace,
        sidecar=sidecar,
        egress=egress,
        services=services,
        policy=own or mesh.config.outbound_policy,
        policy_place=(
            sidecar.resource.place("spec", "outboundTrafficPolicy", "mode")
            if own and sidecar
            else mesh.config.place("outboundTrafficPolicy", "mode") or mesh.config.place("outboundTrafficPolicy")
        ),
        egress_proxy=sidecar.egress_proxy if sidecar else None,
    )


def _match_port(egress: EgressScope) -> int:
    """The port that imports are trimmed to, or 0 (sidecar.go needsPortMatch)."""
    port = egress.port
    return port.number if port and declared_protocol(port.protocol) != HTTP_PROXY else 0


def _egress(mesh: MeshSnapshot, namespace: str, listener: EgressListener | None) -> EgressScope:
    hosts = _hosts_by_namespace(listener.hosts if listener else ("*/*",), namespace)
    found = EgressScope(listener, (), _import_virtual_services(mesh, namespace, hosts), {})
    services = _import_services(mesh, namespace, hosts, _match_port(found))
    return replace(found, services=services, wildcard_index=_wildcard_index(found.virtual_services, services))


def _hosts_by_namespace(hosts: Iterable[str], namespace: str) -> dict[str, _Hosts]:
    found: dict[str, _Hosts] = {}
    for each in hosts:
        if each.count("/") != 1:
            continue
        place, _, host = each.partition("/")
        excluded = place.startswith("~")
        place = place.removeprefix("~") or _ANY
        entry = found.setdefault(namespace if place == "." else place, _Hosts())
        if excluded:
            entry.excluded.append(host)
        elif is_wildcard(host):
            entry.wildcards.append(host)
        else:
            entry.exact.add(host)
    return found


def _import_services(
    mesh: MeshSnapshot, namespace: str, hosts: Mapping[str, _Hosts], match_port: int
) -> tuple[RegistryService, ...]:
    imported: list[RegistryService] = []
    for service in _candidates(mesh, namespace, hosts):
        scopes = [hosts[each] for each in (service.namespace, _ANY) if each in hosts]
        if any(each.excludes(service.hostname) for each in scopes):
            continue
        taken = next((each for each in scopes if each.has_service(service.hostname)), None)
        trimmed = _trim(service, match_port) if taken else None
        if taken is not None and trimmed is not None:
            imported.append(_trim_aliases(trimmed, taken))
    chosen = _one_namespace_each(imported, namespace)
    return tuple(each for each in imported if chosen[each.hostname] == each.namespace)


def _candidates(mesh: MeshSnapshot, namespace: str, hosts: Mapping[str, _Hosts]) -> Iterable[RegistryService]:
    """All visible services; of exact imports only the first service of each host and namespace, by age."""
    if (_ANY in hosts and (hosts[_ANY].exact or hosts[_ANY].wildcards)) or any(e.wildcards for e in hosts.values()):
        return services_visible_to(mesh, namespace)
    by_host = services_by_host(mesh)
    found = []
    for place, entry in hosts.items():
        for host in entry.exact:
            same = [each for each in by_host.get(host, ()) if each.namespace == place]
            service = next((each for each in same if each.kubernetes), same[0] if same else None)
            if service is not None and is_visible(service_exports(mesh, service), namespace):
                found.append(service)
    return sorted(found, key=lambda each: each.index)


def _trim(service: RegistryService, match_port: int) -> RegistryService | None:
    if not match_port:
        return service
    port = next((each for each in service.ports if each.number == match_port), None)
    return replace(service, ports=(port,)) if port else None


def _trim_aliases(service: RegistryService, hosts: _Hosts) -> RegistryService:
    matched = tuple(alias for alias in service.aliases if hosts.has_service(alias[0]))
    return service if len(matched) == len(service.aliases) else replace(service, aliases=matched)


def _one_namespace_each(services: Iterable[RegistryService], namespace: str) -> dict[str, str]:
    """The one namespace that each host is taken from: the client's, else a Kubernetes Service's, else the first."""
    chosen: dict[str, tuple[str, bool]] = {}
    for each in services:
        known = chosen.get(each.hostname)
        offered = (each.namespace, each.kubernetes)
        if known is None or each.namespace == namespace or (not known[1] and each.kubernetes and known[0] != namespace):
            chosen[each.hostname] = offered
    return {host: found[0] for host, found in chosen.items()}


def _import_virtual_services(
    mesh: MeshSnapshot, namespace: str, hosts: Mapping[str, _Hosts]
) -> tuple[VirtualService, ...]:
    """VirtualServices one of whose hosts is imported; consumer routes of the Gateway API first in each group."""
    imported: list[VirtualService] = []
    for group in ranked_virtual_services(mesh, namespace, MESH_GATEWAY):
        consumers_first = sorted(group, key=lambda vs: not (vs.gateway_semantics and vs.namespace == namespace))
        imported += [vs for vs in consumers_first if _imports(vs, hosts)]
    return tuple(imported)


def _imports(vs: VirtualService, hosts: Mapping[str, _Hosts]) -> bool:
    scopes = [hosts[each] for each in (vs.namespace, _ANY) if each in hosts]
    return any(
        scope.has_virtual_service(host, gateway_semantics=vs.gateway_semantics)
        and not any(each.excludes(host) for each in scopes)
        for scope in scopes
        for host in vs.hosts
    )


def _wildcard_index(found: Iterable[VirtualService], services: Iterable[RegistryService]) -> dict[str, tuple[str, str]]:
    first: dict[str, tuple[str, str]] = {}
    for vs in found:
        for host in vs.hosts:
            first.setdefault(host, vs.key)
    if not any(is_wildcard(host) for host in first):
        return {}
    index = {}
    for service in services:
        best = most_specific(service.hostname, first)
        if best is not None:
            index[service.hostname] = best
    return index
