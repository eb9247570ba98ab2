"""Route configurations of a dump (envoy/config/route/v3) as the routes of the model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from analyzer.mesh.dump.matchers import conditions_of, string_match
from analyzer.mesh.gateway.routes import GatewayVirtualHost
from analyzer.mesh.kinds.retries import retries_connections
from analyzer.mesh.kinds.virtual_service import Abort, Cors, DirectResponse, HeaderOperations, Redirect, Rewrite
from analyzer.mesh.outbound.listener import ClusterChoice
from analyzer.mesh.outbound.route import CLUSTER_NOT_FOUND, Route, RouteConfig, VirtualHost, route_config
from analyzer.mesh.resource import Node

_ONLY_TLS = "ALL"
_FAULT = "envoy.filters.http.fault"
_CORS = "envoy.filters.http.cors"
_REDIRECT_CODES: Mapping[str, int] = {
    "MOVED_PERMANENTLY": 301, "FOUND": 302, "SEE_OTHER": 303, "TEMPORARY_REDIRECT": 307, "PERMANENT_REDIRECT": 308,
}  # fmt: skip
_NOT_FOUND_CODES: Mapping[str, int] = {"SERVICE_UNAVAILABLE": 503, "NOT_FOUND": 404, "INTERNAL_SERVER_ERROR": 500}
_DENOMINATORS: Mapping[str, int] = {"HUNDRED": 100, "TEN_THOUSAND": 10_000, "MILLION": 1_000_000}
# Ways of a RouteAction to find a cluster, or to change a request, that only a running Envoy knows.
_UNKNOWN_ACTIONS = (
    "cluster_header", "cluster_specifier_plugin", "inline_cluster_specifier_plugin", "auto_host_rewrite",
    "host_rewrite_header", "host_rewrite_path_regex", "path_rewrite_policy",
)  # fmt: skip


class DumpedRoute(Route, frozen=True):
    """A route of a dump; ``unknown`` names what it has that is not modelled."""

    unknown: tuple[str, ...] = ()


def routes_of_dump(name: str, node: Node | None) -> RouteConfig:
    """The route configuration of that name; an empty one, which answers 404, where the proxy has not got it."""
    if node is None:
        return route_config(name, [], None)
    headers = _headers(node)
    hosts = [_virtual_host(each, headers) for each in node.nodes("virtual_hosts")]
    return route_config(name, hosts, None)


def _virtual_host(node: Node, outer: HeaderOperations) -> VirtualHost:
    # Envoy applies the operations of the route first, then those of the host, then those of the configuration.
    headers = _joined(_headers(node), outer)
    routes = tuple(_route(each, headers) for each in node.nodes("routes"))
    domains = tuple(each.lower() for each in node.texts("domains"))
    if node.text("require_tls") == _ONLY_TLS:
        return GatewayVirtualHost(node.text("name"), domains, routes, yaml=(node.place(),), redirects_to_https=True)
    return VirtualHost(node.text("name"), domains, routes, yaml=(node.place(),))


def _route(node: Node, outer: HeaderOperations) -> DumpedRoute:
    found = conditions_of(node.node("match"))
    action, redirect, direct = node.node("route"), node.node("redirect"), node.node("direct_response")
    unknown = [*found.unknown, *(name for name in _UNKNOWN_ACTIONS if name in action)]
    if not (action or "redirect" in node or "direct_response" in node):
        unknown.append("a route without an action of these kinds")
    headers = _joined(_headers(node), outer)
    return DumpedRoute(
        name=node.text("name"),
        match=found.match,
        path_segments=found.path_segments,
        clusters=tuple(_clusters(action)),
        redirect=Redirect(_code(redirect), redirect.place()) if "redirect" in node else None,
        direct_response=DirectResponse(direct.integer("status"), direct.place()) if "direct_response" in node else None,
        abort=_abort(node),
        cors=_cors(node),
        rewrite=_rewrite(action),
        headers=headers if headers != HeaderOperations() else None,
        not_found_code=_NOT_FOUND_CODES.get(action.text("cluster_not_found_response_code"), CLUSTER_NOT_FOUND),
        yaml=(node.place(),),
        retries=_retries(action),
        unknown=tuple(unknown),
    )


def _clusters(action: Node) -> Iterator[ClusterChoice]:
    single = action.text("cluster")
    if single:
        yield ClusterChoice(single, 1, action.place("cluster"))
    for each in action.node("weighted_clusters").nodes("clusters"):
        if each.integer("weight"):
            headers = _headers(each)
            own = headers if headers != HeaderOperations() else None
            yield ClusterChoice(each.text("name"), each.integer("weight"), each.place(), own)


def _code(redirect: Node) -> int:
    return _REDIRECT_CODES.get(redirect.text("response_code"), 301)


def _rewrite(action: Node) -> Rewrite | None:
    regex = action.node("regex_rewrite")
    found = Rewrite(
        uri=action.text("prefix_rewrite"),
        authority=action.text("host_rewrite_literal"),
        pattern=regex.node("pattern").text("regex"),
        substitution=regex.text("substitution"),
    )
    return found if found != Rewrite() else None


def _abort(node: Node) -> Abort | None:
    """The fault of a route (envoy/extensions/filters/http/fault/v3); a delay decides nothing."""
    abort = node.node("typed_per_filter_config").node(_FAULT).node("abort")
    if not abort.integer("http_status"):
        return None
    percentage = abort.node("percentage")
    whole = _DENOMINATORS.get(percentage.text("denominator"), 100)
    return Abort(abort.integer("http_status"), 100 * percentage.integer("numerator") / whole, abort.place())


def _cors(node: Node) -> Cors | None:
    """The CORS policy of a route (envoy/extensions/filters/http/cors/v3); preflights of others go on by default."""
    policy = node.node("typed_per_filter_config").node(_CORS)
    if not policy:
        return None
    origins = (string_match(each) for each in policy.nodes("allow_origin_string_match"))
    forwards = policy.boolean("forward_not_matching_preflights", True)
    return Cors(tuple(each for each in origins if each is not None), forwards, policy.place())


def _retries(action: Node) -> int:
    """How often a connection that fails is tried at another endpoint."""
    policy = action.node("retry_policy")
    return policy.integer("num_retries", 1) if retries_connections(policy.text("retry_on")) else 0


def _headers(node: Node) -> HeaderOperations:
    added: list[tuple[str, str]] = []
    overwritten: list[tuple[str, str]] = []
    for each in node.nodes("request_headers_to_add"):
        header = each.node("header")
        appends = each.text("append_action") in ("", "APPEND_IF_EXISTS_OR_ADD") and each.boolean("append", True)
        (added if appends else overwritten).append((header.text("key").lower(), header.text("value")))
    removed = tuple(each.lower() for each in node.texts("request_headers_to_remove"))
    return HeaderOperations(tuple(overwritten), tuple(added), removed)


def _joined(inner: HeaderOperations, outer: HeaderOperations) -> HeaderOperations:
    return HeaderOperations(inner.set + outer.set, inner.add + outer.add, inner.remove + outer.remove)
