"""HTTP on a proxy's way out: connection manager, virtual host, route, then the cluster or the proxy's own answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from analyzer.base.fact import Fact, field, replace
from analyzer.mesh.kinds.virtual_service import HeaderOperations
from analyzer.mesh.outbound.listener import ClusterChoice
from analyzer.mesh.outbound.request import (
    FORWARDED_PROTO,
    HttpRequest,
    made_headers,
    refused_upgrade,
    with_forwarded_proto,
)
from analyzer.mesh.outbound.route import (
    BLOCK_ALL_HOST,
    Route,
    RouteConfig,
    VirtualHost,
    answers_preflight,
    hangs_on_claims,
    hangs_on_unseen,
    route_matches,
    unmet_condition,
)
from analyzer.mesh.outbound.told import Routes
from analyzer.mesh.path import is_refused_path, normalize_path
from analyzer.mesh.regex import replace_all
from analyzer.verdict.decision import (
    DROPPED,
    SERVICE_MATCHED,
    Candidate,
    LocalResponse,
    Outbound,
    Step,
    WeightedCluster,
)
from analyzer.verdict.outbound_cluster import Sender, send_to
from analyzer.verdict.question import Question
from analyzer.verdict.reasons import (
    BAD_REQUEST,
    BLOCK_ALL,
    HEADER_UNSEEN,
    LOCAL_REPLY,
    NO_CLUSTER,
    NO_ROUTE,
    TOKEN_UNVERIFIED,
    WEIGHTED,
)
from analyzer.verdict.upstream import OutboundDecision

_MISSING_HOST = LocalResponse(400, None)
_NO_PATH = LocalResponse(404, None)
_BAD_PATH = LocalResponse(400, None)
_CODEC_ERROR = LocalResponse(400, "DPE")
_UPGRADE_REQUIRED = LocalResponse(426, "DPE")
_UPGRADE_REFUSED = LocalResponse(403, None)
_REFUSED = "its codec does not take the head of this request, or did not take one before it on the connection"
_SCHEMES = ("http", "https")
_HOST_HEADERS = ("host", ":authority")
# Candidates that lost are only worth naming while a person can read them.
_MAX_LOST = 8


class Routing(Fact, frozen=True):
    """What a connection manager reads requests by: the routes that it was told, and what it knows of a connection.

    ``scheme`` is what the connection itself says of requests. ``edge``: the proxy stands at the edge, where it does not
    believe an X-Forwarded-Proto that a client sends. ``claims`` are those of the request's verified token, None where
    they cannot be known.
    """

    routes: Routes
    scheme: str = "http"
    edge: bool = False
    claims: Mapping[str, Any] | None = field(default_factory=dict)


def route_http(sender: Sender, so_far: Outbound, routing: Routing) -> OutboundDecision:
    """What the HTTP connection manager of a chain makes of the question's call."""
    outbound = replace(so_far, route_config=routing.routes.config.name)
    question = sender.question
    if question.host is None and question.head_cut and question.tls == "plaintext":
        step = Step("Envoy's connection manager reads a request that was not captured")
        return OutboundDecision(outbound, None, None, (HEADER_UNSEEN.name,), steps=(step,))
    refusal = _refusal(question, routing)
    if refusal is not None:
        response, why = refusal
        does = f"answers {response.code}" if response.code else "closes the connection"
        step = Step(f"Envoy's connection manager {does}: {why}")
        ended = replace(outbound, response=response)
        return OutboundDecision(ended, None, None, (BAD_REQUEST.name,), steps=(step,))
    config, request = routing.routes.config, request_of(question, routing)
    host = config.host_for(request)
    if host is None:
        ended = replace(outbound, response=LocalResponse(404, "NR"))
        sentence = f"route configuration {config.name} has no virtual host for {request.host}: 404"
        step = Step(sentence, code=NO_ROUTE.name)
        return OutboundDecision(ended, DROPPED, NO_ROUTE.name, steps=(step,), request=request)
    found = replace(outbound, virtual_host=host.name)
    step = _host_step(config, host, request)
    return _with_steps(_choose_route(sender, found, host, request), step)


