"""Listeners and filter chains, Envoy's nouns, and Envoy's choice of a chain."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from itertools import product

from analyzer.base.fact import Fact
from analyzer.base.place import YamlPlace
from analyzer.mesh.hosts import is_ip
from analyzer.mesh.kinds.virtual_service import HeaderOperations

RAW_BUFFER = "raw_buffer"
TLS_TRANSPORT = "tls"
# What a chain for plaintext HTTP asks the HTTP inspector for (filterchain_options.go plaintextHTTPALPNs).
PLAINTEXT_HTTP_ALPN = ("http/1.1", "h2c")

PASSTHROUGH_CLUSTER = "PassthroughCluster"
BLACK_HOLE_CLUSTER = "BlackHoleCluster"
DYNAMIC_DNS_CLUSTER = "AllowAnyDynamicDNSCluster"

PASSTHROUGH_CHAIN = "PassthroughFilterChain"
VIRTUAL_OUTBOUND = "virtualOutbound"
CATCH_ALL_CHAIN = "virtualOutbound-catchall-tcp"
CATCH_ALL_HTTP_CHAIN = "virtualOutbound-catchall-http"
BLACK_HOLE_CHAIN = "virtualOutbound-blackhole"

Network = IPv4Network | IPv6Network


class ClusterChoice(Fact, frozen=True):
    """A cluster that a route or a TCP chain names, with its weight, the place that names it, and its own headers."""

    cluster: str
    weight: int = 1
    place: YamlPlace | None = None
    headers: HeaderOperations | None = None


class FilterChain(Fact, frozen=True):
    """A filter chain: what it matches, and either a route configuration (``rds``) or the clusters of a TCP proxy.

    ``owner`` is the host of the service, or the name of the VirtualService, that it was made for.
    """

    name: str = ""
    transport: str = ""
    alpn: tuple[str, ...] = ()
    server_names: tuple[str, ...] = ()
    prefixes: tuple[Network, ...] = ()
    rds: str | None = None
    clusters: tuple[ClusterChoice, ...] = ()
    owner: str = ""
    yaml: tuple[YamlPlace, ...] = ()

    @property
    def told_names(self) -> tuple[str, ...]:
        """The server names that Envoy is told: none where ``*`` is among them (listener.go toFilterChainMatch)."""
        return () if "*" in self.server_names else self.server_names

    @property
    def matches_all(self) -> bool:
        """Whether it matches every connection (listener.go isMatchAll)."""
        return not (self.told_names or self.alpn or self.transport or self.prefixes)

    @property
    def match_key(self) -> tuple[object, ...]:
        """What two chains must not share inside one listener (listener.go conflictsWith)."""
        prefixes = frozenset(str(each) for each in self.prefixes if str(each.network_address) != "0.0.0.0")
        return self.transport, self.alpn, frozenset(self.server_names) - {"*"}, prefixes


class Listener(Fact, frozen=True):
    """A listener. ``default_chain`` takes what no other chain matches; None closes the connection.

    ``detection_timeout_ns`` is how long its inspectors wait for the client's first bytes; 0 is for ever. ``refused``
    are chains for which Envoy does not take it (``refused_chains``).
    """

    name: str
    chains: tuple[FilterChain, ...]
    default_chain: FilterChain | None
    tls_inspector: bool = False
    http_inspector: bool = False
    detection_timeout_ns: int = 0
    shadowed: tuple[FilterChain, ...] = ()
    refused: tuple[FilterChain, ...] = ()


def refused_chains(chains: Iterable[FilterChain]) -> tuple[FilterChain, ...]:
    """The first two chains of which some connection would match both alike, or one whose server name cannot be.

    Envoy refuses a listener that has such (filter_chain_manager_impl.cc addFilterChains).
    """
    known: dict[tuple[str, str, str, str], FilterChain] = {}
    for chain in chains:
        names = [each.lower() for each in chain.told_names]
        if any(name.startswith("*") and not name.startswith("*.") for name in names):
            return (chain,)
        prefixes = map(str, chain.prefixes) if chain.prefixes else ("",)
        for prefix, name, alpn in product(prefixes, names or ("",), chain.alpn or ("",)):
            other = known.setdefault((prefix, name, chain.transport, alpn), chain)
            if other is not chain:
                return other, chain
    return ()


class FirstBytes(Fact, frozen=True):
    """What inspectors could learn from the beginning of a connection.

    ``http`` is ``http/1.0``, ``http/1.1``, ``h2c`` or empty; ``alpn`` and ``sni`` are of a ClientHello.
    """

    tls: bool = False
    sni: str = ""
    alpn: tuple[str, ...] = ()
    http: str = ""


def choose_chain(listener: Listener, address: str, first: FirstBytes) -> FilterChain | None:
    """The filter chain that takes a connection to ``address`` (Envoy's filter_chain_manager_impl.cc).

    Destination address, server name, transport, application protocols: in this order and without backtracking.
    """
    transport, sni, alpn = RAW_BUFFER, "", tuple[str, ...]()
    if listener.tls_inspector and first.tls:
        transport, sni, alpn = TLS_TRANSPORT, first.sni.lower(), first.alpn
    elif listener.http_inspector and first.http and not first.tls:
        alpn = (first.http,)
    left = _by_address(listener.chains, address)
    left = _by_server_name(left, sni)
    left = _by_transport(left, transport)
    return _by_application(left, alpn) or listener.default_chain


def _by_address(chains: Sequence[FilterChain], address: str) -> list[FilterChain]:
    """The chains of the longest prefix that holds the address; what is no IP address is in no prefix."""
    target = ip_address(address) if is_ip(address) else None
    containing = [
        (prefix.prefixlen, chain)
        for chain in chains
        for prefix in chain.prefixes
        if target is not None and target in prefix
    ]
    if containing:
        longest = max(length for length, _ in containing)
        return [chain for length, chain in containing if length == longest]
    return [chain for chain in chains if not chain.prefixes]


def _by_server_name(chains: Sequence[FilterChain], sni: str) -> list[FilterChain]:
    if sni:
        exact = [chain for chain in chains if sni in chain.told_names]
        if exact:
            return exact
        labels = sni.split(".")
        for start in range(1, len(labels)):
            wildcard = "*." + ".".join(labels[start:])
            found = [chain for chain in chains if wildcard in chain.told_names]
            if found:
                return found
    return [chain for chain in chains if not chain.told_names]


def _by_transport(chains: Iterable[FilterChain], transport: str) -> list[FilterChain]:
    chains = list(chains)
    return [c for c in chains if c.transport == transport] or [c for c in chains if not c.transport]


def _by_application(chains: Sequence[FilterChain], alpn: tuple[str, ...]) -> FilterChain | None:
    for protocol in alpn:
        found = next((chain for chain in chains if protocol in chain.alpn), None)
        if found is not None:
            return found
    return next((chain for chain in chains if not chain.alpn), None)
