"""DestinationRules (networking.istio.io): subsets, and how a client's proxy connects."""

from __future__ import annotations

from collections.abc import Mapping

from analyzer.base.fact import Fact
from analyzer.base.place import YamlPlace
from analyzer.mesh.resource import Node, Resource

DISABLE = "DISABLE"
SIMPLE = "SIMPLE"
MUTUAL = "MUTUAL"
ISTIO_MUTUAL = "ISTIO_MUTUAL"


class ClientTls(Fact, frozen=True):
    """``tls`` of a traffic policy. ``sans`` are the names that the server's certificate must have."""

    mode: str
    sni: str
    sans: tuple[str, ...]
    credential: str
    ca_certificates: str
    client_certificate: str
    insecure_skip_verify: bool
    place: YamlPlace


class TrafficPolicy(Fact, frozen=True):
    """A traffic policy: ``tls`` None where unset, ``balancer`` is the simple load balancer's name or empty.

    ``h2_upgrade`` is the HTTP pool's upgrade policy or empty, ``client_protocol`` its ``useClientProtocol``; ``ports``
    are the policies of single ports. ``tunnel`` and ``proxy_protocol`` say that something goes before the data.
    """

    tls: ClientTls | None
    balancer: str
    has_balancer: bool
    h2_upgrade: str
    client_protocol: bool
    has_pool: bool
    tunnel: bool
    proxy_protocol: bool
    ports: tuple[tuple[int, TrafficPolicy], ...]
    place: YamlPlace

    def for_port(self, port: int) -> TrafficPolicy | None:
        """The policy that replaces this one on a service port, or None."""
        return next((policy for number, policy in self.ports if number == port), None)


class Subset(Fact, frozen=True):
    """A named subset of a service's endpoints."""

    name: str
    labels: Mapping[str, str]
    policy: TrafficPolicy | None
    place: YamlPlace


class DestinationRule(Fact, frozen=True, eq=False):
    """A DestinationRule. ``host`` as written; ``workload_selector`` None where it holds for all clients."""

    resource: Resource
    host: str
    policy: TrafficPolicy | None
    subsets: tuple[Subset, ...]
    export_to: tuple[str, ...]
    workload_selector: Mapping[str, str] | None


def parse_destination_rule(resource: Resource) -> DestinationRule:
    """The view of a DestinationRule."""
    spec = resource.spec
    selector = spec.node("workloadSelector").mapping("matchLabels") if "workloadSelector" in spec else None
    return DestinationRule(
        resource=resource,
        host=spec.text("host"),
        policy=_optional_policy(spec),
        subsets=tuple(
            Subset(node.text("name"), node.mapping("labels"), _optional_policy(node), node.place())
            for node in spec.nodes("subsets")
        ),
        export_to=spec.texts("exportTo"),
        workload_selector=selector,
    )


def _optional_policy(node: Node) -> TrafficPolicy | None:
    return _parse_policy(node.node("trafficPolicy")) if "trafficPolicy" in node else None


def _parse_policy(node: Node, *, of_port: bool = False) -> TrafficPolicy:
    ports = () if of_port else node.nodes("portLevelSettings")
    pool = node.node("connectionPool").node("http")
    return TrafficPolicy(
        tls=_parse_tls(node.node("tls")) if "tls" in node else None,
        balancer=node.node("loadBalancer").text("simple"),
        has_balancer="loadBalancer" in node,
        h2_upgrade=pool.text("h2UpgradePolicy"),
        client_protocol=pool.boolean("useClientProtocol"),
        has_pool="connectionPool" in node,
        tunnel=not of_port and "tunnel" in node,
        proxy_protocol=not of_port and "proxyProtocol" in node,
        ports=tuple((each.node("port").port("number"), _parse_policy(each, of_port=True)) for each in ports),
        place=node.place(),
    )


def _parse_tls(node: Node) -> ClientTls:
    return ClientTls(
        mode=node.text("mode") or DISABLE,
        sni=node.text("sni"),
        sans=node.texts("subjectAltNames"),
        credential=node.text("credentialName"),
        ca_certificates=node.text("caCertificates"),
        client_certificate=node.text("clientCertificate"),
        insecure_skip_verify=node.boolean("insecureSkipVerify"),
        place=node.place("mode"),
    )
