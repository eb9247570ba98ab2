"""All wires of a run, and who carried what; the same whichever mesh is asked."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from analyzer.mesh.endpoints import addresses_of
from analyzer.mesh.outbound.destination import parse_cluster_name
from analyzer.verdict.beside import Beside
from analyzer.verdict.call import Call, calls_of
from analyzer.verdict.overlap import Overlap
from analyzer.verdict.roles import OUTBOUND_PORT, Role, Said, is_loopback
from analyzer.verdict.stitch import Stitcher
from analyzer.verdict.wires import Wire

if TYPE_CHECKING:
    from analyzer.mesh.snapshot import MeshSnapshot


def gateways_of(mesh: MeshSnapshot | None) -> frozenset[str]:
    """The addresses of gateways' pods."""
    return frozenset(ip for pod in mesh.pods if pod.is_gateway for ip in pod.ips) if mesh else frozenset()


def narrow_captures(wires: Iterable[Wire]) -> frozenset[str]:
    """The captures whose wires all have a port in common, or both their addresses: ``port`` or ``host`` chose them.

    Or ``src`` or ``dst``, where no connection has packets of both directions. What such a capture does not show may
    have been left out by its filter.
    """
    shared: dict[str, tuple[set[int], set[str]]] = {}
    answered: set[str] = set()
    for wire in wires:
        for sighting in wire.sightings:
            if sighting.connection.client_packets and sighting.connection.server_packets:
                answered.add(sighting.capture)
            ends = sighting.connection.client, sighting.connection.server
            ports, addresses = {end.port for end in ends}, {end.ip for end in ends}
            known = shared.setdefault(sighting.capture, (ports, addresses))
            known[0].intersection_update(ports)
            known[1].intersection_update(addresses)
    return frozenset(
        capture
        for capture, (ports, addresses) in shared.items()
        if ports or len(addresses) > 1 or capture not in answered
    )


class Traffic:
    """All wires of a run, and who carried what; the same whichever mesh is asked."""

    def __init__(self, said: Sequence[Said], meshes: Sequence[MeshSnapshot], beside: Beside) -> None:
        self.said = said
        self.called_servers = beside.called.union(server.ip for s in said for server in s.wire.servers)
        self._meshes = meshes
        self.stitcher = Stitcher(said, frozenset().union(*map(gateways_of, meshes)), self._behind)
        self.app_addresses = beside.apps.union(s.wire.client.ip for s in said if _is_redirected(s))
        # By capture: the pods, by their addresses, of which it shows connections over lo that name them.
        self.lo_of: dict[str, set[str]] = {capture: set(beside.apps) for capture in beside.lo_captures}
        for capture, address in _seen_over_lo(said):
            self.lo_of.setdefault(capture, set()).add(address)
        self.lo_addresses = self.app_addresses.union(*self.lo_of.values())
        over_lo = (each.capture for s in said if _over_lo(s) for each in s.wire.sightings)
        self.lo_captures = beside.lo_captures.union(over_lo)
        self.narrow = narrow_captures(s.wire for s in said) if beside.narrow is None else beside.narrow
        called = (server.ip for s in said if s.role is not Role.DELIVERY for server in s.wire.servers)
        self._called_addresses = beside.called.union(called)
        # Where calls were led, by client, and when.
        self._led: dict[str, dict[str, None]] = {}
        self._leading: list[tuple[Hashable, int, int]] = []
        self._holed = Overlap((s.wire.client.ip, s.wire.first_ns, s.wire.last_ns) for s in said if _is_holed(s))

    def lost_beside(self, said: Said) -> bool:
        """Whether the client had another connection open, as this one began, of which packets are missing."""
        begin = said.wire.first_ns
        return self._holed.count(said.wire.client.ip, begin, begin) > _is_holed(said)

    def leads(self, call: Call, cluster: str) -> None:
        """Remember where a sidecar leads a call: to a cluster, or to whom it dialled where none is behind that."""
        client, dialled = call.said.wire.client.ip, call.said.wire.connection.server.ip
        where = cluster if self._behind(cluster) else dialled
        self._led.setdefault(client, {})[where] = None
        self._leading.append(((client, where), call.begin_ns, call.end_ns))

    def led_beside(self, said: Said) -> bool:
        """Whether a call of the client was under way, as this wire began, that its sidecar led to the same server.

        To be asked when all calls are known.
        """
        client, begin, servers = said.wire.client.ip, said.wire.first_ns, {server.ip for server in said.wire.servers}
        near = (where for where in self._led.get(client, ()) if not servers.isdisjoint((where, *self._behind(where))))
        return any(self._under_way.count((client, where), begin, begin) for where in near)

    @cached_property
    def _under_way(self) -> Overlap:
        return Overlap(self._leading)

    def calls(self) -> Iterator[Call]:
        """The calls on applications' own connections."""
        return (call for s in self.said if s.role in (Role.APP, Role.DIRECT) for call in calls_of(s))

    def lone_upstreams(self) -> list[Said]:
        """Sidecars' connections that carried none of the calls so far."""
        return [s for s in self.said if s.role is Role.UPSTREAM and not self.stitcher.was_given(s)]

    def lone_deliveries(self) -> list[Said]:
        """Deliveries to applications whose sidecar nobody is seen to call: captures of lo alone."""
        deliveries = (s for s in self.said if s.role is Role.DELIVERY)
        return [s for s in deliveries if (s.delivered_at or s.wire.connection.server.ip) not in self._called_addresses]

    def _behind(self, cluster: str) -> frozenset[str]:
        """The addresses of a cluster's endpoints, none where they are not known."""
        return frozenset().union(*(_addresses_behind(mesh, cluster) for mesh in self._meshes))


def _addresses_behind(mesh: MeshSnapshot, cluster: str) -> frozenset[str]:
    parsed = parse_cluster_name(cluster)
    if parsed is None:
        return frozenset()
    port, _, host = parsed
    return mesh.memo(("addresses-behind", host, port), lambda: addresses_of(mesh, host, port))


def _seen_over_lo(all_said: Sequence[Said]) -> Iterator[tuple[str, str]]:
    """The captures that show calls of applications, or deliveries to them, with the address of the pod."""
    for said in all_said:
        if _is_redirected(said) or said.role is Role.DELIVERY:
            connection = said.wire.connection
            address = connection.server.ip if said.role is Role.DELIVERY else connection.client.ip
            yield from ((sighting.capture, address) for sighting in said.wire.sightings)


def _over_lo(said: Said) -> bool:
    return _is_redirected(said) or said.role is Role.DELIVERY or is_loopback(said.wire.client.ip)


def _is_redirected(said: Said) -> bool:
    """Whether an application's own connection shows the redirect, as ``Beside`` knows it: answers alone do not."""
    return said.wire.connection.redirect_port == OUTBOUND_PORT


def _is_holed(said: Said) -> bool:
    """Whether packets of a connection are missing that a call's own half, or its answer, may have been in."""
    connection = said.wire.connection
    half = not connection.client_packets or (connection.client_bytes > 0 and not connection.server_packets)
    return half or connection.missed_bytes > 0 or (said.role is Role.APP and not connection.joined)
