"""How connections between pods were secured, as the wire shows it: by edge and port, with packets to cite.

Only what crosses from one pod to another counts: an application's words to its own sidecar are plaintext by design
(Istio, traffic capture), and so is what a sidecar delivers to its application.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from analyzer.base.fact import Fact
from analyzer.base.place import PacketPlace
from analyzer.mesh.registry import services_of
from analyzer.protocol.facts import Conversation
from analyzer.verdict.asking import target_pod
from analyzer.verdict.roles import Role, Said, assign_roles, is_loopback
from analyzer.verdict.wires import Wire

if TYPE_CHECKING:
    from analyzer.mesh.snapshot import MeshSnapshot

ISTIO_MTLS = "istio-mtls"
OTHER_TLS = "other-tls"
PLAINTEXT = "plaintext"
UNKNOWN = "unknown"
# From the best to the least; ``unknown`` is a connection whose beginning is in no capture.
SECURITIES = (ISTIO_MTLS, OTHER_TLS, PLAINTEXT, UNKNOWN)


class SecuredEdge(Fact, frozen=True):
    """The connections of one client to one port of one server.

    ``client`` and ``server`` are ``namespace/name`` of pods, or addresses. ``packets`` has for each of ``SECURITIES``
    one packet a connection: the ClientHello where there is one, else the first that brought bytes. ``inside`` says that
    the server is a pod or a Service of the mesh; without a mesh every server is taken for one.
    """

    client: str
    server: str
    port: int
    packets: tuple[tuple[PacketPlace, ...], ...]
    inside: bool = True

    @property
    def counts(self) -> tuple[int, ...]:
        """How many connections were seen of each of ``SECURITIES``."""
        return tuple(map(len, self.packets))

    @property
    def share(self) -> float:
        """Percent of the connections that were Istio's mutual TLS; one that is unknown is none."""
        return 100 * self.counts[0] / sum(self.counts)


class MtlsSheet(Fact, frozen=True):
    """All edges, those inside the mesh first; ``silent`` connections crossed without a byte and are on none."""

    edges: tuple[SecuredEdge, ...]
    silent: int = 0

    def below(self, percent: float) -> tuple[SecuredEdge, ...]:
        """The edges inside the mesh whose share is below ``percent``."""
        return tuple(edge for edge in self.edges if edge.inside and edge.share < percent)


def mtls_sheet(spoken: Iterable[tuple[Wire, Conversation]], mesh: MeshSnapshot | None) -> MtlsSheet:
    """The sheet of all connections that crossed between pods; each counts once, however many captures saw it."""
    pods = mesh.pods if mesh else ()
    known = frozenset(ip for pod in pods if pod.has_sidecar or pod.is_gateway for ip in pod.ips)
    crossing = [said for said in assign_roles(spoken, known) if _crosses(said)]
    services = _service_addresses(mesh)
    edges: dict[tuple[bool, str, str, int], list[list[PacketPlace]]] = {}
    silent = 0
    for said in crossing:
        if not (said.wire.connection.client_bytes or said.wire.connection.server_bytes):
            silent += 1
            continue
        packets = edges.setdefault(_edge_of(said, mesh, services), [[] for _ in SECURITIES])
        packets[SECURITIES.index(security_of(said))].append(_cited(said))
    return MtlsSheet(
        tuple(
            SecuredEdge(client, server, port, tuple(tuple(sorted(each)) for each in packets), not outside)
            for (outside, client, server, port), packets in sorted(edges.items())
        ),
        silent,
    )


def security_of(said: Said) -> str:
    """One of ``SECURITIES``.

    Istio's mutual TLS is known by the ALPN that its sidecars offer (Istio, ``pilot/pkg/networking/util``); the
    certificates themselves are encrypted in TLS 1.3.
    """
    conversation = said.conversation
    if said.istio_mtls:
        return ISTIO_MTLS
    if conversation.tls is not None:
        return OTHER_TLS if conversation.tls.client_hello else UNKNOWN
    if conversation.inner_tls is not None:
        return OTHER_TLS
    return PLAINTEXT if conversation.exchanges or conversation.sniffable else UNKNOWN


def _crosses(said: Said) -> bool:
    connection = said.wire.connection
    if said.role not in (Role.UPSTREAM, Role.DIRECT) or is_loopback(connection.client.ip):
        return False
    return connection.client.ip != connection.server.ip or connection.redirect_port != 0


def _edge_of(said: Said, mesh: MeshSnapshot | None, services: frozenset[str]) -> tuple[bool, str, str, int]:
    servers = said.wire.servers
    if mesh is None:
        return False, said.wire.client.ip, servers[-1].ip, servers[-1].port
    source, target = mesh.pod_at(said.wire.client.ip), target_pod(said, mesh)
    client = source.full_name if source else said.wire.client.ip
    if target is None:
        return servers[0].ip not in services, client, servers[0].ip, servers[0].port
    port = next(server.port for server in servers if server.ip in target.ips)
    return False, client, target.full_name, port


def _service_addresses(mesh: MeshSnapshot | None) -> frozenset[str]:
    if mesh is None:
        return frozenset()
    return frozenset(address for service in services_of(mesh) if service.kubernetes for address in service.addresses)


def _cited(said: Said) -> PacketPlace:
    connection, tls = said.wire.connection, said.conversation.tls
    hello = tls.client_hello if tls else None
    if hello is not None:
        packet = connection.from_client.packet_at(hello.start)
    else:
        packet = next(iter((*connection.from_client.packets[:1], *connection.from_server.packets[:1])), 0)
    return PacketPlace(said.wire.main.capture, int(packet) or connection.first_packet)
