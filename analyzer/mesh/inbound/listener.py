"""``virtualInbound`` of one pod: the chains of every declared port, and those that take all other ports."""

from __future__ import annotations

from analyzer.base.fact import Fact
from analyzer.base.place import YamlPlace
from analyzer.mesh.inbound.chains import ChainMatch, chains_for
from analyzer.mesh.inbound.mtls import Mtls, pod_mtls
from analyzer.mesh.inbound.targets import ServiceTarget, service_targets
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.kinds.sidecar import IngressListener
from analyzer.mesh.outbound.scope import sidecar_of
from analyzer.mesh.port_protocol import AUTO, declared_protocol
from analyzer.mesh.proxy import proxy_of
from analyzer.mesh.snapshot import MeshSnapshot

BLACK_HOLE_CHAIN = "virtualInbound-blackhole"
CATCH_ALL_HTTP_CHAIN = "virtualInbound-catchall-http"
CATCH_ALL_CHAIN = "virtualInbound"
BLACK_HOLE_CLUSTER = "BlackHoleCluster"
PASSTHROUGH_CLUSTER = "InboundPassthroughCluster"

# Ports of Envoy's own static listeners: no chain is built for them (context.go conflictWithReservedListener).
_STATIC_PORTS = (15021, 15090)


class InboundPort(Fact, frozen=True):
    """The chains for connections to one port of the pod.

    ``declared`` by a service or by a Sidecar's ingress; otherwise the passthrough chains take it. ``protocol`` is what
    it speaks, ``targets`` the service ports that lead to it, the one that decides first; ``yaml`` is what declares it.
    """

    port: int
    declared: bool
    protocol: str
    mtls: Mtls
    chains: tuple[ChainMatch, ...]
    bind: str
    targets: tuple[ServiceTarget, ...]
    yaml: tuple[YamlPlace, ...]

    @property
    def dumped(self) -> bool:
        """Whether its chains are the proxy's own configuration rather than what istiod would tell it."""
        return False

    @property
    def cluster(self) -> str:
        """The cluster that all its chains lead to."""
        return f"inbound|{self.port}||" if self.declared else PASSTHROUGH_CLUSTER

    def chain_name(self, chain: ChainMatch) -> str:
        """The name of one of its chains."""
        if self.declared:
            return f"{self.bind}_{self.port}"
        return CATCH_ALL_HTTP_CHAIN if chain.http else CATCH_ALL_CHAIN


def inbound_port(mesh: MeshSnapshot, pod: Pod, port: int) -> InboundPort:
    """What the sidecar of ``pod`` is told for connections to ``port``."""
    return mesh.memo(("inbound-port", pod.full_name, port), lambda: _build(mesh, pod, port))


def _build(mesh: MeshSnapshot, pod: Pod, port: int) -> InboundPort:
    mtls = pod_mtls(mesh, pod).at(port)
    proxy = proxy_of(mesh, pod)
    bind = proxy.wildcard
    targets = tuple(target for target in service_targets(mesh, pod) if target.port == port)
    sidecar = sidecar_of(mesh, proxy)
    if sidecar is not None and sidecar.ingress:
        # getSidecarInboundBindIPs: an ingress listener without bind is named by the pod's own address.
        return _of_ingress(sidecar.ingress, port, mtls, pod.ips[0] if pod.ips else bind, targets)
    if targets and port not in _reserved(mesh):
        first = targets[0]
        yaml = (first.service_port.place,)
        protocol = first.service_port.protocol
        return InboundPort(port, True, protocol, mtls, chains_for(protocol, mtls.mode), bind, targets, yaml)
    return _passthrough(port, mtls, bind, targets)


def _of_ingress(
    ingress: tuple[IngressListener, ...], port: int, mtls: Mtls, bind: str, targets: tuple[ServiceTarget, ...]
) -> InboundPort:
    """A Sidecar's ingress replaces the ports of all services (buildInboundChainConfigs)."""
    listener = next((each for each in ingress if each.port.number == port), None)
    if listener is None:
        return _passthrough(port, mtls, bind, targets)
    protocol = declared_protocol(listener.port.protocol)
    chains = chains_for(protocol, mtls.mode)
    return InboundPort(port, True, protocol, mtls, chains, listener.bind or bind, targets, (listener.place,))


def _passthrough(port: int, mtls: Mtls, bind: str, targets: tuple[ServiceTarget, ...]) -> InboundPort:
    return InboundPort(port, False, AUTO, mtls, chains_for(AUTO, mtls.mode), bind, targets, ())


def _reserved(mesh: MeshSnapshot) -> tuple[int, ...]:
    return (*_STATIC_PORTS, mesh.config.proxy_listen_port, mesh.config.proxy_inbound_listen_port)