def _refusal(question: Question, routing: Routing) -> tuple[LocalResponse, str] | None:
    if question.tls != "plaintext":
        return _CODEC_ERROR, "TLS where it expects HTTP"
    if question.protocol == "tcp":
        return _CODEC_ERROR, "the bytes are no HTTP"
    if question.protocol == "http/1.0" and not routing.routes.http10:
        return _UPGRADE_REQUIRED, "HTTP/1.0 is not accepted"
    if question.refused is not None:
        return LocalResponse(question.refused or None, "DPE"), _REFUSED
    if question.host is None:
        return _MISSING_HOST, "the request has no Host"
    if question.path == "*" and question.method == "OPTIONS":
        return _NO_PATH, "it takes no request for the server itself"
    if question.method != "CONNECT" and is_refused_path(question.path, routing.routes.path_normalization):
        return _BAD_PATH, "the path has a fragment, or an encoded NUL"
    return None


def request_of(question: Question, routing: Routing) -> HttpRequest:
    """The request as routes see it.

    Its scheme is that of the target, else of a believed X-Forwarded-Proto, else of the connection (Envoy's
    ConnectionManagerUtility::mutateRequestHeaders); HTTP/2 clients send that of the connection.
    """
    authority, path = question.host or "", question.path
    scheme, edge = routing.scheme, routing.edge
    headers = with_forwarded_proto(question.headers, scheme, edge=edge, head_cut=question.head_cut)
    if question.scheme is not None:
        scheme = question.scheme
    elif question.method == "CONNECT":
        authority = question.path if question.path not in ("", "/") else authority
    elif question.protocol != "http2" and not edge:
        forwarded = dict(headers).get(FORWARDED_PROTO, "").lower()
        scheme = forwarded if forwarded in _SCHEMES else scheme
    return HttpRequest(
        authority=authority,
        path=normalize_path(path, routing.routes.path_normalization),
        method=question.method,
        scheme=scheme,
        headers=headers,
        head_cut=question.head_cut,
        made=made_headers(headers, request_ids=routing.routes.request_ids),
        claims=routing.claims,
    )


def _choose_route(sender: Sender, outbound: Outbound, host: VirtualHost, request: HttpRequest) -> OutboundDecision:
    tried: list[Route] = []
    for route in host.routes:
        if hangs_on_unseen(route, request):
            step = Step(f"{_route_sentence(route, host)} if a header that was not captured says so", (), route.yaml)
            return OutboundDecision(outbound, None, None, (HEADER_UNSEEN.name,), steps=(step,), request=request)
        if hangs_on_claims(route, request):
            step = Step(f"{_route_sentence(route, host)} if a claim that is not known says so", (), route.yaml)
            return OutboundDecision(outbound, None, None, (TOKEN_UNVERIFIED.name,), steps=(step,), request=request)
        if route_matches(route, request):
            step = Step(_route_sentence(route, host), (), route.yaml, _lost_routes(tried, request))
            upgrade = refused_upgrade(request.headers) if sender.question.protocol == "http" else ""
            if upgrade:
                return _with_steps(_refuse_upgrade(replace(outbound, route=route.name), upgrade, request), step)
            return _with_steps(_take_route(sender, replace(outbound, route=route.name), route, request), step)
        tried.append(route)
    step = Step(
        f"none of the {len(host.routes)} routes of {host.name} matches {request.method} {request.path}: 404",
        (),
        host.yaml,
        _lost_routes(tried, request),
    )
    ended = replace(outbound, response=LocalResponse(404, "NR"))
    return OutboundDecision(ended, DROPPED, NO_ROUTE.name, steps=(step,), request=request)


def _refuse_upgrade(outbound: Outbound, upgrade: str, request: HttpRequest) -> OutboundDecision:
    """Envoy asks whether it may upgrade once it has a route, before any filter (conn_manager_impl.cc)."""
    step = Step(f"Envoy's connection manager answers 403: it allows no upgrade to {upgrade}")
    ended = replace(outbound, response=_UPGRADE_REFUSED)
    return OutboundDecision(ended, None, None, (BAD_REQUEST.name,), steps=(step,), request=request)


