"""Listeners and filter chains of a dump (envoy/config/listener/v3), and what in them is not modelled."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from analyzer.mesh.extension.patches import HARMLESS_FILTERS
from analyzer.mesh.kinds.mesh_config import parse_duration_ns
from analyzer.mesh.outbound.listener import ClusterChoice, FilterChain, Listener, Network
from analyzer.mesh.path import BASE, DECODE_AND_MERGE_SLASHES, MERGE_SLASHES, NONE
from analyzer.mesh.resource import Node

TLS_INSPECTOR = "envoy.filters.listener.tls_inspector"
HTTP_INSPECTOR = "envoy.filters.listener.http_inspector"
# What a listener waits where it does not say (Listener.listener_filters_timeout).
_DEFAULT_TIMEOUT_NS = 15_000_000_000

# HTTP filters that change no decision, or only what the model takes from the routes (faults); the policies' filters
# are looked at where they count.
_KNOWN_HTTP_FILTERS = HARMLESS_FILTERS | {
    "envoy.filters.http.router", "envoy.filters.http.cors", "envoy.filters.http.fault", "envoy.filters.http.grpc_web",
    "istio.alpn", "istio_authn",
}  # fmt: skip
POLICY_FILTERS = frozenset(
    {"envoy.filters.network.rbac", "envoy.filters.http.rbac", "envoy.filters.http.jwt_authn"}
)  # fmt: skip
_OF_SOURCES = ("source_type", "source_prefix_ranges", "source_ports", "direct_source_prefix_ranges")


class DumpedChain(FilterChain, frozen=True):
    """A chain of a dump. ``port`` is the destination port that it matches, 0 for any.

    ``manager`` is the configuration of its HTTP connection manager, None for other chains; ``filters`` all its filters,
    network filters first; ``terminates``: it ends TLS. ``unknown`` names what it has that is not modelled.
    """

    port: int = 0
    manager: Node | None = None
    filters: tuple[Node, ...] = ()
    terminates: bool = False
    unknown: tuple[str, ...] = ()

    @property
    def path_normalization(self) -> str:
        """The policy of MeshConfig that the connection manager's settings come from."""
        manager = self.manager
        if manager is None or not manager.boolean("normalize_path"):
            return NONE
        if manager.text("path_with_escaped_slashes_action").startswith("UNESCAPE"):
            return DECODE_AND_MERGE_SLASHES
        return MERGE_SLASHES if manager.boolean("merge_slashes") else BASE

    @property
    def http10(self) -> bool:
        """Whether the connection manager takes HTTP/1.0."""
        return self.manager is not None and self.manager.node("http_protocol_options").boolean("accept_http_10")

    @property
    def request_ids(self) -> bool:
        """Whether the connection manager makes an X-Request-Id."""
        return self.manager is None or self.manager.boolean("generate_request_id", True)


def listener_for(node: Node, port: int) -> Listener:
    """A listener as it is for connections to ``port``: chains for other ports are left out."""
    chains = [chain_of(each) for each in node.nodes("filter_chains")]
    fitting = [chain for chain in chains if chain.port == port] or [chain for chain in chains if not chain.port]
    default = node.node("default_filter_chain")
    names = {each.text("name") for each in node.nodes("listener_filters") if not _is_disabled(each, port)}
    return Listener(
        name=node.text("name"),
        chains=tuple(fitting),
        default_chain=chain_of(default) if default else None,
        tls_inspector=TLS_INSPECTOR in names,
        http_inspector=HTTP_INSPECTOR in names,
        detection_timeout_ns=_timeout_ns(node),
    )


def chain_of(node: Node) -> DumpedChain:
    """One filter chain."""
    match = node.node("filter_chain_match")
    filters = node.nodes("filters")
    manager = next((each.node("typed_config") for each in filters if _type(each) == "HttpConnectionManager"), None)
    proxy = next((each.node("typed_config") for each in filters if _type(each) == "TcpProxy"), None)
    http_filters = manager.nodes("http_filters") if manager is not None else ()
    rds = route_config_name(manager) if manager is not None else None
    clusters = tuple(_clusters(proxy)) if proxy is not None and manager is None else ()
    return DumpedChain(
        name=node.text("name"),
        transport=match.text("transport_protocol"),
        alpn=match.texts("application_protocols"),
        server_names=tuple(each.lower() for each in match.texts("server_names")),
        prefixes=tuple(_prefixes(match)),
        rds=rds,
        clusters=clusters,
        owner=clusters[0].cluster if clusters else f"route configuration {rds}" if rds else "",
        yaml=(node.place(),),
        port=match.integer("destination_port"),
        manager=manager,
        filters=(*filters, *http_filters),
        terminates=_type(node.node("transport_socket")) == "DownstreamTlsContext",
        unknown=tuple(_unknown(match, filters, http_filters, proxy)),
    )


def route_config_name(manager: Node) -> str:
    """The name of a connection manager's routes, whether they are its own or come by RDS."""
    return manager.node("rds").text("route_config_name") or manager.node("route_config").text("name")


def _type(node: Node) -> str:
    return node.node("typed_config").text("@type").rpartition(".")[2]


def _clusters(proxy: Node) -> Iterator[ClusterChoice]:
    single = proxy.text("cluster")
    if single:
        yield ClusterChoice(single, 1, proxy.place("cluster"))
    for each in proxy.node("weighted_clusters").nodes("clusters"):
        yield ClusterChoice(each.text("name"), each.integer("weight", 1), each.place())


def _prefixes(match: Node) -> Iterator[Network]:
    for each in match.nodes("prefix_ranges"):
        try:
            yield ip_network(f"{each.text('address_prefix')}/{each.integer('prefix_len')}", strict=False)
        except ValueError:
            continue


def _unknown(
    match: Node, filters: tuple[Node, ...], http_filters: tuple[Node, ...], proxy: Node | None
) -> Iterator[str]:
    yield from (f"filter_chain_match.{name}" for name in _OF_SOURCES if name in match)
    terminal = 0
    for each in filters:
        kind, name = _type(each), each.text("name")
        if kind in ("HttpConnectionManager", "TcpProxy"):
            terminal += 1
        elif name not in HARMLESS_FILTERS | POLICY_FILTERS:
            yield name
    if terminal != 1:
        yield "a chain without a connection manager or TCP proxy"
    for each in http_filters:
        name = each.text("name")
        if name not in _KNOWN_HTTP_FILTERS | POLICY_FILTERS and not each.boolean("disabled"):
            yield name
    if proxy is not None and "tunneling_config" in proxy:
        yield "tunneling_config"


def _is_disabled(node: Node, port: int) -> bool:
    disabled = node.node("filter_disabled")
    return bool(disabled) and _excludes(disabled, port)


def _excludes(match: Node, port: int) -> bool:
    """Whether a ListenerFilterChainMatchPredicate holds for a destination port."""
    if "any_match" in match:
        return match.boolean("any_match")
    if "not_match" in match:
        return not _excludes(match.node("not_match"), port)
    if "or_match" in match:
        return any(_excludes(each, port) for each in match.node("or_match").nodes("rules"))
    if "and_match" in match:
        return all(_excludes(each, port) for each in match.node("and_match").nodes("rules"))
    ports = match.node("destination_port_range")
    return ports.integer("start") <= port < ports.integer("end")


def _timeout_ns(node: Node) -> int:
    text = node.text("listener_filters_timeout")
    found = parse_duration_ns(text) if text else _DEFAULT_TIMEOUT_NS
    return _DEFAULT_TIMEOUT_NS if found is None else found
