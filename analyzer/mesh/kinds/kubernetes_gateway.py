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
FROM_NONE = "None"

# Where a ListenerSet's entry may leave its port out (gateway_utils.go ListenerEntryPortNumber).
_USUAL_PORTS = {"HTTP": 80, "HTTPS": 443}
_GROUP = "gateway.networking.k8s.io"


class CertificateRef(Fact, frozen=True):
    """What a listener names as its certificate; ``namespace`` is empty for the listener's own."""

    group: str
    kind: str
    namespace: str
    name: str


class ListenerTls(Fact, frozen=True):
    """TLS of a listener: ``mode``, Istio's own ``options``, and its ``certificates``."""

    mode: str
    options: Mapping[str, str]
    certificates: tuple[CertificateRef, ...]
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
    ``sets_from`` and ``set_selector`` say whose ListenerSets it takes.
    """

    resource: Resource
    class_name: str
    listeners: tuple[GatewayListener, ...]
    addresses: tuple[tuple[str, str], ...]
    client_validation: Mapping[int, str]
    sets_from: str = FROM_NONE
    set_selector: LabelSelector | None = None


def parse_kubernetes_gateway(resource: Resource) -> KubernetesGateway:
    """The view of a Gateway API Gateway."""
    spec = resource.spec
    sets = spec.node("allowedListeners").node("namespaces")
    return KubernetesGateway(
        resource=resource,
        class_name=spec.text("gatewayClassName"),
        listeners=tuple(parse_listener(node) for node in spec.nodes("listeners")),
        addresses=tuple((node.text("type"), node.text("value")) for node in spec.nodes("addresses")),
        client_validation=_parse_validation(spec.node("tls").node("frontend")),
        sets_from=sets.text("from") or (FROM_SELECTOR if "selector" in sets else FROM_NONE),
        set_selector=parse_label_selector(sets.node("selector")) if "selector" in sets else None,
    )


def parse_listener(node: Node) -> GatewayListener:
    """One listener of a Gateway or ListenerSet."""
    allowed = node.node("allowedRoutes")
    namespaces = allowed.node("namespaces")
    return GatewayListener(
        name=node.text("name"),
        port=node.port("port") or _USUAL_PORTS.get(node.text("protocol"), 0),
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
        certificates=tuple(_parse_certificate(each) for each in node.nodes("certificateRefs")),
        place=node.place(),
    )


def _parse_certificate(node: Node) -> CertificateRef:
    return CertificateRef(
        group=node.text("group"),
        kind=node.text("kind") or "Secret",
        namespace=node.text("namespace"),
        name=node.text("name"),
    )


def _parse_validation(frontend: Node) -> dict[int, str]:
    found = {each.port("port"): _validation_mode(each.node("tls")) for each in frontend.nodes("perPort")}
    found[0] = _validation_mode(frontend.node("default"))
    return {port: mode for port, mode in found.items() if mode or port}


def _validation_mode(node: Node) -> str:
    validation = node.node("validation")
    return validation.text("mode") or "AllowValidOnly" if validation.nodes("caCertificateRefs") else ""