def _take_route(sender: Sender, outbound: Outbound, route: Route, request: HttpRequest) -> OutboundDecision:
    """What a route does; its fault comes first, for the fault filter stands before the router."""
    decided = _act(sender, outbound, route, request)
    if route.cors is not None:
        decided = _ask_before(outbound, route, request, decided)
    if route.abort is not None and route.abort.percent > 0:
        return _abort(outbound, route, request, decided)
    return decided


def _ask_before(
    outbound: Outbound, route: Route, request: HttpRequest, otherwise: OutboundDecision
) -> OutboundDecision:
    """CORS: a preflight that the proxy answers instead of the destination."""
    answers = answers_preflight(route, request)
    if answers is False:
        return otherwise
    assert route.cors is not None
    if answers is None:
        step = Step("CORS: it may be a preflight, if headers that were not captured say so", yaml=(route.cors.place,))
        return OutboundDecision(
            otherwise.outbound, None, None, (HEADER_UNSEEN.name,), steps=(*otherwise.steps, step), request=request
        )
    known = otherwise.outbound.cluster if otherwise.reason != NO_CLUSTER.name else None
    answered = replace(outbound, cluster=known)
    return _answer(answered, LocalResponse(200, None), "the proxy answers a CORS preflight", request)


def _act(sender: Sender, outbound: Outbound, route: Route, request: HttpRequest) -> OutboundDecision:
    if route.redirect is not None:
        return _answer(outbound, LocalResponse(route.redirect.code, None), "the route redirects", request)
    if route.direct_response is not None:
        response = LocalResponse(route.direct_response.status, None)
        if route.name == BLOCK_ALL_HOST and host_is_block_all(outbound):
            ended = replace(outbound, response=response)
            step = Step("hosts outside the registry are not allowed (REGISTRY_ONLY): 502", yaml=route.yaml)
            return OutboundDecision(ended, DROPPED, BLOCK_ALL.name, steps=(step,), request=request)
        return _answer(outbound, response, "the route answers by itself", request)
    return _to_clusters(sender, outbound, route, forwarded_request(route, request))


def host_is_block_all(outbound: Outbound) -> bool:
    """Whether the virtual host is the one for unknown hosts under REGISTRY_ONLY."""
    return outbound.virtual_host == BLOCK_ALL_HOST


def _answer(outbound: Outbound, response: LocalResponse, what: str, request: HttpRequest) -> OutboundDecision:
    ended = replace(outbound, response=response)
    step = Step(f"{what}: {response.code}")
    return OutboundDecision(ended, SERVICE_MATCHED, LOCAL_REPLY.name, steps=(step,), request=request)


def _abort(outbound: Outbound, route: Route, request: HttpRequest, otherwise: OutboundDecision) -> OutboundDecision:
    """A fault: always, or for some of the requests, which then is chance."""
    assert route.abort is not None
    response = LocalResponse(route.abort.status, "FI")
    # The fault filter stands behind the choice of a route, so the access log names a cluster that exists.
    known = otherwise.outbound.cluster if otherwise.reason != NO_CLUSTER.name else None
    aborted = _answer(replace(outbound, cluster=known), response, "the route injects a fault", request)
    if route.abort.percent >= 100:
        return aborted
    step = Step(f"{route.abort.percent} % of the requests are aborted with {response.code}", yaml=(route.abort.place,))
    return OutboundDecision(
        otherwise.outbound, None, None, (WEIGHTED.name,), (), otherwise.request, (step,), (aborted, otherwise)
    )


def _to_clusters(sender: Sender, outbound: Outbound, route: Route, request: HttpRequest) -> OutboundDecision:
    def send(choice: ClusterChoice) -> OutboundDecision:
        own = apply_headers(choice.headers, request) if choice.headers else request
        if len(route.clusters) == 1 and sets_authority(route):
            # The only destination does not overrule the route (processDestination); one of several does.
            own = replace(own, authority=request.authority)
        sent = send_to(sender, outbound, choice.cluster, own, not_found_code=route.not_found_code)
        default = sender.mesh.config.retries
        return replace(sent, retries=default if route.retries is None else route.retries)

    if not route.clusters:
        # A rule whose destinations all have weight 0, or none: Envoy has a route without a cluster.
        ended = replace(outbound, response=LocalResponse(route.not_found_code, "NC"))
        return send_nowhere(ended, route, request)
    return choose_cluster(outbound, route.clusters, send)


