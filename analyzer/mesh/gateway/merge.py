"""Servers of all Gateways of a pod merged by port; the older one wins (pilot/pkg/model/gateway.go mergeGateways)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from analyzer.base.fact import Fact
from analyzer.mesh.gateway.offer import GatewayOffer, offers_of
from analyzer.mesh.kinds.gateway import AUTO_PASSTHROUGH, PASSTHROUGH, Server
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.port_protocol import HTTP_FAMILY, HTTPS, declared_protocol
from analyzer.mesh.snapshot import MeshSnapshot


class BoundServer(Fact, frozen=True, eq=False):
    """A server on a port of the pod.

    ``hosts`` are without ``./`` and ``*/``, with ``namespace/`` where only that namespace's VirtualServices may bind.
    ``route_name`` is its route configuration, empty for opaque servers; ``gateway`` is ``namespace/name``.
    """

    server: Server
    gateway: str
    hosts: tuple[str, ...]
    port: int
    route_name: str

    @property
    def protocol(self) -> str:
        """What the server speaks."""
        return declared_protocol(self.server.protocol)

    @property
    def is_passthrough(self) -> bool:
        """It leaves TLS as it is."""
        return self.server.tls is not None and self.server.tls.mode in (PASSTHROUGH, AUTO_PASSTHROUGH)

    @property
    def is_tls(self) -> bool:
        """It has TLS settings that are more than a redirect."""
        return self.server.tls is not None and self.protocol not in HTTP_FAMILY

    @property
    def ends_https(self) -> bool:
        """It terminates TLS and speaks HTTP inside."""
        return self.server.tls is not None and self.protocol == HTTPS and not self.is_passthrough

    @property
    def is_http(self) -> bool:
        """It is plaintext HTTP, or HTTPS that it terminates."""
        return self.protocol in HTTP_FAMILY or (self.protocol == HTTPS and not self.is_passthrough)

    @property
    def plain_hosts(self) -> tuple[str, ...]:
        """Its hosts without namespaces, each once, sorted: the server names of its filter chain."""
        return tuple(sorted({host.rpartition("/")[2] for host in self.hosts}))


class Rejected(Fact, frozen=True):
    """A server that istiod left out, and why."""

    server: BoundServer
    why: str


class ServerPort(Fact, frozen=True):
    """What servers share a listener by: two of one port may differ by protocol or bind."""

    number: int
    protocol: str
    bind: str


@dataclass(slots=True)
class MergedServers:
    """The merged servers: by port in the order in which the ports came, and by route configuration."""

    by_port: dict[ServerPort, list[BoundServer]] = field(default_factory=dict)
    by_route: dict[str, list[BoundServer]] = field(default_factory=dict)
    route_names: dict[ServerPort, str] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)
    plain: dict[int, ServerPort] = field(default_factory=dict)
    tls_hosts: dict[int, dict[str, str]] = field(default_factory=dict)
    taken: set[int] = field(default_factory=set)


def merged_servers(mesh: MeshSnapshot, pod: Pod) -> MergedServers:
    """Everything that ``pod`` serves."""
    return mesh.memo(("merged-servers", pod.full_name), lambda: merge(offers_of(mesh, pod)))


def merge(offers: Iterable[GatewayOffer]) -> MergedServers:
    """The servers of ``offers``, oldest first: of two that cannot share a port the later one is rejected."""
    merged = MergedServers()
    for offer in offers:
        for server in offer.servers:
            for port in offer.listener_ports(server.port):
                bound = BoundServer(
                    server, offer.full_name, _hosts(server, offer.namespace), port, _route_name(server, port, offer)
                )
                why = _add(merged, bound)
                if why:
                    merged.rejected.append(Rejected(bound, why))
    return merged


def _hosts(server: Server, namespace: str) -> tuple[str, ...]:
    """``./host`` is of the Gateway's own namespace, ``*/host`` of any (sanitizeServerHostNamespace)."""
    hosts = []
    for host in server.hosts:
        scope, slash, name = host.partition("/")
        if slash and scope == "*" and name == "*":
            return ("*",)
        hosts.append(f"{namespace}/{name}" if slash and scope == "." else name if slash and scope == "*" else host)
    return tuple(hosts)


def _route_name(server: Server, port: int, offer: GatewayOffer) -> str:
    """``http.PORT``, or ``https.NUMBER.PORTNAME.GATEWAY.NAMESPACE`` (gatewayRDSRouteName)."""
    bind = f".{server.bind}" if server.bind else ""
    bound = BoundServer(server, "", (), port, "")
    if bound.protocol in HTTP_FAMILY:
        return f"http.{port}{bind}"
    if bound.is_http:
        return f"https.{server.port}.{server.port_name}.{offer.name}.{offer.namespace}{bind}"
    return ""


def _add(merged: MergedServers, bound: BoundServer) -> str:
    """Puts a server where it belongs; why it was rejected, or empty."""
    if bound.server.tls is not None:
        known = merged.tls_hosts.setdefault(bound.port, {})
        twice = [host for host in bound.hosts if known.get(host) == bound.server.bind]
        if twice:
            return f"{', '.join(twice)} has TLS on port {bound.port} already"
        known.update(dict.fromkeys(bound.hosts, bound.server.bind))
    key = ServerPort(bound.port, bound.server.protocol, bound.server.bind)
    if bound.port not in merged.taken:
        merged.taken.add(bound.port)
        _add_first(merged, bound, key)
        return ""
    current = merged.plain.get(bound.port)
    if current is not None:
        return _add_beside_plain(merged, bound, key, current)
    if not bound.is_tls:
        _add_first(merged, bound, key)
        return ""
    return _add_beside_tls(merged, bound, key)


def _add_first(merged: MergedServers, bound: BoundServer, key: ServerPort) -> None:
    if not bound.is_tls:
        merged.plain[bound.port] = key
    if bound.is_http:
        merged.by_route[bound.route_name] = [bound]
    merged.by_port[key] = [bound]
    merged.route_names[key] = bound.route_name


def _add_beside_plain(merged: MergedServers, bound: BoundServer, key: ServerPort, current: ServerPort) -> str:
    same_bind = current.bind == key.bind
    other = declared_protocol(current.protocol)
    mergeable = bound.protocol in HTTP_FAMILY and other in HTTP_FAMILY
    if same_bind and (not mergeable or not bound.route_name):
        return f"port {bound.port} already speaks {other}"
    if not same_bind and key not in merged.by_port:
        _add_first(merged, bound, key)
        return ""
    merged.by_port[current if same_bind else key].append(bound)
    merged.by_route.setdefault(bound.route_name, []).append(bound)
    return ""


def _add_beside_tls(merged: MergedServers, bound: BoundServer, key: ServerPort) -> str:
    if bound.is_http:
        if bound.route_name in merged.by_route:
            return f"its port's name {bound.server.port_name} is not unique in {bound.gateway}"
        merged.by_route[bound.route_name] = [bound]
    merged.by_port.setdefault(key, []).append(bound)
    return ""
