"""``virtualInbound`` of a dump: the chains of one port in the nouns of the model."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.mesh.dump.chains import DumpedChain, listener_for
from analyzer.mesh.dump.proxy_dump import ProxyDump
from analyzer.mesh.inbound.chains import RAW_BUFFER, TLS, ChainMatch
from analyzer.mesh.inbound.listener import PASSTHROUGH_CLUSTER, InboundPort, inbound_port
from analyzer.mesh.inbound.mtls import Mtls
from analyzer.mesh.kinds.peer_authentication import DISABLE, PERMISSIVE, STRICT
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.port_protocol import AUTO
from analyzer.mesh.resource import Node
from analyzer.mesh.snapshot import MeshSnapshot


class DumpedMatch(ChainMatch, frozen=True):
    """A chain of ``virtualInbound`` as the dump has it: where it leads, and the filters before that."""

    chain: DumpedChain
    cluster: str

    @property
    def http10(self) -> bool | None:
        """What the dump says, whatever the proxy should have been told."""
        return self.chain.http10


class DumpedPort(InboundPort, frozen=True):
    """The chains of a port, by a dump. ``leads_to`` is the cluster of its chains."""

    leads_to: str = PASSTHROUGH_CLUSTER

    @property
    def dumped(self) -> bool:
        """That its chains are the proxy's own configuration."""
        return True

    @property
    def cluster(self) -> str:
        """The cluster that its chains lead to."""
        return self.leads_to

    def chain_name(self, chain: ChainMatch) -> str:
        """The name of one of its chains."""
        return chain.chain.name if isinstance(chain, DumpedMatch) else InboundPort.chain_name(self, chain)


def dumped_port(mesh: MeshSnapshot, dump: ProxyDump, pod: Pod, port: int, *, ipv6: bool) -> DumpedPort:
    """What the proxy of a dump does with connections to ``port``; the mesh says which services lead there."""
    key = ("dump-inbound", pod.full_name, port, ipv6)
    return mesh.memo(key, lambda: _build(mesh, dump, pod, port, ipv6=ipv6))


def _build(mesh: MeshSnapshot, dump: ProxyDump, pod: Pod, port: int, *, ipv6: bool) -> DumpedPort:
    by_yaml = inbound_port(mesh, pod, port)
    node = dump.virtual_inbound
    chains = listener_for(node, port).chains if node is not None else ()
    fitting = [each for each in chains if isinstance(each, DumpedChain) and _takes_family(each, ipv6=ipv6)]
    matches = tuple(match for each in fitting for match in _matches(each))
    # A port that nothing declares may still have chains of its own, for a mode of mutual TLS of its own.
    leads_to = next((match.cluster for match in matches), PASSTHROUGH_CLUSTER)
    return DumpedPort(
        port=port,
        declared=leads_to != PASSTHROUGH_CLUSTER,
        protocol=by_yaml.protocol if by_yaml.declared else AUTO,
        mtls=Mtls(_mode(matches), "the proxy's own configuration", node.place() if node is not None else None),
        chains=matches,
        bind=by_yaml.bind,
        targets=by_yaml.targets,
        yaml=fitting[0].yaml if fitting else (),
        leads_to=leads_to,
    )


def _takes_family(chain: DumpedChain, *, ipv6: bool) -> bool:
    return not chain.prefixes or any((prefix.version == 6) is ipv6 for prefix in chain.prefixes)


def _matches(chain: DumpedChain) -> Iterator[DumpedMatch]:
    """The chain for each transport that it takes; one that names none takes both."""
    for transport in (chain.transport,) if chain.transport else (TLS, RAW_BUFFER):
        yield DumpedMatch(
            transport=transport,
            alpn=chain.alpn,
            http=chain.manager is not None,
            terminates=chain.terminates,
            chain=chain,
            cluster=_cluster(chain),
        )


def _cluster(chain: DumpedChain) -> str:
    """Where a chain leads: inbound there is one route, or one cluster of the TCP proxy."""
    if chain.manager is None:
        return chain.clusters[0].cluster if chain.clusters else ""
    return next(_routed(chain.manager.node("route_config")), "")


def _routed(config: Node) -> Iterator[str]:
    for host in config.nodes("virtual_hosts"):
        for route in host.nodes("routes"):
            yield route.node("route").text("cluster")


def _mode(matches: tuple[DumpedMatch, ...]) -> str:
    if not any(match.terminates for match in matches):
        return DISABLE
    return PERMISSIVE if any(not match.terminates for match in matches) else STRICT