def send_nowhere(outbound: Outbound, route: Route, request: HttpRequest) -> OutboundDecision:
    """A route that names no cluster."""
    step = Step("the route has no destination with a weight", yaml=route.yaml)
    return OutboundDecision(outbound, DROPPED, NO_CLUSTER.name, steps=(step,), request=request)


def choose_cluster(
    outbound: Outbound, choices: tuple[ClusterChoice, ...], send: Callable[[ClusterChoice], OutboundDecision]
) -> OutboundDecision:
    """The decision for one cluster, or for several between which weights choose."""
    if len({choice.cluster for choice in choices}) == 1:
        return send(choices[0])
    alternatives = tuple(send(choice) for choice in choices)
    weights = tuple(WeightedCluster(choice.cluster, choice.weight) for choice in choices)
    split = replace(outbound, clusters=weights)
    places = tuple(choice.place for choice in choices if choice.place is not None)
    names = ", ".join(f"{choice.cluster} ({choice.weight})" for choice in choices)
    step = Step(f"weights choose between {names}", yaml=places)
    return OutboundDecision(split, None, None, (WEIGHTED.name,), steps=(step,), alternatives=alternatives)


def forwarded_request(route: Route, request: HttpRequest) -> HttpRequest:
    """The request as the route sends it on: rewritten path and authority, changed headers."""
    if route.headers is not None:
        request = apply_headers(route.headers, request)
    rewrite = route.rewrite
    if rewrite is None:
        return request
    path = request.path
    if rewrite.pattern:
        query = path[len(request.path_only) :]
        path = replace_all(rewrite.pattern, rewrite.substitution, request.path_only) + query
    elif rewrite.uri:
        path = _rewrite_prefix(route, request, rewrite.uri)
    return replace(request, path=path, authority=rewrite.authority or request.authority)


def _rewrite_prefix(route: Route, request: HttpRequest, replacement: str) -> str:
    uri = route.match.uri if route.match else None
    matched = "/" if uri is None else request.path_only if uri.kind == "regex" else uri.value
    rest = request.path[len(matched) :]
    if route.path_segments and replacement == "/":
        return "/" + rest.lstrip("/")
    return replacement + rest


def sets_authority(route: Route) -> bool:
    """Whether a route itself, by rewrite or headers, says what Host it sends on."""
    changed = {name for name, _ in (*route.headers.set, *route.headers.add)} if route.headers else set()
    return bool(route.rewrite and route.rewrite.authority) or not changed.isdisjoint(_HOST_HEADERS)


def apply_headers(operations: HeaderOperations, request: HttpRequest) -> HttpRequest:
    """The request after header operations; Host and ``:authority`` change the authority."""
    authority = request.authority
    headers = [each for each in request.headers if each[0] not in operations.remove]
    for name, value in (*operations.add, *operations.set):
        if name in _HOST_HEADERS:
            authority = value
    names = {name for name, _ in operations.set}
    headers = [each for each in headers if each[0] not in names]
    headers += [each for each in (*operations.set, *operations.add) if each[0] not in _HOST_HEADERS]
    made = request.made - names - set(operations.remove)
    return replace(request, authority=authority, headers=tuple(headers), made=made)


def _host_step(config: RouteConfig, host: VirtualHost, request: HttpRequest) -> Step:
    lost = tuple(
        Candidate(each.name, "an older virtual host has its domains", each.yaml)
        for each in config.dropped
        if each.name == host.name
    )
    owner = f", made for {host.owner}" if host.owner else ""
    return Step(f"Host {request.authority} belongs to virtual host {host.name}{owner}", (), host.yaml, lost)


def _route_sentence(route: Route, host: VirtualHost) -> str:
    name = route.name or "(without a name)"
    return f"route {name} of {route.owner or host.name} takes the request"


def _lost_routes(tried: list[Route], request: HttpRequest) -> tuple[Candidate, ...]:
    return tuple(Candidate(route.name, unmet_condition(route, request), route.yaml) for route in tried[:_MAX_LOST])


def _with_steps(decision: OutboundDecision, *steps: Step) -> OutboundDecision:
    return replace(decision, steps=(*steps, *decision.steps))
