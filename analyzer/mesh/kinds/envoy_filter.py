"""EnvoyFilter (networking.istio.io): patches of what istiod generates, read as far as tells what they touch."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from analyzer.base.fact import Fact
from analyzer.base.place import YamlPlace
from analyzer.mesh.kinds.authorization_policy import TargetRef, parse_targets
from analyzer.mesh.resource import Node, Resource

ANY_CONTEXT = "ANY"
# Messages inside a patch's value whose own fields matter, not only that they are there.
_NESTED = ("typed_config", "route", "common_http_protocol_options")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class ListenerMatch(Fact, frozen=True):
    """``match.listener``; empty texts and port 0 match any. ``filter`` and ``sub_filter`` are names."""

    name: str = ""
    port: int = 0
    chain: str = ""
    sni: str = ""
    transport: str = ""
    destination_port: int = 0
    filter: str = ""
    sub_filter: str = ""


class RouteMatch(Fact, frozen=True):
    """``match.routeConfiguration``; empty texts and port 0 match any."""

    name: str = ""
    port: int = 0
    virtual_host: str = ""
    domain: str = ""
    route: str = ""


class ClusterMatch(Fact, frozen=True):
    """``match.cluster``; empty texts and port 0 match any. With a ``name`` nothing else counts."""

    name: str = ""
    service: str = ""
    subset: str = ""
    port: int = 0


class Patch(Fact, frozen=True):
    """One of ``configPatches``.

    ``value_name`` is the name that the patch's value gives itself. ``fields`` are the fields that the value sets, in
    Envoy's spelling, of a few messages their own (``typed_config.access_log``).
    """

    apply_to: str
    context: str
    operation: str
    listener: ListenerMatch
    route: RouteMatch
    cluster: ClusterMatch
    value_name: str
    fields: tuple[str, ...]
    place: YamlPlace

    def __str__(self) -> str:
        named = f" {self.value_name}" if self.value_name else ""
        return f"{self.operation} {self.apply_to}{named}"


class EnvoyFilter(Fact, frozen=True, eq=False):
    """An EnvoyFilter. ``selector`` is empty where it takes all workloads; ``targets`` are gateways instead."""

    resource: Resource
    selector: Mapping[str, str]
    targets: tuple[TargetRef, ...]
    patches: tuple[Patch, ...]


def parse_envoy_filter(resource: Resource) -> EnvoyFilter:
    """The view of an EnvoyFilter; a patch without ``applyTo`` or ``patch`` is left out, as istiod does."""
    spec = resource.spec
    return EnvoyFilter(
        resource=resource,
        selector=spec.node("workloadSelector").mapping("labels"),
        targets=parse_targets(spec),
        patches=tuple(_patches(spec)),
    )


def _patches(spec: Node) -> Iterator[Patch]:
    for node in spec.nodes("configPatches"):
        apply_to, patch = node.text("applyTo"), node.node("patch")
        if apply_to and patch:
            match, value = node.node("match"), patch.node("value")
            yield Patch(
                apply_to=apply_to,
                context=match.text("context") or ANY_CONTEXT,
                operation=patch.text("operation") or "INVALID",
                listener=_listener_match(match.node("listener")),
                route=_route_match(match.node("routeConfiguration")),
                cluster=_cluster_match(match.node("cluster")),
                value_name=value.text("name"),
                fields=tuple(_fields(value)),
                place=node.place(),
            )


def _listener_match(node: Node) -> ListenerMatch:
    chain = node.node("filterChain")
    own = chain.node("filter")
    return ListenerMatch(
        name=node.text("name"),
        port=node.integer("portNumber"),
        chain=chain.text("name"),
        sni=chain.text("sni"),
        transport=chain.text("transportProtocol"),
        destination_port=chain.integer("destinationPort"),
        filter=own.text("name"),
        sub_filter=own.node("subFilter").text("name"),
    )


def _route_match(node: Node) -> RouteMatch:
    host = node.node("vhost")
    return RouteMatch(
        name=node.text("name"),
        port=node.integer("portNumber"),
        virtual_host=host.text("name"),
        domain=host.text("domainName"),
        route=host.node("route").text("name"),
    )


def _cluster_match(node: Node) -> ClusterMatch:
    return ClusterMatch(node.text("name"), node.text("service"), node.text("subset"), node.integer("portNumber"))


def _fields(value: Node) -> Iterator[str]:
    for key in value:
        field = _CAMEL.sub("_", key).lower()
        inner = value.node(key) if field in _NESTED else None
        if inner:
            yield from (f"{field}.{own}" for own in _fields(inner))
        else:
            yield field
