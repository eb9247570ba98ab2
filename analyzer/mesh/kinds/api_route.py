"""HTTPRoute, GRPCRoute, TLSRoute and TCPRoute (gateway.networking.k8s.io) as one noun: parents, hosts, rules."""

from __future__ import annotations

import re

from analyzer.base.fact import Fact
from analyzer.base.place import YamlPlace
from analyzer.mesh.kinds.retries import DEFAULT_RETRIES
from analyzer.mesh.kinds.virtual_service import Cors, HeaderOperations, HttpMatch, Redirect, Rewrite, StringMatch
from analyzer.mesh.resource import Node, Resource

GROUP = "gateway.networking.k8s.io"


class ParentRef(Fact, frozen=True):
    """What a route attaches to. ``namespace`` is the route's own where it is not given; ``port`` 0 for any."""

    group: str
    kind: str
    namespace: str
    name: str
    section: str
    port: int
    place: YamlPlace

    @property
    def sort_key(self) -> str:
        """Istiod sorts parents by this text (conversion.go parentRefString)."""
        return f"{self.group}/{self.kind}/{self.name}/{self.section}/{self.port}.{self.namespace}"


class BackendRef(Fact, frozen=True):
    """Where a rule sends. ``namespace`` is None where it is not given; ``port`` None too.

    ``unsupported`` names a filter that istiod does not know there: it then drops the whole route.
    """

    group: str
    kind: str
    namespace: str | None
    name: str
    port: int | None
    weight: int
    headers: HeaderOperations
    place: YamlPlace
    unsupported: str = ""


class ApiRule(Fact, frozen=True):
    """One rule. ``unsupported`` names a filter that istiod does not know: it then drops the whole route.

    ``prefix_replacement`` is what the matched prefix becomes, None where it stays. ``mirrors`` get copies.
    ``retries`` is how often a failed connection is tried elsewhere, None for the mesh's default.
    """

    name: str
    matches: tuple[HttpMatch | None, ...]
    backends: tuple[BackendRef, ...]
    redirect: Redirect | None
    rewrite: Rewrite | None
    prefix_replacement: str | None
    headers: HeaderOperations | None
    cors: Cors | None
    unsupported: str
    place: YamlPlace
    mirrors: tuple[BackendRef, ...] = ()
    retries: int | None = None


class ApiRoute(Fact, frozen=True, eq=False):
    """A route of one of the four kinds (``kind``); rules of TLS and TCP routes have no matches."""

    resource: Resource
    kind: str
    parents: tuple[ParentRef, ...]
    hostnames: tuple[str, ...]
    rules: tuple[ApiRule, ...]


def parse_api_route(resource: Resource) -> ApiRoute:
    """The view of a route, with the API server's defaults (a rule without match takes the prefix ``/``)."""
    spec = resource.spec
    rules = spec.nodes("rules") or ((spec,) if resource.kind == "HTTPRoute" else ())
    return ApiRoute(
        resource=resource,
        kind=resource.kind,
        parents=tuple(_parse_parent(node, resource.namespace) for node in spec.nodes("parentRefs")),
        hostnames=spec.texts("hostnames"),
        rules=tuple(_parse_rule(node, resource.kind) for node in rules),
    )


def _parse_parent(node: Node, namespace: str) -> ParentRef:
    return ParentRef(
        group=node.text("group", GROUP),
        kind=node.text("kind", "Gateway"),
        namespace=node.text("namespace") or namespace,
        name=node.text("name"),
        section=node.text("sectionName"),
        port=node.port("port"),
        place=node.place(),
    )


def _parse_rule(node: Node, kind: str) -> ApiRule:
    filters = {each.text("type"): each for each in node.nodes("filters")}
    rewrite = filters["URLRewrite"].node("urlRewrite") if "URLRewrite" in filters else None
    redirect = filters["RequestRedirect"].node("requestRedirect") if "RequestRedirect" in filters else None
    return ApiRule(
        name=node.text("name"),
        matches=_parse_matches(node, kind),
        backends=tuple(_parse_backend(each) for each in node.nodes("backendRefs")),
        redirect=Redirect(redirect.integer("statusCode") or 302, redirect.place()) if redirect is not None else None,
        rewrite=_parse_rewrite(rewrite) if rewrite is not None else None,
        prefix_replacement=rewrite.node("path").optional_text("replacePrefixMatch") if rewrite is not None else None,
        headers=_parse_headers(filters),
        cors=_parse_cors(filters["CORS"].node("cors")) if "cors" in filters.get("CORS", ()) else None,
        unsupported=next((each for each in filters if each not in _FILTERS), ""),
        place=node.place(),
        mirrors=tuple(
            _parse_backend(each.node("requestMirror").node("backendRef"))
            for each in node.nodes("filters")
            if each.text("type") == "RequestMirror" and "requestMirror" in each
        ),
        retries=_retries(node.node("retry")) if kind == "HTTPRoute" and "retry" in node else None,
    )


def _retries(node: Node) -> int:
    """Whatever codes ``retry`` names, failed connections are among its conditions (conversion.go convertHTTPRoute)."""
    return max(node.integer("attempts", DEFAULT_RETRIES), 0)


