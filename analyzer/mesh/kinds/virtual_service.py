"""VirtualServices (networking.istio.io): routes for HTTP, TLS and TCP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from analyzer.base.fact import Fact
from analyzer.base.place import YamlPlace
from analyzer.mesh.hosts import resolve_short_name
from analyzer.mesh.kinds.retries import retries_elsewhere
from analyzer.mesh.resource import Node, Resource

MESH_GATEWAY = "mesh"


class StringMatch(Fact, frozen=True):
    """``kind`` is ``exact``, ``prefix``, ``regex``, or empty where the matcher says nothing."""

    kind: str
    value: str
    place: YamlPlace


class HttpMatch(Fact, frozen=True):
    """One entry of ``match``: all of it must hold. Matchers of maps are pairs of name and matcher."""

    name: str
    place: YamlPlace
    uri: StringMatch | None = None
    ignore_uri_case: bool = False
    scheme: StringMatch | None = None
    method: StringMatch | None = None
    authority: StringMatch | None = None
    headers: tuple[tuple[str, StringMatch], ...] = ()
    without_headers: tuple[tuple[str, StringMatch], ...] = ()
    query: tuple[tuple[str, StringMatch], ...] = ()
    port: int = 0
    gateways: tuple[str, ...] = ()
    source_labels: Mapping[str, str] = {}
    source_namespace: str = ""


class HeaderOperations(Fact, frozen=True):
    """What is done to a message's headers on the way; names in lower case."""

    set: tuple[tuple[str, str], ...] = ()
    add: tuple[tuple[str, str], ...] = ()
    remove: tuple[str, ...] = ()


class Destination(Fact, frozen=True):
    """Where a route sends: ``port`` is None where it is not given."""

    host: str
    subset: str
    port: int | None
    weight: int
    place: YamlPlace
    headers: HeaderOperations = HeaderOperations()


class Rewrite(Fact, frozen=True):
    """``uri`` replaces the matched prefix, ``pattern`` with ``substitution`` rewrites all of the path."""

    uri: str = ""
    authority: str = ""
    pattern: str = ""
    substitution: str = ""


class Redirect(Fact, frozen=True):
    """A redirect with its status ``code`` and place."""

    code: int
    place: YamlPlace


class DirectResponse(Fact, frozen=True):
    """A fixed answer."""

    status: int
    place: YamlPlace


class Abort(Fact, frozen=True):
    """A fault: ``percent`` of the requests get ``status``."""

    status: int
    percent: float
    place: YamlPlace


class Cors(Fact, frozen=True):
    """Which ``origins`` may ask before they call; ``forwards`` preflights of others to the destination."""

    origins: tuple[StringMatch, ...]
    forwards: bool
    place: YamlPlace


class HttpRule(Fact, frozen=True):
    """One entry of ``http``. ``delegate`` is (namespace, name) or None; ``mirrors`` get copies of the requests.

    ``retries`` is how often a failed connection is tried at another endpoint, None where the rule leaves that to the
    mesh's default. ``has_fault``: it injects an ``abort``, a delay, or both.
    """

    name: str
    place: YamlPlace
    matches: tuple[HttpMatch, ...] = ()
    route: tuple[Destination, ...] = ()
    redirect: Redirect | None = None
    direct_response: DirectResponse | None = None
    abort: Abort | None = None
    has_fault: bool = False
    cors: Cors | None = None
    rewrite: Rewrite | None = None
    headers: HeaderOperations | None = None
    delegate: tuple[str, str] | None = None
    mirrors: tuple[Destination, ...] = ()
    retries: int | None = None


class L4Match(Fact, frozen=True):
    """A match of ``tcp`` or ``tls``."""

    place: YamlPlace
    sni_hosts: tuple[str, ...] = ()
    destination_subnets: tuple[str, ...] = ()
    port: int = 0
    gateways: tuple[str, ...] = ()
    source_labels: Mapping[str, str] = {}
    source_namespace: str = ""


class L4Rule(Fact, frozen=True):
    """One entry of ``tcp`` or ``tls``."""

    place: YamlPlace
    matches: tuple[L4Match, ...]
    route: tuple[Destination, ...]


