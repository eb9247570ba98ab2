"""Which side of which sidecar a wire is: read from addresses where iptables leaves its mark, from TLS where Envoy does.

What a wire is decides who answers for it: an application's own connection is a call, a sidecar's is a leg of one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import Enum
from functools import lru_cache
from ipaddress import ip_address
from types import MappingProxyType

from analyzer.base.fact import Fact
from analyzer.base.stream import Stream
from analyzer.flow.connection import Connection
from analyzer.protocol.facts import ClientHello, Conversation, Exchange
from analyzer.verdict.wires import Wire

# Istio's iptables redirect outbound connections to 15001 and inbound ones to 15006 (istio/tools, iptables constants).
OUTBOUND_PORT, INBOUND_PORT = 15001, 15006
# Linux gives lo this interface index in every network namespace (LOOPBACK_IFINDEX).
_LO_IFINDEX = 1
# The source address of the connection from a sidecar to its own application (InboundPassthroughBindIpv4/Ipv6).
DELIVERY_ADDRESSES = frozenset({"127.0.0.6", "::6"})
# An upstream TLS context for Istio mutual TLS names the cluster in its SNI, `|` written `_.`.
_CLUSTER_SNI = re.compile(r"outbound_\.(\d{1,5})_\.([^|]*?)_\.([^|]+)")
# ALPN values that only sidecars offer; the first says how the client's sidecar treats the bytes.
ISTIO_ALPN = frozenset({"istio", "istio-http/1.0", "istio-http/1.1", "istio-h2", "istio-peer-exchange"})
_TCP_ALPN = "istio-peer-exchange"
# Envoy's HTTP connection manager adds them to requests that have none.
_ADDED_HEADERS = ("x-request-id", "x-forwarded-proto")
# ... and a sidecar, on its way out, this one: istiod sets include_request_attempt_count for it.
_OF_SIDECARS = (*_ADDED_HEADERS, "x-envoy-attempt-count")
_NOWHERE: Mapping[str, str] = MappingProxyType({})


class Role(Enum):
    """What a wire is, seen from the applications."""

    APP = "app-to-sidecar"
    UPSTREAM = "sidecar-to-upstream"
    DELIVERY = "sidecar-to-app"
    DIRECT = "direct"


class Said(Fact, frozen=True):
    """A wire with what was said on it, and its role; ``delivered_at`` is the pod of a delivery, by its address."""

    wire: Wire
    conversation: Conversation
    role: Role
    delivered_at: str = ""

    @property
    def sni(self) -> str | None:
        """The SNI of its ClientHello, where there is one."""
        hello = client_hello(self.conversation)
        return hello.sni if hello else None

    @property
    def alpn(self) -> tuple[str, ...]:
        """The protocols that its ClientHello offers."""
        hello = client_hello(self.conversation)
        return hello.alpn if hello else ()

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """The exchanges that can be read: said in the clear, or inside TLS that a key log opens."""
        inside = self.conversation.inside
        return self.conversation.exchanges or (inside.conversation.exchanges if inside else ())

    @property
    def streams(self) -> tuple[Stream, Stream]:
        """What client and server sent, as the positions in ``exchanges`` count it."""
        inside = self.conversation.inside
        if inside and not self.conversation.exchanges:
            return inside.from_client, inside.from_server
        return self.wire.connection.from_client, self.wire.connection.from_server

    @property
    def istio_mtls(self) -> bool:
        """Whether a sidecar opened it with Istio's mutual TLS."""
        return _is_istio_mtls(self.conversation)

    @property
    def carries_marks(self) -> bool:
        """Whether its requests have what a sidecar adds to each, which applications do not pass on."""
        requests = [exchange.request for exchange in self.exchanges if exchange.request is not None]
        return bool(requests) and all(r.header(name) for r in requests for name in _OF_SIDECARS)

    @property
    def client_tls(self) -> str:
        """As the function of this name."""
        return client_tls(self.conversation)

    @property
    def carries_tcp(self) -> bool:
        """Whether it may carry opaque TCP: by ALPN inside Istio's mutual TLS, else by what was said."""
        if self.istio_mtls:
            return _TCP_ALPN in self.alpn
        return not self.conversation.exchanges

    @property
    def may_seal_http(self) -> bool:
        """Whether HTTP may be inside unread: any TLS but Istio's mutual TLS for TCP."""
        sealed = self.conversation.tls is not None and not (self.istio_mtls and self.carries_tcp)
        return sealed and not self.exchanges