_FILTERS = (
    "RequestHeaderModifier", "ResponseHeaderModifier", "RequestRedirect", "RequestMirror", "URLRewrite", "CORS",
)  # fmt: skip


_BACKEND_FILTERS = ("RequestHeaderModifier", "ResponseHeaderModifier")

# What istiod makes of the origin ``*`` (conversion.go createCorsFilter).
_ANY_ORIGIN = r"^[a-zA-Z][a-zA-Z0-9+.-]*://[^/\s?#]+$"


def _parse_cors(node: Node) -> Cors:
    place = node.place()
    # Istio answers preflights of other origins itself (conversion.go createCorsFilter).
    return Cors(tuple(_origin(text, place) for text in node.texts("allowOrigins") if text), False, place)


def _origin(text: str, place: YamlPlace) -> StringMatch:
    if text == "*":
        return StringMatch("regex", _ANY_ORIGIN, place)
    if "*" not in text:
        return StringMatch("exact", text, place)
    if text.count("*") == 1 and text.endswith("*"):
        return StringMatch("prefix", text[:-1], place)
    return StringMatch("regex", ".*".join(re.escape(part) for part in text.split("*")), place)


def _parse_headers(filters: dict[str, Node]) -> HeaderOperations | None:
    if "RequestHeaderModifier" not in filters:
        return None
    node = filters["RequestHeaderModifier"].node("requestHeaderModifier")
    return HeaderOperations(
        set=tuple((each.text("name").lower(), each.text("value")) for each in node.nodes("set")),
        add=tuple((each.text("name").lower(), each.text("value")) for each in node.nodes("add")),
        remove=tuple(name.lower() for name in node.texts("remove")),
    )


def _parse_rewrite(node: Node) -> Rewrite | None:
    full = node.node("path").optional_text("replaceFullPath")
    authority = node.text("hostname")
    if full is None and not authority:
        return None
    return Rewrite("", authority, "/.*" if full is not None else "", full or "")


def _parse_backend(node: Node) -> BackendRef:
    filters = {each.text("type"): each for each in node.nodes("filters")}
    return BackendRef(
        group=node.text("group"),
        kind=node.text("kind") or "Service",
        namespace=node.optional_text("namespace"),
        name=node.text("name"),
        port=node.port("port") if "port" in node else None,
        weight=node.integer("weight", 1),
        headers=_parse_headers(filters) or HeaderOperations(),
        place=node.place(),
        unsupported=next((each for each in filters if each not in _BACKEND_FILTERS), ""),
    )


def _parse_matches(node: Node, kind: str) -> tuple[HttpMatch | None, ...]:
    if kind == "HTTPRoute":
        found = tuple(_parse_http_match(each) for each in node.nodes("matches"))
        return found or (HttpMatch("", node.place(), uri=StringMatch("prefix", "/", node.place())),)
    if kind == "GRPCRoute":
        return tuple(_parse_grpc_match(each) for each in node.nodes("matches")) or (None,)
    return ()


def _parse_http_match(node: Node) -> HttpMatch:
    path = node.node("path")
    kind = _KINDS.get(path.text("type") or "PathPrefix", "prefix")
    value = path.text("value") or "/"
    if kind == "prefix" and value != "/":
        value = value.removesuffix("/")
    method = node.text("method")
    return HttpMatch(
        name="",
        place=node.place(),
        uri=StringMatch(kind, value, path.place("value")),
        method=StringMatch("exact", method, node.place("method")) if method else None,
        headers=_parse_matchers(node.nodes("headers")),
        query=_parse_matchers(node.nodes("queryParams")),
    )


_KINDS = {"PathPrefix": "prefix", "Exact": "exact", "RegularExpression": "regex"}


def _parse_matchers(nodes: tuple[Node, ...]) -> tuple[tuple[str, StringMatch], ...]:
    found = {
        each.text("name"): StringMatch(_KINDS.get(each.text("type"), "exact"), each.text("value"), each.place())
        for each in nodes
    }
    return tuple(found.items())


def _parse_grpc_match(node: Node) -> HttpMatch:
    """A gRPC method is a path ``/SERVICE/METHOD`` (conversion.go createGRPCURIMatch)."""
    method = node.node("method")
    service, name = method.text("service"), method.text("method")
    regex = method.text("type") == "RegularExpression"
    uri = None
    if service and name:
        uri = StringMatch("regex" if regex else "exact", f"/{service}/{name}", method.place())
    elif service:
        uri = StringMatch("regex" if regex else "prefix", f"/{service}/" + (".+" if regex else ""), method.place())
    elif name:
        uri = StringMatch("regex", f"/[^/]+/{name}", method.place())
    return HttpMatch(name="", place=node.place(), uri=uri, headers=_parse_matchers(node.nodes("headers")))


def prefix_rewrite(match: HttpMatch | None, replacement: str, authority: str) -> Rewrite:
    """The rewrite of a matched prefix; ``/`` takes it off (conversion.go createRewriteFilter, route.go)."""
    new = replacement.removesuffix("/")
    if new:
        return Rewrite(new, authority)
    prefix = match.uri.value if match is not None and match.uri is not None and match.uri.kind == "prefix" else ""
    return Rewrite("", authority, rf"^{re.escape(prefix)}(/?)(.*)", r"/\2")
