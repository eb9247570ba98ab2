"""Gateway (gateway.networking.k8s.io): listeners that routes attach to."""

from __future__ import annotations

from collections.abc import Mapping

from analyzer.base.fact import Fact
from analyzer.base.place import YamlPlace
from analyzer.mesh.resource import Node, Resource
from analyzer.mesh.selector import LabelSelector, parse_label_selector

TERMINATE = "Terminate"
TLS_PASSTHROUGH = "Passthrough"
# Whose routes a listener takes.
FROM_SAME = "Same"
FROM_ALL = "All"
FROM_SELECTOR = "Selector"

_GROUP = "gateway.networking.k8s.io"


class ListenerTls(Fact, frozen=True):
    """TLS of a listener: ``mode``, Istio's own ``options``, and the names of its ``certificates``."""

    mode: str
    options: Mapping[str, str]
    certificates: tuple[str, ...]
    place: YamlPlace


class GatewayListener(Fact, frozen=True):
    """A listener. ``hostname`` is empty for any; ``kinds`` are (group, kind) pairs, empty for all that fit."""

    name: str
    port: int
    protocol: str
    hostname: str
    tls: ListenerTls | None
    namespaces_from: str
    namespace_selector: LabelSelector | None
    kinds: tuple[tuple[str, str], ...]
    place: YamlPlace


class KubernetesGateway(Fact, frozen=True, eq=False):
    """A Gateway of the Gateway API.

    ``addresses`` are (type, value); ``client_validation`` are the modes of frontend validation by port, 0 for any.
    """

    resource: Resource
    class_name: str
    listeners: tuple[GatewayListener, ...]
    addresses: tuple[tuple[str, str], ...]
    client_validation: Mapping[int, str]


def parse_kubernetes_gateway(resource: Resource) -> KubernetesGateway:
    """The view of a Gateway API Gateway."""
    spec = resource.spec
    return KubernetesGateway(
        resource=resource,
        class_name=spec.text("gatewayClassName"),
        listeners=tuple(_parse_listener(node) for node in spec.nodes("listeners")),
        addresses=tuple((node.text("type"), node.text("value")) for node in spec.nodes("addresses")),
        client_validation=_parse_validation(spec.node("tls").node("frontend")),
    )


def _parse_listener(node: Node) -> GatewayListener:
    allowed = node.node("allowedRoutes")
    namespaces = allowed.node("namespaces")
    return GatewayListener(
        name=node.text("name"),
        port=node.port("port"),
        protocol=node.text("protocol"),
        hostname=node.text("hostname"),
        tls=_parse_tls(node.node("tls")) if "tls" in node else None,
        namespaces_from=namespaces.text("from") or FROM_SAME,
        namespace_selector=parse_label_selector(namespaces.node("selector")) if "selector" in namespaces else None,
        kinds=tuple((each.text("group", _GROUP), each.text("kind")) for each in allowed.nodes("kinds")),
        place=node.place(),
    )


def _parse_tls(node: Node) -> ListenerTls:
    return ListenerTls(
        mode=node.text("mode") or TERMINATE,
        options=node.mapping("options"),
        certificates=tuple(each.text("name") for each in node.nodes("certificateRefs")),
        place=node.place(),
    )


def _parse_validation(frontend: Node) -> dict[int, str]:
    found = {each.port("port"): _validation_mode(each.node("tls")) for each in frontend.nodes("perPort")}
    found[0] = _validation_mode(frontend.node("default"))
    return {port: mode for port, mode in found.items() if mode or port}


def _validation_mode(node: Node) -> str:
    validation = node.node("validation")
    return validation.text("mode") or "AllowValidOnly" if validation.nodes("caCertificateRefs") else ""
