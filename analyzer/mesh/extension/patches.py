"""Patches of EnvoyFilters: which of them touch a call's way, and which of those could change its end.

What a patch touches is istiod's own rule (pilot/pkg/networking/core/envoyfilter). What it could change is ours:
a patch counts as harmless only where it is on one of the lists below, and everything else could change the verdict.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from analyzer.mesh.extension.selected import envoy_filters
from analyzer.mesh.extension.spot import GATEWAY, SIDECAR_INBOUND, Spot
from analyzer.mesh.kinds.envoy_filter import ANY_CONTEXT, EnvoyFilter, ListenerMatch, Patch, RouteMatch
from analyzer.mesh.outbound.destination import parse_cluster_name
from analyzer.mesh.proxy import Proxy
from analyzer.mesh.snapshot import MeshSnapshot

HTTP_CONNECTION_MANAGER = "envoy.filters.network.http_connection_manager"
TCP_PROXY = "envoy.filters.network.tcp_proxy"

_ADD, _MERGE, _REMOVE, _REPLACE = "ADD", "MERGE", "REMOVE", "REPLACE"
# What HTTP alone has.
_HTTP_OBJECTS = ("HTTP_FILTER", "ROUTE_CONFIGURATION", "VIRTUAL_HOST", "HTTP_ROUTE")
_CHAIN_OBJECTS = ("FILTER_CHAIN", "NETWORK_FILTER", "HTTP_FILTER")
_FILTERS = ("NETWORK_FILTER", "HTTP_FILTER")
_NAMES = frozenset({"name", "typed_config.@type"})
# Definitions that only count where something else refers to them, and what is read before any listener exists.
_NEVER_DECIDING = ("BOOTSTRAP", "EXTENSION_CONFIG")

# Filters that watch or repack what passes, by the names that Istio and Envoy give them.
HARMLESS_FILTERS = frozenset(
    {
        "istio.stats", "istio.metadata_exchange", "istio.metadata-exchange", "istio.peer_metadata",
        "envoy.filters.network.metadata_exchange", "envoy.filters.http.peer_metadata", "envoy.filters.http.grpc_stats",
        "envoy.filters.http.tap", "envoy.filters.http.compressor", "envoy.filters.http.decompressor",
    }
)  # fmt: skip

_RESPONSE_HEADERS = frozenset({"response_headers_to_add", "response_headers_to_remove"})
# Fields that a MERGE may set without a word in the verdict: logs, traces, statistics, buffers, timeouts, retries and
# headers of the answer.
HARMLESS_FIELDS: Mapping[str, frozenset[str]] = {
    "LISTENER": frozenset(
        {
            "access_log", "per_connection_buffer_limit_bytes", "socket_options", "tcp_backlog_size", "metadata",
            "connection_balance_config", "stat_prefix", "enable_reuse_port", "drain_type",
        }
    ),
    "FILTER_CHAIN": frozenset({"metadata"}),
    "NETWORK_FILTER": frozenset(
        f"typed_config.{name}"
        for name in (
            "access_log", "access_log_options", "tracing", "stat_prefix", "generate_request_id", "server_name",
            "preserve_external_request_id", "always_set_request_id_in_response", "server_header_transformation", "via",
            "add_user_agent", "forward_client_cert_details", "set_current_client_cert_details", "idle_timeout",
            "stream_idle_timeout", "request_timeout", "drain_timeout", "delayed_close_timeout", "max_connect_attempts",
            "common_http_protocol_options.idle_timeout", "common_http_protocol_options.max_connection_duration",
            "common_http_protocol_options.max_stream_duration", "http2_protocol_options",
        )
    ),
    "ROUTE_CONFIGURATION": _RESPONSE_HEADERS | {"max_direct_response_body_size_bytes"},
    "VIRTUAL_HOST": _RESPONSE_HEADERS | {"retry_policy", "hedge_policy", "include_request_attempt_count", "metadata"},
    "HTTP_ROUTE": _RESPONSE_HEADERS
    | {"metadata", "decorator", "tracing", "stat_prefix", "per_request_buffer_limit_bytes"}
    | {f"route.{name}" for name in ("timeout", "idle_timeout", "retry_policy", "hedge_policy", "hash_policy")}
    | {"route.max_stream_duration"},
}  # fmt: skip


def patches_at(mesh: MeshSnapshot, proxy: Proxy, spot: Spot) -> Iterator[tuple[EnvoyFilter, Patch]]:
    """The patches that touch a call's way through a proxy, in the order in which istiod applies the filters."""
    for envoy_filter in envoy_filters(mesh, proxy):
        for patch in envoy_filter.patches:
            if touches(patch, spot):
                yield envoy_filter, patch


