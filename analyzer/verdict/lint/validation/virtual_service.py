"""What admission refuses in VirtualServices (validation.go ValidateVirtualService, virtualservice.go)."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.mesh.hosts import hosts_overlap, is_subset
from analyzer.mesh.kinds.virtual_service import MESH_GATEWAY
from analyzer.mesh.resource import Node, Resource
from analyzer.verdict.lint.validation.refusal import (
    Refusal,
    check_export_to,
    check_host,
    check_port,
    check_regex,
    is_domain,
    is_label,
    is_subnet,
)

# Hosts of one VirtualService are held against each other up to this many.
_MAX_HOSTS = 200
_MATCHERS = ("uri", "scheme", "method", "authority")
_MAPS = ("headers", "withoutHeaders", "queryParams")
_REDIRECTS = ("uri", "prefixRewrite", "authority", "scheme", "port", "derivePort")


def check_virtual_service(resource: Resource) -> Iterator[Refusal]:
    """Why a VirtualService is refused."""
    spec = resource.spec
    hosts = spec.texts("hosts")
    if not hosts:
        for key in ("gateways", "tls", "tcp"):
            if spec.value.get(key):
                yield Refusal(f"without hosts it is a delegate, which must have no {key}", spec.place(key))
    if not any(spec.value.get(key) for key in ("http", "tls", "tcp")):
        yield Refusal("it has neither http nor tls nor tcp rules", resource.place("spec"))
    yield from _hosts(spec, hosts)
    for rule in spec.nodes("http"):
        yield from _http_rule(rule, delegate=not hosts)
    for rule in spec.nodes("tls"):
        yield from _tls_rule(rule, hosts)
    for rule in spec.nodes("tcp"):
        yield from _opaque_rule(rule)
    yield from check_export_to(spec, resource.namespace)


def _hosts(spec: Node, hosts: tuple[str, ...]) -> Iterator[Refusal]:
    gateways = spec.texts("gateways")
    valid = True
    for index, host in enumerate(hosts):
        if host == "*" and (not gateways or MESH_GATEWAY in gateways):
            valid = False
            yield Refusal("host * is not allowed for sidecars (gateway mesh)", spec.place("hosts", index))
        for refusal in () if host.startswith("outbound_") else check_host(spec, "hosts", index, host=host):
            valid = False
            yield refusal
    for index, host in enumerate(hosts[:_MAX_HOSTS] if valid else ()):
        twin = next((each for each in hosts[:index] if hosts_overlap(each, host)), None)
        if twin is not None:
            yield Refusal(f"hosts {twin} and {host} overlap", spec.place("hosts", index))


def _http_rule(rule: Node, *, delegate: bool) -> Iterator[Refusal]:
    actions = [key for key in ("redirect", "directResponse", "route") if key in rule and rule.value.get(key)]
    if "delegate" in rule and not delegate:
        for key in actions:
            if key != "directResponse":
                yield Refusal(f"a rule that delegates must have no {key}", rule.place(key))
    else:
        yield from _actions(rule, actions, delegate=delegate)
    for match in rule.nodes("match"):
        yield from _match(match)
    yield from _redirect(rule)
    yield from _fault(rule)
    if "directResponse" in rule:
        yield from _status(rule.node("directResponse"), "status")
    if "rewrite" in rule and not any(rule.node("rewrite").value.get(key) for key in _REWRITES):
        yield Refusal("a rewrite needs uri, uriRegexRewrite or authority", rule.place("rewrite"))
    yield from _destinations(rule)


_REWRITES = ("uri", "uriRegexRewrite", "authority")


def _actions(rule: Node, actions: list[str], *, delegate: bool) -> Iterator[Refusal]:
    if "delegate" in rule and delegate:
        yield Refusal("a delegate must not delegate further", rule.place("delegate"))
    if not actions:
        yield Refusal("a rule needs route, redirect or directResponse", rule.place())
    elif len(actions) > 1:
        yield Refusal(f"a rule has both {actions[0]} and {actions[1]}", rule.place(actions[1]))
    elif actions[0] != "route":
        for key in ("fault", "rewrite"):
            if key in rule:
                yield Refusal(f"a rule has both {actions[0]} and {key}", rule.place(key))
    if "mirror" in rule and rule.value.get("mirrors"):
        yield Refusal("a rule has both mirror and mirrors", rule.place("mirrors"))


def _match(match: Node) -> Iterator[Refusal]:
    yield from check_port(match, "port", required=False)
    for key in _MATCHERS:
        if key in match:
            yield from _text_matcher(match.node(key), empty_prefix=key == "uri")
    for key in _MAPS:
        named = match.node(key)
        for name in named:
            if not (key == "withoutHeaders" and named.node(name).value.get("regex") == "*"):
                yield from _text_matcher(named.node(name), empty_prefix=False)
    namespace = match.text("sourceNamespace")
    if namespace and not is_label(namespace):
        yield Refusal(f"sourceNamespace {namespace!r} is no namespace", match.place("sourceNamespace"))


def _text_matcher(matcher: Node, *, empty_prefix: bool) -> Iterator[Refusal]:
    if "regex" in matcher:
        yield from check_regex(matcher.text("regex"), matcher.place("regex"))
    elif "prefix" in matcher and not matcher.text("prefix") and not empty_prefix:
        yield Refusal("a prefix is empty", matcher.place("prefix"))


def _redirect(rule: Node) -> Iterator[Refusal]:
    if "redirect" not in rule:
        return
    redirect = rule.node("redirect")
    if not any(redirect.value.get(key) for key in _REDIRECTS):
        yield Refusal("a redirect changes nothing", rule.place("redirect"))
    code = redirect.integer("redirectCode")
    if code and not 300 <= code <= 399:
        yield Refusal(f"redirectCode {code} is not 3xx", redirect.place("redirectCode"))
    if redirect.text("scheme") not in ("", "http", "https"):
        yield Refusal(f"redirect scheme {redirect.text('scheme')!r} is not http or https", redirect.place("scheme"))


def _fault(rule: Node) -> Iterator[Refusal]:
    if "fault" not in rule:
        return
    fault = rule.node("fault")
    if "abort" not in fault and "delay" not in fault:
        yield Refusal("a fault needs abort or delay", rule.place("fault"))
    for key in ("abort", "delay"):
        value = fault.node(key).node("percentage").value.get("value")
        if isinstance(value, int | float) and not 0 <= value <= 100:
            yield Refusal(f"{key} percentage {value} is not in 0..100", fault.node(key).place("percentage"))
    if "httpStatus" in fault.node("abort"):
        yield from _status(fault.node("abort"), "httpStatus")


def _status(node: Node, key: str) -> Iterator[Refusal]:
    if not 200 <= node.integer(key) <= 600:
        yield Refusal(f"HTTP status {node.integer(key)} is not in 200..599", node.place(key))


def _destinations(rule: Node) -> Iterator[Refusal]:
    """The destinations of a rule of any kind, and their weights."""
    weights = []
    for each in rule.nodes("route"):
        weights.append(each.integer("weight"))
        if weights[-1] < 0:
            yield Refusal(f"weight {weights[-1]} is negative", each.place("weight"))
        if "destination" in each:
            yield from _destination(each.node("destination"))
        else:
            yield Refusal("a route has no destination", each.place())
    if len(weights) > 1 and not any(weights):
        yield Refusal("the weights of all destinations are 0", rule.place("route"))
    if "mirror" in rule:
        yield from _destination(rule.node("mirror"))


def _destination(destination: Node) -> Iterator[Refusal]:
    host = destination.text("host")
    if host == "*" or not is_domain(host):
        yield Refusal(f"destination host {host!r} is no domain name", destination.place("host"))
    subset = destination.text("subset")
    if subset and not is_label(subset):
        yield Refusal(f"subset {subset!r} is no valid name", destination.place("subset"))
    if "port" in destination:
        yield from check_port(destination.node("port"), "number")


def _tls_rule(rule: Node, hosts: tuple[str, ...]) -> Iterator[Refusal]:
    if not rule.nodes("match"):
        yield Refusal("a tls rule needs a match", rule.place())
    for match in rule.nodes("match"):
        names = match.texts("sniHosts")
        if not names:
            yield Refusal("a tls match needs sniHosts", match.place())
        for index, name in enumerate(names):
            if not any(is_subset(name, host) for host in hosts):
                what = f"server name {name} is not covered by the VirtualService's hosts"
                yield Refusal(what, match.place("sniHosts", index))
    yield from _opaque_rule(rule)


def _opaque_rule(rule: Node) -> Iterator[Refusal]:
    for match in rule.nodes("match"):
        yield from check_port(match, "port", required=False)
        for index, subnet in enumerate(match.texts("destinationSubnets")):
            if not is_subnet(subnet):
                yield Refusal(f"{subnet!r} is no address or prefix", match.place("destinationSubnets", index))
    if not rule.nodes("route"):
        yield Refusal("a rule needs a route", rule.place())
    yield from _destinations(rule)
