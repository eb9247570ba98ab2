"""Sidecars (networking.istio.io): what a proxy is told of the mesh, and how it listens."""

from __future__ import annotations

from collections.abc import Mapping

from analyzer.base.fact import Fact
from analyzer.base.place import YamlPlace
from analyzer.mesh.kinds.mesh_config import REGISTRY_ONLY
from analyzer.mesh.resource import Node, Resource


class SidecarPort(Fact, frozen=True):
    """A port of a listener; ``protocol`` as written."""

    number: int
    protocol: str
    name: str
    place: YamlPlace


class EgressListener(Fact, frozen=True):
    """An egress listener; ``port`` is None for the one that catches all. ``hosts`` as written (``ns/host``)."""

    hosts: tuple[str, ...]
    port: SidecarPort | None
    bind: str
    capture_mode: str
    place: YamlPlace


class IngressListener(Fact, frozen=True):
    """An ingress listener: the port of the pod and where connections to it are handed."""

    port: SidecarPort
    bind: str
    capture_mode: str
    default_endpoint: str
    place: YamlPlace


class EgressProxy(Fact, frozen=True):
    """The destination that replaces the passthrough cluster."""

    host: str
    subset: str
    port: int


class Sidecar(Fact, frozen=True, eq=False):
    """A Sidecar. ``selector`` is None where it holds for the whole namespace; ``outbound_policy`` None where unset."""

    resource: Resource
    selector: Mapping[str, str] | None
    egress: tuple[EgressListener, ...]
    ingress: tuple[IngressListener, ...]
    outbound_policy: str | None
    egress_proxy: EgressProxy | None


def parse_sidecar(resource: Resource) -> Sidecar:
    """The view of a Sidecar."""
    spec = resource.spec
    policy = spec.node("outboundTrafficPolicy")
    return Sidecar(
        resource=resource,
        selector=spec.node("workloadSelector").mapping("labels") if "workloadSelector" in spec else None,
        egress=tuple(_parse_egress(node) for node in spec.nodes("egress")),
        ingress=tuple(_parse_ingress(node) for node in spec.nodes("ingress")),
        # A policy without a mode has the zero value of the API's enum.
        outbound_policy=policy.text("mode") or REGISTRY_ONLY if "outboundTrafficPolicy" in spec else None,
        egress_proxy=_parse_egress_proxy(policy),
    )


def _parse_port(node: Node) -> SidecarPort:
    return SidecarPort(node.port("number"), node.text("protocol"), node.text("name"), node.place())


def _parse_egress(node: Node) -> EgressListener:
    return EgressListener(
        hosts=node.texts("hosts"),
        port=_parse_port(node.node("port")) if "port" in node else None,
        bind=node.text("bind"),
        capture_mode=node.text("captureMode") or "DEFAULT",
        place=node.place(),
    )


def _parse_ingress(node: Node) -> IngressListener:
    return IngressListener(
        port=_parse_port(node.node("port")),
        bind=node.text("bind"),
        capture_mode=node.text("captureMode") or "DEFAULT",
        default_endpoint=node.text("defaultEndpoint"),
        place=node.place(),
    )


def _parse_egress_proxy(policy: Node) -> EgressProxy | None:
    proxy = policy.node("egressProxy")
    if not proxy:
        return None
    return EgressProxy(proxy.text("host"), proxy.text("subset"), proxy.node("port").port("number"))