def touches(patch: Patch, spot: Spot) -> bool:
    """Whether a patch changes something that the call passes.

    A condition on something that the call did not reach, or that is not known, counts as fulfilled; the version and
    the metadata of the proxy are never known.
    """
    if patch.context not in (ANY_CONTEXT, spot.context):
        return False
    if patch.apply_to == "CLUSTER":
        return _touches_cluster(patch, spot)
    if patch.apply_to in _HTTP_OBJECTS and not spot.http:
        return False
    if patch.apply_to == "LISTENER" and patch.operation == _ADD:
        return True
    if patch.apply_to in ("ROUTE_CONFIGURATION", "VIRTUAL_HOST", "HTTP_ROUTE"):
        return _fits_route(patch.route, spot, patch)
    return _fits_listener(patch.listener, spot, patch.apply_to)


def may_decide(patch: Patch, spot: Spot) -> bool:
    """Whether a patch that touches the call's way could change where the call ends.

    Clusters: only their removal, and a new one of the very name that the call asks for.
    """
    if patch.apply_to in _NEVER_DECIDING:
        return False
    if patch.apply_to == "CLUSTER":
        return patch.operation == _REMOVE or (patch.operation == _ADD and patch.value_name == spot.cluster)
    if patch.apply_to in _FILTERS and _filter_name(patch) in HARMLESS_FILTERS:
        return False
    if patch.operation == _MERGE:
        return not set(patch.fields) <= HARMLESS_FIELDS.get(patch.apply_to, frozenset()) | _NAMES
    return True


def _filter_name(patch: Patch) -> str:
    """The filter that a patch is about: the one that it removes or changes, else the one that it brings."""
    if patch.operation in (_MERGE, _REMOVE, _REPLACE):
        of_http = patch.apply_to == "HTTP_FILTER"
        return patch.listener.sub_filter if of_http else patch.listener.filter
    return patch.value_name


def _touches_cluster(patch: Patch, spot: Spot) -> bool:
    if patch.operation == _ADD:
        # Without a context a cluster is added on the way out only (cluster_patch.go InsertedClusters).
        return patch.context != ANY_CONTEXT or spot.context != SIDECAR_INBOUND
    match = patch.cluster
    if spot.cluster is None:
        return False
    if match.name:
        return match.name == spot.cluster
    port, subset, host = parse_cluster_name(spot.cluster) or (0, "", "")
    return (
        match.subset in ("", subset)
        and match.port in (0, port)
        and (match.service in ("", host) or (spot.context == SIDECAR_INBOUND and not host))
    )


def _fits_listener(match: ListenerMatch, spot: Spot, apply_to: str) -> bool:
    if match.name not in ("", spot.listener) or match.port not in (0, spot.port):
        return False
    if apply_to not in _CHAIN_OBJECTS:
        return True
    if match.sni and match.sni != spot.sni and not match.sni.startswith("*"):
        return False
    if match.chain and spot.filter_chain is not None and match.chain != spot.filter_chain:
        return False
    if match.transport not in ("", spot.transport) or match.destination_port not in (0, spot.port):
        return False
    return match.filter != (TCP_PROXY if spot.http else HTTP_CONNECTION_MANAGER)


def _fits_route(match: RouteMatch, spot: Spot, patch: Patch) -> bool:
    """A patch that adds a virtual host, or a route, could add one that comes first."""
    if spot.route_config is not None and match.name not in ("", spot.route_config):
        return False
    # A gateway's route goes by the Service's port, which is not known here.
    if match.port not in (0, spot.traffic_port) and spot.context != GATEWAY:
        return False
    if patch.apply_to == "ROUTE_CONFIGURATION" or (patch.apply_to == "VIRTUAL_HOST" and patch.operation == _ADD):
        return True
    if spot.virtual_host is not None and match.virtual_host not in ("", spot.virtual_host):
        return False
    changes = patch.operation in (_MERGE, _REMOVE)
    return not (changes and spot.route is not None and match.route not in ("", spot.route))
