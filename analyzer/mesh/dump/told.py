"""What a dump says that its proxy has been told of the way out."""

from __future__ import annotations

from analyzer.mesh.dump.chains import DumpedChain, listener_for
from analyzer.mesh.dump.clusters import cluster_of_dump
from analyzer.mesh.dump.proxy_dump import VIRTUAL_OUTBOUND, ProxyDump
from analyzer.mesh.dump.routes import routes_of_dump
from analyzer.mesh.outbound.cluster import Cluster, NoCluster
from analyzer.mesh.outbound.listener import BLACK_HOLE_CLUSTER, PASSTHROUGH_CLUSTER, FilterChain, Listener
from analyzer.mesh.outbound.route import RouteConfig
from analyzer.mesh.outbound.told import Routes, Told
from analyzer.mesh.proxy import Proxy
from analyzer.mesh.registry import UNSPECIFIED, UNSPECIFIED_6
from analyzer.mesh.snapshot import MeshSnapshot


def dump_of(mesh: MeshSnapshot, proxy: Proxy) -> ProxyDump | None:
    """The dump of a proxy, or None where the input has none."""
    dumps = mesh.memo("dumps", lambda: {(d.namespace, d.pod): d for d in mesh.views.get(ProxyDump, ())})
    return dumps.get((proxy.namespace, proxy.pod)) if proxy.pod else None


def told_by_dump(mesh: MeshSnapshot, dump: ProxyDump) -> Told:
    """What the proxy of a dump has been told; the mesh names its services and pods."""

    def listener_at(address: str, port: int) -> Listener:
        return mesh.memo(
            ("dump-listener", dump.namespace, dump.pod, address, port), lambda: _listener(dump, address, port)
        )

    def routes(chain: FilterChain) -> Routes:
        assert isinstance(chain, DumpedChain)
        return Routes(_routes(mesh, dump, chain), chain.path_normalization, chain.http10, chain.request_ids)

    def cluster(name: str) -> Cluster | NoCluster:
        return mesh.memo(("dump-cluster", dump.namespace, dump.pod, name), lambda: cluster_of_dump(mesh, dump, name))

    return Told(
        sentence=f"{dump.pod} is judged by its own configuration, dumped in {dump.place.file}",
        yaml=(dump.place,),
        listener_at=listener_at,
        routes=routes,
        cluster=cluster,
        fallback=_fallback(dump),
    )


def _listener(dump: ProxyDump, address: str, port: int) -> Listener:
    """The listener of the very address, of any address of its family, or the one that iptables leads to."""
    wildcard = UNSPECIFIED_6 if ":" in address else UNSPECIFIED
    node = dump.listeners.get((address, port)) or dump.listeners.get((wildcard, port)) or dump.virtual_outbound
    return listener_for(node, port) if node is not None else Listener(VIRTUAL_OUTBOUND, (), None)


def _routes(mesh: MeshSnapshot, dump: ProxyDump, chain: DumpedChain) -> RouteConfig:
    name = chain.rds or ""
    own = chain.manager.node("route_config") if chain.manager is not None else None
    if own:
        return routes_of_dump(name, own)
    key = ("dump-routes", dump.namespace, dump.pod, name)
    return mesh.memo(key, lambda: routes_of_dump(name, dump.routes.get(name)))


def _fallback(dump: ProxyDump) -> str:
    """The cluster to which ``virtualOutbound`` sends what nothing matched."""
    if dump.virtual_outbound is None:
        return PASSTHROUGH_CLUSTER
    chain = listener_for(dump.virtual_outbound, 0).default_chain
    chains = [chain] if chain is not None else listener_for(dump.virtual_outbound, 0).chains
    clusters = [each.cluster for found in chains for each in found.clusters]
    return next((each for each in clusters if each != BLACK_HOLE_CLUSTER), BLACK_HOLE_CLUSTER)
