"""EndpointSlices (discovery.k8s.io): endpoints of a named Service."""

from __future__ import annotations

from analyzer.base.fact import Fact
from analyzer.base.place import YamlPlace
from analyzer.mesh.resource import Node, Resource

SERVICE_NAME_LABEL = "kubernetes.io/service-name"


class SlicePort(Fact, frozen=True):
    """A port of a slice: ``name`` ties it to the Service's port; ``port`` is the target port (0: all)."""

    name: str
    port: int
    protocol: str


class SliceEndpoint(Fact, frozen=True):
    """An endpoint. ``ready`` is true where the condition is absent; ``target`` is the pod's name, None for others."""

    addresses: tuple[str, ...]
    ready: bool
    serving: bool
    terminating: bool
    target: str | None
    place: YamlPlace


class EndpointSlice(Fact, frozen=True, eq=False):
    """A slice of the endpoints of ``service`` (a name in the slice's namespace)."""

    resource: Resource
    service: str
    address_type: str
    ports: tuple[SlicePort, ...]
    endpoints: tuple[SliceEndpoint, ...]


def parse_endpoint_slice(resource: Resource) -> EndpointSlice:
    """The view of an EndpointSlice."""
    body = resource.body
    return EndpointSlice(
        resource=resource,
        service=resource.labels.get(SERVICE_NAME_LABEL, ""),
        address_type=body.text("addressType") or "IPv4",
        ports=_parse_ports(body),
        endpoints=tuple(_parse_endpoint(node) for node in body.nodes("endpoints")),
    )


def _parse_ports(node: Node) -> tuple[SlicePort, ...]:
    return tuple(
        SlicePort(port.text("name"), port.port("port"), port.text("protocol") or "TCP") for port in node.nodes("ports")
    )


def _parse_endpoint(node: Node) -> SliceEndpoint:
    conditions = node.node("conditions")
    ready = conditions.boolean("ready", True)
    return SliceEndpoint(
        addresses=node.addresses("addresses"),
        ready=ready,
        serving=conditions.boolean("serving", ready),
        terminating=conditions.boolean("terminating"),
        target=_pod_of(node),
        place=node.place(),
    )


def _pod_of(node: Node) -> str | None:
    target = node.node("targetRef")
    return target.text("name") or None if target.text("kind") in ("", "Pod") else None
