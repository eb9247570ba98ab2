"""Ingress (networking.k8s.io): hosts and paths that lead to Services, and certificates for hosts."""

from __future__ import annotations

from analyzer.base.fact import Fact
from analyzer.base.place import YamlPlace
from analyzer.mesh.resource import Node, Resource

CLASS_ANNOTATION = "kubernetes.io/ingress.class"


class IngressPath(Fact, frozen=True):
    """A path that leads to a Service, whose ``port`` is a number or a name; ``service`` is empty for other backends."""

    path: str
    type: str
    service: str
    port: int | str
    place: YamlPlace


class IngressRule(Fact, frozen=True):
    """The paths of a host; ``host`` is ``*`` where it is not written."""

    host: str
    paths: tuple[IngressPath, ...]
    place: YamlPlace


class IngressTls(Fact, frozen=True):
    """Hosts with their certificate; ``hosts`` is ``*`` where none is written."""

    hosts: tuple[str, ...]
    secret: str
    place: YamlPlace


class Ingress(Fact, frozen=True, eq=False):
    """An Ingress. ``annotated_class`` is the class by the older annotation, None where it has none."""

    resource: Resource
    annotated_class: str | None
    class_name: str
    rules: tuple[IngressRule, ...]
    tls: tuple[IngressTls, ...]


def parse_ingress(resource: Resource) -> Ingress:
    """The view of an Ingress; rules without paths do not count."""
    spec = resource.spec
    rules = (node for node in spec.nodes("rules") if "http" in node)
    return Ingress(
        resource=resource,
        annotated_class=resource.annotations.get(CLASS_ANNOTATION),
        class_name=spec.text("ingressClassName"),
        rules=tuple(_parse_rule(node) for node in rules),
        tls=tuple(_parse_tls(node) for node in spec.nodes("tls")),
    )


def _parse_rule(node: Node) -> IngressRule:
    paths = tuple(_parse_path(each) for each in node.node("http").nodes("paths"))
    return IngressRule(node.text("host") or "*", paths, node.place())


def _parse_tls(node: Node) -> IngressTls:
    return IngressTls(node.texts("hosts") or ("*",), node.text("secretName"), node.place())


def _parse_path(node: Node) -> IngressPath:
    service = node.node("backend").node("service")
    port = service.node("port")
    return IngressPath(
        path=node.text("path"),
        type=node.text("pathType"),
        service=service.text("name"),
        port=port.port("number") or port.text("name"),
        place=node.place(),
    )