def client_hello(said: Conversation) -> ClientHello | None:
    """The ClientHello of a TLS connection, where it was seen."""
    return said.tls.client_hello if said.tls else None


def client_tls(said: Conversation) -> str:
    """``plaintext``, ``tls``, or ``mtls`` where the client shows a certificate, or means to by Istio's ALPN."""
    if said.tls is None:
        return "plaintext"
    shown = _is_istio_mtls(said) if said.tls.client_certificate is None else said.tls.client_certificate
    return "mtls" if shown else "tls"


def _is_istio_mtls(said: Conversation) -> bool:
    hello = client_hello(said)
    return hello is not None and any(name in ISTIO_ALPN for name in hello.alpn)


def cluster_of_sni(sni: str | None) -> str | None:
    """``outbound|PORT|SUBSET|HOST`` where an SNI names a cluster, else None."""
    match = _CLUSTER_SNI.fullmatch(sni or "")
    return f"outbound|{match[1]}|{match[2]}|{match[3]}" if match else None


@lru_cache(maxsize=65536)
def is_loopback(ip: str) -> bool:
    """Whether an address never leaves its pod."""
    return ip_address(ip).is_loopback


def assign_roles(
    said: Iterable[tuple[Wire, Conversation]],
    sidecar_pods: frozenset[str],
    local: Mapping[str, str] = _NOWHERE,
) -> list[Said]:
    """Every wire's role.

    ``sidecar_pods`` are the addresses of pods that the mesh gives a sidecar; addresses that the captures show behind
    one (redirected connections, deliveries) are added. A connection of such an address may be its sidecar's; whether
    it is, the legs that fit together decide. ``local`` are the captures of pods whose sidecar delivers to 127.0.0.1
    (MeshConfig.inboundTrafficPolicy LOCALHOST), with the pod's address.
    """
    pairs = [(wire, conversation) for wire, conversation in said]
    behind = sidecar_pods | {w.client.ip for w, _ in pairs if w.connection.redirect_port == OUTBOUND_PORT}
    behind |= {w.connection.server.ip for w, _ in pairs if w.client.ip in DELIVERY_ADDRESSES}
    return [_with_role(wire, conversation, behind, local) for wire, conversation in pairs]


def _with_role(wire: Wire, conversation: Conversation, behind: frozenset[str], local: Mapping[str, str]) -> Said:
    role = _role_of(wire, conversation, behind)
    home = local.get(wire.main.capture, "") if role is Role.DIRECT else ""
    if home and _is_local_delivery(wire, conversation):
        return Said(wire, conversation, Role.DELIVERY, home)
    return Said(wire, conversation, role, wire.connection.server.ip if role is Role.DELIVERY else "")


def _is_local_delivery(wire: Wire, conversation: Conversation) -> bool:
    """Whether requests on lo have the headers that a sidecar adds, which an application that calls itself does not.

    A head that was cut off may have had them.
    """
    requests = [exchange.request for exchange in conversation.exchanges if exchange.request is not None]
    inside = is_loopback(wire.client.ip) and is_loopback(wire.connection.server.ip)
    added = all(r.header(name) or not r.whole for r in requests for name in _ADDED_HEADERS)
    return inside and bool(requests) and added


def _role_of(wire: Wire, conversation: Conversation, behind: frozenset[str]) -> Role:
    connection = wire.connection
    client = connection.client.ip
    if connection.redirect_port == OUTBOUND_PORT:
        return Role.APP
    if connection.redirect_port == INBOUND_PORT:
        return Role.UPSTREAM
    if client in DELIVERY_ADDRESSES:
        return Role.DELIVERY
    if is_loopback(client) or all(server.ip == client for server in wire.servers):
        return Role.DIRECT
    if client in behind and _is_answering_half(connection):
        return Role.APP
    said = Said(wire, conversation, Role.DIRECT)
    upstream = client in behind or said.istio_mtls or cluster_of_sni(said.sni)
    return Role.UPSTREAM if upstream else Role.DIRECT


def _is_answering_half(connection: Connection) -> bool:
    """Whether it is the half of a redirected connection in which its answers come, alone.

    On lo nothing but iptables gives answers the address of somebody else. Elsewhere, and where the link does not name
    interfaces, nothing tells it from a sidecar's connection whose other direction was not captured.
    """
    alone = not connection.client_packets and not is_loopback(connection.server.ip)
    return alone and connection.ifindexes == (_LO_IFINDEX,)