class VirtualService(Fact, frozen=True, eq=False):
    """A VirtualService with its hosts and destinations resolved to full names.

    ``gateways`` are ``namespace/name`` or ``mesh``. ``gateway_semantics`` marks one that was made from a Gateway API
    route, ``ingress_semantics`` one made from Ingresses; ``name`` then is that of what was made.
    """

    resource: Resource
    namespace: str
    name: str
    hosts: tuple[str, ...]
    gateways: tuple[str, ...]
    export_to: tuple[str, ...]
    http: tuple[HttpRule, ...] = ()
    tls: tuple[L4Rule, ...] = ()
    tcp: tuple[L4Rule, ...] = ()
    gateway_semantics: bool = False
    ingress_semantics: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """(namespace, name)."""
        return self.namespace, self.name

    @property
    def created(self) -> str:
        """When it was made; what istiod makes of an Ingress has no age."""
        return "" if self.ingress_semantics else self.resource.created

    @property
    def for_mesh(self) -> bool:
        """Whether it applies to sidecars."""
        return MESH_GATEWAY in self.gateways


def parse_virtual_service(resource: Resource) -> VirtualService:
    """The view of a VirtualService."""
    spec, namespace = resource.spec, resource.namespace
    return VirtualService(
        resource=resource,
        namespace=namespace,
        name=resource.name,
        hosts=tuple(resolve_short_name(host, namespace) for host in spec.texts("hosts")),
        gateways=_gateways(spec, namespace) or (MESH_GATEWAY,),
        export_to=spec.texts("exportTo"),
        http=tuple(_parse_http(node, namespace) for node in spec.nodes("http")),
        tls=tuple(_parse_l4(node, namespace) for node in spec.nodes("tls")),
        tcp=tuple(_parse_l4(node, namespace) for node in spec.nodes("tcp")),
    )


def _gateways(node: Node, namespace: str) -> tuple[str, ...]:
    return tuple(_resolve_gateway(name, namespace) for name in node.texts("gateways"))


def _resolve_gateway(name: str, namespace: str) -> str:
    """``namespace/name`` of a gateway; ``mesh`` stays (config.go resolveGatewayName)."""
    if name == MESH_GATEWAY:
        return name
    place, slash, short = name.partition("/")
    if slash:
        return f"{namespace}/{short}" if place == "." else name
    # The old way names a gateway like a Service: name.namespace.svc.cluster.local.
    short, dot, rest = name.partition(".")
    return f"{rest.partition('.')[0]}/{short}" if dot else f"{namespace}/{name}"


def _parse_http(node: Node, namespace: str) -> HttpRule:
    delegate = node.node("delegate")
    return HttpRule(
        name=node.text("name"),
        place=node.place(),
        matches=tuple(_parse_match(each, namespace) for each in node.nodes("match")),
        route=tuple(_parse_destination(each, namespace) for each in node.nodes("route")),
        redirect=_parse_redirect(node.node("redirect")) if "redirect" in node else None,
        direct_response=_parse_direct_response(node.node("directResponse")) if "directResponse" in node else None,
        abort=_parse_abort(node.node("fault").node("abort")),
        has_fault="fault" in node,
        cors=_parse_cors(node.node("corsPolicy")) if "corsPolicy" in node else None,
        rewrite=_parse_rewrite(node.node("rewrite")) if "rewrite" in node else None,
        headers=_parse_headers(node.node("headers").node("request")) if "headers" in node else None,
        delegate=(delegate.text("namespace") or namespace, delegate.text("name")) if delegate else None,
        mirrors=tuple(_parse_mirrors(node, namespace)),
        retries=retries_elsewhere(node.node("retries")) if "retries" in node else None,
    )


def _parse_match(node: Node, namespace: str) -> HttpMatch:
    return HttpMatch(
        name=node.text("name"),
        place=node.place(),
        uri=_optional_matcher(node, "uri"),
        ignore_uri_case=node.boolean("ignoreUriCase"),
        scheme=_optional_matcher(node, "scheme"),
        method=_optional_matcher(node, "method"),
        authority=_optional_matcher(node, "authority"),
        headers=_parse_matchers(node.node("headers")),
        without_headers=_parse_matchers(node.node("withoutHeaders")),
        query=_parse_matchers(node.node("queryParams")),
        port=node.port("port"),
        gateways=_gateways(node, namespace),
        source_labels=node.mapping("sourceLabels"),
        source_namespace=node.text("sourceNamespace"),
    )


