"""The listeners of a gateway and their filter chains (istio pilot/pkg/networking/core/gateway.go)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from analyzer.base.fact import Fact, field
from analyzer.mesh.gateway.merge import BoundServer, MergedServers, merged_servers
from analyzer.mesh.hosts import hosts_overlap, is_subset
from analyzer.mesh.inbound.chains import ISTIO_ALPN
from analyzer.mesh.kinds.gateway import AUTO_PASSTHROUGH, ISTIO_MUTUAL, MUTUAL
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.kinds.virtual_service import L4Match, L4Rule, VirtualService
from analyzer.mesh.outbound.destination_rules import rule_for
from analyzer.mesh.outbound.l4_chains import l4_clusters
from analyzer.mesh.outbound.listener import ClusterChoice, FilterChain, Listener, refused_chains
from analyzer.mesh.outbound.scope import Scope, scope_of
from analyzer.mesh.port_protocol import HTTP_FAMILY, UDP, declared_protocol
from analyzer.mesh.proxy import Proxy, proxy_of
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.mesh.visibility import virtual_services_for_gateway

_MUTUAL_MODES = (MUTUAL, ISTIO_MUTUAL)


class GatewayChain(FilterChain, frozen=True):
    """A gateway's filter chain.

    ``terminates`` TLS; ``asks_certificate`` then says that a client without one is refused. ``sni_dnat``: the only
    server name is the name of the cluster, too (AUTO_PASSTHROUGH), which ``clusters`` calls by its usual one, and no
    policy is enforced. ``trusts_mesh``: it asks for certificates of the mesh. ``server`` is what it was built for.
    """

    terminates: bool = False
    asks_certificate: bool = False
    sni_dnat: bool = False
    trusts_mesh: bool = False
    server: BoundServer | None = None


class _Building(Fact, frozen=True):
    """What the chains of one pod are built from; ``sni_taken`` are the names of passthrough chains by port and bind."""

    mesh: MeshSnapshot
    proxy: Proxy
    scope: Scope
    sni_taken: dict[tuple[int, str], set[str]] = field(default_factory=dict)

    def virtual_services(self, bound: BoundServer) -> Iterator[VirtualService]:
        """Those on the server's gateway that share a host with it."""
        for vs in virtual_services_for_gateway(self.mesh, self.proxy.namespace, bound.gateway):
            hosts = [host for host in (_host_for(each, vs.namespace) for each in bound.hosts) if host is not None]
            if any(hosts_overlap(host, each) for host in hosts for each in vs.hosts):
                yield vs


def gateway_listeners(mesh: MeshSnapshot, pod: Pod) -> Mapping[tuple[str, int], Listener]:
    """The listeners of a gateway's pod, by bind address and port."""
    return mesh.memo(("gateway-listeners", pod.full_name), lambda: _build(mesh, pod, merged_servers(mesh, pod)))


def gateway_listener(mesh: MeshSnapshot, pod: Pod, address: str, port: int) -> Listener | None:
    """The listener that takes a connection to ``address``:``port`` of the pod, or None."""
    listeners = gateway_listeners(mesh, pod)
    return listeners.get((address, port)) or listeners.get((proxy_of(mesh, pod).wildcard, port))


def _build(mesh: MeshSnapshot, pod: Pod, merged: MergedServers) -> dict[tuple[str, int], Listener]:
    proxy = proxy_of(mesh, pod)
    building = _Building(mesh, proxy, scope_of(mesh, proxy))
    found: dict[tuple[str, int], list[GatewayChain]] = {}
    for key, servers in merged.by_port.items():
        if key.number < 1024 and _is_unprivileged(pod):
            continue
        chains = found.setdefault((key.bind or proxy.wildcard, key.number), [])
        if declared_protocol(key.protocol) in HTTP_FAMILY:
            chains.append(GatewayChain(rds=merged.route_names[key], server=servers[0], yaml=(servers[0].server.place,)))
        else:
            chains += [chain for server in servers for chain in _chains_of(building, server)]
    return {(bind, port): _listener(f"{bind}_{port}", chains) for (bind, port), chains in found.items() if chains}


def _listener(name: str, chains: Sequence[GatewayChain]) -> Listener:
    named = any(chain.server_names for chain in chains)
    return Listener(name, tuple(chains), None, tls_inspector=named, refused=refused_chains(chains))


