"""Services (v1), as Kubernetes defaults them."""

from __future__ import annotations

from collections.abc import Mapping

from analyzer.base.fact import Fact
from analyzer.base.place import YamlPlace
from analyzer.mesh.resource import Node, Resource


class ServicePort(Fact, frozen=True):
    """A port of a Service. ``target`` is a number or the name of a container port; ``app_protocol`` None if absent."""

    name: str
    port: int
    target: int | str
    protocol: str
    app_protocol: str | None
    node_port: int
    place: YamlPlace


class Service(Fact, frozen=True, eq=False):
    """A Service. ``cluster_ips`` is empty for headless and ExternalName Services.

    ``headless`` is ``clusterIP: None``; ``external_name`` is empty for other types. ``selector`` is empty where absent.
    ``external_ips`` are its externalIPs and its load balancer's addresses. ``node_local``: clients only reach endpoints
    on their own node.
    """

    resource: Resource
    type: str
    cluster_ips: tuple[str, ...]
    headless: bool
    external_name: str
    selector: Mapping[str, str]
    ports: tuple[ServicePort, ...]
    publish_not_ready: bool
    external_ips: tuple[str, ...] = ()
    node_local: bool = False

    @property
    def namespace(self) -> str:
        """Its namespace."""
        return self.resource.namespace

    @property
    def name(self) -> str:
        """Its name."""
        return self.resource.name


def parse_service(resource: Resource) -> Service:
    """The view of a Service, with the API server's defaults (protocol TCP, targetPort = port)."""
    spec = resource.spec
    ips = [spec.address("clusterIP"), *spec.addresses("clusterIPs")]
    return Service(
        resource=resource,
        type=spec.text("type") or "ClusterIP",
        cluster_ips=tuple(dict.fromkeys(ip for ip in ips if ip and ip != "None")),
        headless="None" in ips and spec.text("type") != "ExternalName",
        external_name=spec.text("externalName") if spec.text("type") == "ExternalName" else "",
        selector=spec.mapping("selector"),
        ports=tuple(_parse_port(node) for node in spec.nodes("ports")),
        publish_not_ready=spec.boolean("publishNotReadyAddresses"),
        external_ips=(*spec.addresses("externalIPs"), *_balancer_ips(resource)),
        node_local=spec.text("internalTrafficPolicy") == "Local",
    )


def _balancer_ips(resource: Resource) -> tuple[str, ...]:
    ingress = resource.body.node("status").node("loadBalancer").nodes("ingress")
    return tuple(ip for each in ingress if (ip := each.address("ip")))


def _parse_port(node: Node) -> ServicePort:
    port = node.port("port")
    target: int | str = port
    raw = node.value.get("targetPort")
    if isinstance(raw, str) and not raw.isdigit():
        target = raw or port
    elif raw is not None:
        target = node.port("targetPort") or port
    return ServicePort(
        name=node.text("name"),
        port=port,
        target=target,
        protocol=node.text("protocol") or "TCP",
        app_protocol=node.optional_text("appProtocol"),
        node_port=node.port("nodePort"),
        place=node.place(),
    )