def _optional_matcher(node: Node, key: str) -> StringMatch | None:
    return _parse_matcher(node.node(key)) if key in node else None


def _parse_matcher(node: Node) -> StringMatch:
    kind = next((each for each in ("exact", "prefix", "regex") if each in node), "")
    return StringMatch(kind, node.text(kind) if kind else "", node.place(*((kind,) if kind else ())))


def _parse_matchers(node: Node) -> tuple[tuple[str, StringMatch], ...]:
    return tuple((name, _parse_matcher(node.node(name))) for name in node)


def _parse_destination(node: Node, namespace: str) -> Destination:
    destination = node.node("destination")
    return Destination(
        host=resolve_short_name(destination.text("host"), namespace),
        subset=destination.text("subset"),
        port=destination.node("port").port("number") or None,
        weight=node.integer("weight"),
        place=destination.place("subset" if "subset" in destination else "host"),
        headers=_parse_headers(node.node("headers").node("request")),
    )


def _parse_mirrors(node: Node, namespace: str) -> Iterator[Destination]:
    single = [node.node("mirror")] if "mirror" in node else []
    for destination in (*single, *(each.node("destination") for each in node.nodes("mirrors"))):
        host = resolve_short_name(destination.text("host"), namespace)
        port = destination.node("port").port("number") or None
        yield Destination(host, destination.text("subset"), port, 0, destination.place("host"))


def _parse_redirect(node: Node) -> Redirect:
    return Redirect(node.integer("redirectCode") or 301, node.place())


def _parse_direct_response(node: Node) -> DirectResponse:
    return DirectResponse(node.integer("status"), node.place("status"))


def _parse_abort(node: Node) -> Abort | None:
    """The abort of a fault; without a status of either kind there is none (route.go TranslateFault)."""
    if "httpStatus" not in node and "grpcStatus" not in node:
        return None
    raw = node.node("percentage").value.get("value")
    percent = float(raw) if isinstance(raw, int | float) and not isinstance(raw, bool) else 0.0
    # A gRPC status travels over HTTP 200.
    return Abort(node.integer("httpStatus") or 200, percent, node.place())


def _parse_cors(node: Node) -> Cors:
    """Route.go TranslateCORSPolicy: the older ``allowOrigin`` counts only where there is no ``allowOrigins``."""
    origins = [_parse_matcher(each) for each in node.nodes("allowOrigins")]
    if not origins:
        origins = [StringMatch("exact", each, node.place("allowOrigin")) for each in node.texts("allowOrigin")]
    forwards = node.text("unmatchedPreflights") != "IGNORE"
    return Cors(tuple(each for each in origins if each.kind), forwards, node.place())


def _parse_rewrite(node: Node) -> Rewrite:
    regex = node.node("uriRegexRewrite")
    return Rewrite(node.text("uri"), node.text("authority"), regex.text("match"), regex.text("rewrite"))


def _parse_headers(node: Node) -> HeaderOperations:
    return HeaderOperations(
        set=tuple((name.lower(), value) for name, value in node.mapping("set").items()),
        add=tuple((name.lower(), value) for name, value in node.mapping("add").items()),
        remove=tuple(name.lower() for name in node.texts("remove")),
    )


def _parse_l4(node: Node, namespace: str) -> L4Rule:
    return L4Rule(
        place=node.place(),
        matches=tuple(_parse_l4_match(each, namespace) for each in node.nodes("match")),
        route=tuple(_parse_destination(each, namespace) for each in node.nodes("route")),
    )


def _parse_l4_match(node: Node, namespace: str) -> L4Match:
    return L4Match(
        place=node.place(),
        sni_hosts=tuple(host.lower() for host in node.texts("sniHosts")),
        destination_subnets=node.texts("destinationSubnets"),
        port=node.port("port"),
        gateways=_gateways(node, namespace),
        source_labels=node.mapping("sourceLabels"),
        source_namespace=node.text("sourceNamespace"),
    )