def _is_unprivileged(pod: Pod) -> bool:
    return pod.proxy is not None and pod.proxy.environment.get("ISTIO_META_UNPRIVILEGED_POD") == "true"


def _chains_of(building: _Building, bound: BoundServer) -> Iterator[GatewayChain]:
    if bound.ends_https:
        yield _terminating(bound, rds=bound.route_name)
    elif not bound.is_passthrough:
        rule = _tcp_rule(building, bound)
        if rule is not None:
            yield _terminating(bound, clusters=l4_clusters(building.scope, rule.route, bound.server.port), rule=rule)
    elif bound.server.tls is not None and bound.server.tls.mode == AUTO_PASSTHROUGH:
        yield from _sni_dnat(building, bound)
    else:
        yield from _passthrough(building, bound)


def _terminating(
    bound: BoundServer,
    *,
    rds: str | None = None,
    clusters: tuple[ClusterChoice, ...] = (),
    rule: L4Rule | None = None,
) -> GatewayChain:
    """The chain of a server that ends TLS, or of an opaque one without TLS."""
    tls = bound.server.tls
    return GatewayChain(
        server_names=bound.plain_hosts if tls else (),
        rds=rds,
        clusters=clusters,
        terminates=tls is not None,
        asks_certificate=tls is not None and tls.mode in _MUTUAL_MODES,
        trusts_mesh=tls is not None and tls.mode == ISTIO_MUTUAL,
        server=bound,
        yaml=(rule.place if rule else bound.server.place,),
    )


def _tcp_rule(building: _Building, bound: BoundServer) -> L4Rule | None:
    """The first rule for the server's port and gateway (buildGatewayNetworkFiltersFromTCPRoutes)."""
    for vs in building.virtual_services(bound):
        # A TLSRoute on a listener that ends TLS comes as tls rules, of which one without a match has no chain.
        of_tls = [rule for rule in vs.tls if rule.matches] if vs.gateway_semantics else []
        for rule in (*vs.tcp, *of_tls):
            if rule.route and (not rule.matches or any(_fits(match, bound) for match in rule.matches)):
                return rule
    return None


def _fits(match: L4Match, bound: BoundServer) -> bool:
    """Only port and gateway count here (l4SingleMatch)."""
    return match.port in (0, bound.server.port) and (not match.gateways or bound.gateway in match.gateways)


def _passthrough(building: _Building, bound: BoundServer) -> Iterator[GatewayChain]:
    """A chain per matching rule; one that repeats a server name of the port is left out."""
    taken = building.sni_taken.setdefault((bound.port, bound.server.bind), set())
    for vs in building.virtual_services(bound):
        for rule in vs.tls:
            for match in rule.matches if rule.route else ():
                if not _fits(match, bound) or taken.intersection(match.sni_hosts):
                    continue
                taken.update(match.sni_hosts)
                yield GatewayChain(
                    server_names=match.sni_hosts,
                    clusters=l4_clusters(building.scope, rule.route, bound.server.port),
                    owner=f"{vs.namespace}/{vs.name}",
                    server=bound,
                    yaml=(match.place,),
                )


def _sni_dnat(building: _Building, bound: BoundServer) -> Iterator[GatewayChain]:
    """A chain per cluster whose host the server names; Istio's ALPN is asked for (builtAutoPassthroughFilterChains)."""
    hosts = bound.plain_hosts
    for service in building.scope.services.values():
        if service.external or not any(is_subset(service.hostname, host) for host in hosts):
            continue
        rule = rule_for(building.mesh, building.proxy, service)
        subsets = ("", *(subset.name for subset in rule.subsets)) if rule else ("",)
        for port in service.ports:
            for subset in subsets if port.protocol != UDP else ():
                parts = ("outbound", str(port.number), subset, service.hostname)
                yield GatewayChain(
                    server_names=("_.".join(parts),),
                    alpn=ISTIO_ALPN,
                    clusters=(ClusterChoice("|".join(parts), place=port.place),),
                    owner=service.hostname,
                    sni_dnat=True,
                    server=bound,
                    yaml=(bound.server.place, port.place),
                )


def _host_for(host: str, namespace: str) -> str | None:
    """A server's host for VirtualServices of a namespace; None where they may not bind to it."""
    scope, slash, name = host.partition("/")
    return host if not slash else name if scope == namespace else None
