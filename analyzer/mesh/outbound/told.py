"""What a sidecar has been told of its way out: the seam between those who tell it and the sieve that asks."""

from __future__ import annotations

from collections.abc import Callable

from analyzer.base.fact import Fact
from analyzer.base.place import YamlPlace
from analyzer.mesh.outbound.cluster import Cluster, NoCluster, find_cluster
from analyzer.mesh.outbound.listener import PASSTHROUGH_CLUSTER, FilterChain, Listener
from analyzer.mesh.outbound.listeners import fallback_cluster, listener_at
from analyzer.mesh.outbound.route import RouteConfig
from analyzer.mesh.outbound.scope import scope_of, sidecar_of
from analyzer.mesh.outbound.virtual_hosts import outbound_route_config
from analyzer.mesh.proxy import Proxy
from analyzer.mesh.snapshot import MeshSnapshot


class Routes(Fact, frozen=True):
    """The routes of an HTTP chain, and how its connection manager treats what comes before them."""

    config: RouteConfig
    path_normalization: str
    http10: bool = False
    request_ids: bool = True


class Told(Fact, frozen=True):
    """A sidecar's configuration, asked piece by piece.

    ``sentence`` and ``yaml`` say where it comes from. ``fallback`` is the cluster of connections that nothing matches.
    ``listener_at`` takes the address and port that a connection was meant for, ``routes`` a chain that has ``rds``,
    ``cluster`` a name.
    """

    sentence: str
    yaml: tuple[YamlPlace, ...]
    listener_at: Callable[[str, int], Listener]
    routes: Callable[[FilterChain], Routes]
    cluster: Callable[[str], Cluster | NoCluster]
    fallback: str = PASSTHROUGH_CLUSTER


def told_by_istiod(mesh: MeshSnapshot, proxy: Proxy) -> Told:
    """What istiod tells a proxy, by the mesh's YAML."""
    scope = scope_of(mesh, proxy)

    def routes(chain: FilterChain) -> Routes:
        config = outbound_route_config(mesh, scope, proxy, chain.rds or "")
        return Routes(config, mesh.config.path_normalization, proxy.http10, proxy.request_ids)

    sentence, yaml = source_of_told(mesh, proxy)
    return Told(
        sentence=sentence,
        yaml=yaml,
        listener_at=lambda address, port: listener_at(mesh, scope, proxy, address, port),
        routes=routes,
        cluster=lambda name: find_cluster(mesh, scope.services, proxy, name),
        fallback=fallback_cluster(scope),
    )


def source_of_told(mesh: MeshSnapshot, proxy: Proxy) -> tuple[str, tuple[YamlPlace, ...]]:
    """``sentence`` and ``yaml`` of what istiod tells a proxy."""
    who, sidecar = proxy.pod or "the proxy", sidecar_of(mesh, proxy)
    if sidecar is None:
        return f"{who} in namespace {proxy.namespace} has no Sidecar: it is told of the whole mesh", ()
    place = sidecar.resource.place("metadata", "name")
    return f"Sidecar {sidecar.resource.full_name} says what {who} is told of", (place,)
