"""Routes and virtual hosts, Envoy's nouns, and how they match a request."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from analyzer.base.fact import Fact, replace
from analyzer.base.place import YamlPlace
from analyzer.base.secret import redact_header
from analyzer.mesh.kinds.virtual_service import (
    Abort,
    Cors,
    DirectResponse,
    HeaderOperations,
    HttpMatch,
    Redirect,
    Rewrite,
    StringMatch,
)
from analyzer.mesh.outbound.claims import claim_matches, claim_path
from analyzer.mesh.outbound.listener import ClusterChoice
from analyzer.mesh.outbound.request import HttpRequest
from analyzer.mesh.regex import full_match

DEFAULT_ROUTE = "default"
ALLOW_ANY_HOST = "allow_any"
ALLOW_ANY_DYNAMIC_DNS_HOST = "allow_any_dynamic_dns"
BLOCK_ALL_HOST = "block_all"
# What tells a preflight request from other OPTIONS.
PREFLIGHT_HEADERS = ("origin", "access-control-request-method")
# Envoy answers this where the cluster of a route does not exist; Gateway API routes ask for 500.
CLUSTER_NOT_FOUND = 503


class Route(Fact, frozen=True):
    """A route: what it matches, and one of redirect, direct response or clusters.

    ``match`` None matches everything. ``path_segments`` makes a prefix match whole segments only (Ingress and Gateway
    API). ``owner`` names the VirtualService. ``retries``: how often a connection that fails is tried at
    another endpoint, None for the mesh's default.
    """

    name: str
    match: HttpMatch | None = None
    path_segments: bool = False
    clusters: tuple[ClusterChoice, ...] = ()
    redirect: Redirect | None = None
    direct_response: DirectResponse | None = None
    abort: Abort | None = None
    cors: Cors | None = None
    rewrite: Rewrite | None = None
    headers: HeaderOperations | None = None
    not_found_code: int = CLUSTER_NOT_FOUND
    owner: str = ""
    yaml: tuple[YamlPlace, ...] = ()
    retries: int | None = None

    @property
    def catches_all(self) -> bool:
        """Whether no route behind it can be reached (route.go IsCatchAllRoute)."""
        match = self.match
        if match is None:
            return True
        uri = match.uri
        open_path = uri is None or (uri.kind, uri.value) in (("prefix", "/"), ("regex", ".*"), ("", ""))
        conditions = match.headers or match.without_headers or match.query
        return open_path and not conditions and not (match.method or match.authority or match.scheme)


class VirtualHost(Fact, frozen=True):
    """A virtual host with its domains (lower case) and routes in order."""

    name: str
    domains: tuple[str, ...]
    routes: tuple[Route, ...]
    owner: str = ""
    yaml: tuple[YamlPlace, ...] = ()


class RouteConfig(Fact, frozen=True):
    """A route configuration: virtual hosts by exact domain, by what follows or precedes a ``*``, and for ``*``.

    ``dropped`` are virtual hosts that lost all their domains to others. The port that a request names does not count.
    """

    name: str
    exact: Mapping[str, VirtualHost]
    suffixes: Mapping[str, VirtualHost]
    prefixes: Mapping[str, VirtualHost]
    catch_all: VirtualHost | None
    dropped: tuple[VirtualHost, ...] = ()

    def host_for(self, request: HttpRequest) -> VirtualHost | None:
        """The virtual host of a request."""
        return self.virtual_host(request.host)

    def virtual_host(self, host: str) -> VirtualHost | None:
        """The virtual host of a host (Envoy's config_impl.cc findVirtualHost); ``host`` is lower case, without port."""
        found = self.exact.get(host)
        if found is not None:
            return found
        if self.suffixes:
            for start in range(1, len(host)):
                found = self.suffixes.get(host[start:])
                if found is not None:
                    return found
        if self.prefixes:
            for end in range(len(host) - 1, 0, -1):
                found = self.prefixes.get(host[:end])
                if found is not None:
                    return found
        return self.catch_all


def route_config(
    name: str, hosts: list[VirtualHost], catch_all: VirtualHost | None, dropped: tuple[VirtualHost, ...] = ()
) -> RouteConfig:
    """A configuration of virtual hosts whose domains do not overlap."""
    exact: dict[str, VirtualHost] = {}
    suffixes: dict[str, VirtualHost] = {}
    prefixes: dict[str, VirtualHost] = {}
    for host in hosts:
        for domain in host.domains:
            if domain == "*":
                catch_all = host
            elif domain.startswith("*"):
                suffixes.setdefault(domain[1:], host)
            elif domain.endswith("*"):
                prefixes.setdefault(domain[:-1], host)
            else:
                exact.setdefault(domain, host)
    return RouteConfig(name, exact, suffixes, prefixes, catch_all, dropped)


def hangs_on_unseen(route: Route, request: HttpRequest) -> bool:
    """Whether a route takes the request by a header that the capture may have lost, or that a proxy makes."""
    match = route.match
    if match is None or not (request.head_cut or request.made):
        return False
    asked = (*match.headers, *match.without_headers)
    lost = [name for name, each in asked if _is_unseen(name.lower(), each, request)]
    if not lost:
        return False
    seen = tuple(pair for pair in match.headers if pair[0] not in lost)
    not_sent = tuple(pair for pair in match.without_headers if pair[0] not in lost)
    return route_matches(replace(route, match=replace(match, headers=seen, without_headers=not_sent)), request)


def _is_unseen(name: str, matcher: StringMatch, request: HttpRequest) -> bool:
    if name in request.made:
        return not is_presence(matcher)
    return request.head_cut and request.header(name) is None


def route_matches(route: Route, request: HttpRequest) -> bool:
    """Whether a route takes a request: path, then headers, then query parameters (Envoy's RouteEntryImplBase)."""
    match = route.match
    if request.connects:
        return False
    if match is None:
        return True
    return (
        _path_matches(route, match, request)
        and all(_asked(name, each, request) for name, each in match.headers)
        and all(_forbidden(name, each, request) for name, each in match.without_headers)
        and all(
            each is None or _header_matches(name, each, request)
            for name, each in ((":method", match.method), (":authority", match.authority), (":scheme", match.scheme))
        )
        and all(_query_matches(name, each, request) for name, each in match.query)
    )


def unmet_condition(route: Route, request: HttpRequest) -> str:
    """What a route asks for that a request does not have, of several the first; empty where it takes the request.

    It quotes the route and never the request, so that it holds for all requests that are decided alike.
    """
    match = route.match
    if match is None:
        return ""
    pseudo = (("method", match.method), ("authority", match.authority), ("scheme", match.scheme))
    checks: list[tuple[bool, str]] = [(_path_matches(route, match, request), f"asks for path {_wanted(match.uri)}")]
    checks += [(_asked(n, each, request), f"asks for {_named(n, each)}") for n, each in match.headers]
    checks += [(_forbidden(n, each, request), f"wants no {_named(n, each)}") for n, each in match.without_headers]
    checks += [
        (_header_matches(f":{n}", each, request), f"asks for {n} {_wanted(each)}")
        for n, each in pseudo
        if each is not None
    ]
    checks += [(_query_matches(n, each, request), f"asks for query {_named(n, each, '')}") for n, each in match.query]
    return next((said for met, said in checks if not met), "")


def _named(name: str, matcher: StringMatch, kind: str = "header ") -> str:
    path = claim_path(name)
    if path:
        return f"claim {'.'.join(path)}: {_wanted(matcher)}"
    # What opens doors is not shown although it stands in the YAML.
    is_secret = redact_header(name.lower(), matcher.value) != matcher.value
    return f"{kind}{name}" if is_secret or is_presence(matcher) else f"{kind}{name}: {_wanted(matcher)}"


def _wanted(matcher: StringMatch | None) -> str:
    if matcher is None or not matcher.kind:
        return "any"
    return {"exact": "{}", "prefix": "{}*"}.get(matcher.kind, "~ {}").format(matcher.value)


def answers_preflight(route: Route, request: HttpRequest) -> bool | None:
    """Whether the CORS filter answers a request by itself (cors_filter.cc decodeHeaders).

    It answers a preflight whose origin is allowed, and every preflight where those of others are not forwarded. None
    where a header decides that the capture may have lost.
    """
    cors = route.cors
    if cors is None or request.method != "OPTIONS":
        return False
    origin, method = (request.header(name) for name in PREFLIGHT_HEADERS)
    if not (origin and method):
        return None if request.head_cut and None in (origin, method) and "" not in (origin, method) else False
    allowed = any(text_matches(each, "*") or text_matches(each, origin) for each in cors.origins)
    return allowed or not cors.forwards


def hangs_on_claims(route: Route, request: HttpRequest) -> bool:
    """Whether claims that cannot be known decide if a route takes the request."""
    match = route.match
    if match is None or request.claims is not None:
        return False
    seen = tuple(pair for pair in match.headers if not claim_path(pair[0]))
    not_sent = tuple(pair for pair in match.without_headers if not claim_path(pair[0]))
    if len(seen) == len(match.headers) and len(not_sent) == len(match.without_headers):
        return False
    return route_matches(replace(route, match=replace(match, headers=seen, without_headers=not_sent)), request)


def _asked(name: str, matcher: StringMatch, request: HttpRequest) -> bool:
    path = claim_path(name)
    return _claim_matches(path, matcher, request) if path else _header_matches(name.lower(), matcher, request)


def _forbidden(name: str, matcher: StringMatch, request: HttpRequest) -> bool:
    path = claim_path(name)
    return not _claim_matches(path, matcher, request) if path else _header_absent(name.lower(), matcher, request)


def _claim_matches(path: tuple[str, ...], matcher: StringMatch, request: HttpRequest) -> bool:
    """An empty matcher takes no claim: there is no matcher for mere presence (translateMetadataMatch)."""
    accepts = partial(text_matches, matcher)
    return bool(matcher.kind) and claim_matches(path, accepts, request.claims or {})


def _path_matches(route: Route, match: HttpMatch, request: HttpRequest) -> bool:
    uri = match.uri
    if uri is None or not uri.kind:
        return True
    path = request.path_only
    if uri.kind == "regex":
        return full_match(uri.value, path)
    wanted = uri.value
    if match.ignore_uri_case:
        path, wanted = path.lower(), wanted.lower()
    if uri.kind == "exact":
        return path == wanted
    if route.path_segments and wanted != "/":
        wanted = wanted.removesuffix("/")
        return path.startswith(wanted) and path[len(wanted) : len(wanted) + 1] in ("", "/")
    return path.startswith(wanted)


def is_presence(matcher: StringMatch) -> bool:
    """Whether a matcher only asks for presence (route.go canBeConvertedToPresentMatch)."""
    return not matcher.kind or (matcher.kind == "regex" and matcher.value == "*")


def text_matches(matcher: StringMatch, text: str) -> bool:
    """Whether a text fulfils an exact, prefix or regex matcher."""
    if matcher.kind == "exact":
        return text == matcher.value
    if matcher.kind == "prefix":
        return text.startswith(matcher.value)
    return full_match(matcher.value, text)


def _header_matches(name: str, matcher: StringMatch, request: HttpRequest) -> bool:
    value = request.header(name)
    if value is None:
        return name in request.made and is_presence(matcher)
    return is_presence(matcher) or text_matches(matcher, value)


def _header_absent(name: str, matcher: StringMatch, request: HttpRequest) -> bool:
    value = request.header(name)
    if is_presence(matcher):
        return value is None and name not in request.made
    # treat_missing_header_as_empty
    return not text_matches(matcher, value or "")


def _query_matches(name: str, matcher: StringMatch, request: HttpRequest) -> bool:
    """Whether the first value of a parameter fits; nothing is decoded (Envoy's parseQueryString)."""
    for pair in request.query.split("&"):
        key, _, value = pair.partition("=")
        if key == name:
            return is_presence(matcher) or text_matches(matcher, value)
    return False
