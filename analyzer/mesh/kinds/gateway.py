"""Gateway (networking.istio.io): the servers that a gateway's Envoy offers."""

from __future__ import annotations

from collections.abc import Mapping

from analyzer.base.fact import Fact
from analyzer.base.place import YamlPlace
from analyzer.mesh.resource import Node, Resource

PASSTHROUGH = "PASSTHROUGH"
SIMPLE = "SIMPLE"
MUTUAL = "MUTUAL"
AUTO_PASSTHROUGH = "AUTO_PASSTHROUGH"
ISTIO_MUTUAL = "ISTIO_MUTUAL"
OPTIONAL_MUTUAL = "OPTIONAL_MUTUAL"


class ServerTls(Fact, frozen=True):
    """TLS of a server. ``mode`` is PASSTHROUGH where it is not written, the zero value of the API's enum.

    ``subject_alt_names``: a client's certificate has to have one of them; empty for any.
    """

    mode: str
    https_redirect: bool
    credential_names: tuple[str, ...]
    ca_certificate: str
    place: YamlPlace
    subject_alt_names: tuple[str, ...] = ()


class Server(Fact, frozen=True):
    """One server: ``hosts`` as written, with or without ``namespace/``; ``tls`` is None where absent."""

    name: str
    port: int
    port_name: str
    protocol: str
    bind: str
    hosts: tuple[str, ...]
    tls: ServerTls | None
    place: YamlPlace


class Gateway(Fact, frozen=True, eq=False):
    """A Gateway. ``selector`` picks the pods that serve it; an empty one picks every gateway."""

    resource: Resource
    selector: Mapping[str, str]
    servers: tuple[Server, ...]

    @property
    def full_name(self) -> str:
        """``namespace/name``."""
        return self.resource.full_name


def parse_gateway(resource: Resource) -> Gateway:
    """The view of a Gateway."""
    spec = resource.spec
    return Gateway(
        resource=resource,
        selector=spec.mapping("selector"),
        servers=tuple(_parse_server(node) for node in spec.nodes("servers")),
    )


def _parse_server(node: Node) -> Server:
    port = node.node("port")
    return Server(
        name=node.text("name"),
        port=port.port("number"),
        port_name=port.text("name"),
        protocol=port.text("protocol"),
        bind=node.text("bind"),
        hosts=node.texts("hosts"),
        tls=_parse_tls(node.node("tls")) if "tls" in node else None,
        place=node.place(),
    )


def _parse_tls(node: Node) -> ServerTls:
    names = (node.text("credentialName"), *node.texts("credentialNames"))
    return ServerTls(
        mode=node.text("mode") or PASSTHROUGH,
        https_redirect=node.boolean("httpsRedirect"),
        credential_names=tuple(name for name in names if name),
        ca_certificate=node.text("caCertificates") or node.text("caCertCredentialName"),
        place=node.place("mode"),
        subject_alt_names=node.texts("subjectAltNames"),
    )
