"""Clusters and endpoints of a dump (envoy/config/cluster/v3, endpoint/v3) as the clusters of the model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from analyzer.base.place import YamlPlace
from analyzer.mesh.dump.proxy_dump import ProxyDump
from analyzer.mesh.dump.synthetic import resource_at
from analyzer.mesh.endpoints import Endpoint, endpoints_of
from analyzer.mesh.hosts import CLUSTER_DOMAIN
from analyzer.mesh.kinds.destination_rule import ISTIO_MUTUAL, MUTUAL, SIMPLE, ClientTls
from analyzer.mesh.kinds.service import parse_service
from analyzer.mesh.outbound.cluster import (
    DNS_CLUSTER,
    DYNAMIC_FORWARD,
    EDS,
    ISTIO_MTLS,
    ORDINARY_TLS,
    ORIGINAL_DST,
    PLAINTEXT,
    Cluster,
    NoCluster,
)
from analyzer.mesh.outbound.destination import parse_cluster_name
from analyzer.mesh.outbound.destination_rules import EffectivePolicy
from analyzer.mesh.port_protocol import TCP
from analyzer.mesh.registry import CLIENT_SIDE, PASSTHROUGH, RegistryPort, RegistryService, services_by_host
from analyzer.mesh.resource import Node
from analyzer.mesh.snapshot import MeshSnapshot

_KINDS: Mapping[str, str] = {
    "EDS": EDS, "ORIGINAL_DST": ORIGINAL_DST, "STRICT_DNS": DNS_CLUSTER, "LOGICAL_DNS": DNS_CLUSTER,
    "STATIC": DNS_CLUSTER, "envoy.clusters.dynamic_forward_proxy": DYNAMIC_FORWARD,
}  # fmt: skip
_HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
# Health states from which a balancer chooses (envoy/config/core/v3/health_check.proto).
_HEALTHY = ("", "UNKNOWN", "HEALTHY", "DEGRADED")
_AUTOMATIC = "tlsMode-istio"
# What a CommonTlsContext shows a certificate of its own by (envoy/extensions/transport_sockets/tls/v3/tls.proto).
_CERTIFICATES = (
    "tls_certificates", "tls_certificate_sds_secret_configs", "tls_certificate_provider_instance",
    "custom_tls_certificate_selector",
)  # fmt: skip


def cluster_of_dump(mesh: MeshSnapshot, dump: ProxyDump, name: str) -> Cluster | NoCluster:
    """The cluster of that name as the proxy has it, or that it has none.

    The service behind it is the mesh's where the YAML has it, else what the name and type tell. ``mesh`` also gives
    the endpoints where the dump was taken without them.
    """
    node = dump.clusters.get(name)
    if node is None:
        return NoCluster(name, f"the configuration of {dump.namespace}/{dump.pod} has no such cluster", (dump.place,))
    kind = _KINDS.get(node.text("type") or node.node("cluster_type").text("name") or "STATIC", DNS_CLUSTER)
    number, subset, host = parse_cluster_name(name) or (0, "", name)
    service = _service(mesh, node, host, kind)
    port = service.port(number) or RegistryPort("", number, TCP, 0, node.place())
    endpoints = _endpoints(mesh, dump, node, service, port, subset=subset)
    context, automatic = _tls_context(node)
    tls = _tls(context)
    return Cluster(
        name=name,
        service=service,
        port=port,
        kind=kind,
        endpoints=endpoints or (),
        policy=EffectivePolicy(),
        tls=tls,
        auto_tls=automatic,
        tls_why="as the proxy is configured",
        upstream_port=node.node("original_dst_lb_config").integer("upstream_port_override"),
        client_tls=_client_tls(context, tls) if context is not None else None,
        http2_upstream=_http2(node),
        yaml=(node.place(),),
        dumped=True,
        endpoints_known=endpoints is not None,
    )


def _service(mesh: MeshSnapshot, node: Node, host: str, kind: str) -> RegistryService:
    known = services_by_host(mesh).get(host, ())
    told = node.node("metadata").node("filter_metadata").node("istio").nodes("services")
    namespaces = {each.text("namespace") for each in told if each.text("host") == host}
    fitting = [each for each in known if not namespaces or each.namespace in namespaces]
    if fitting:
        return next((each for each in fitting if each.kubernetes), fitting[0])
    return _unknown_service(node, host, kind)


def _unknown_service(node: Node, host: str, kind: str) -> RegistryService:
    """A service of which there is only a cluster: of a sidecar's Kubernetes Services only headless keep the address."""
    name, _, rest = host.partition(".")
    kubernetes = rest.endswith(f".svc.{CLUSTER_DOMAIN}")
    body = {"kind": "Service", "metadata": {"name": name, "namespace": rest.partition(".")[0] if kubernetes else ""}}
    resource = resource_at(node.place(), body)
    return RegistryService(
        hostname=host,
        namespace=resource.namespace,
        ports=(),
        addresses=(),
        resolution=PASSTHROUGH if kind == ORIGINAL_DST else CLIENT_SIDE,
        kubernetes=kubernetes,
        external=not kubernetes,
        source=parse_service(resource),
        export_to=(),
        selector=None,
    )


def _endpoints(
    mesh: MeshSnapshot, dump: ProxyDump, node: Node, service: RegistryService, port: RegistryPort, *, subset: str
) -> tuple[Endpoint, ...] | None:
    """The endpoints, or None where they are not known."""
    inline = node.node("load_assignment")
    if inline:
        return tuple(_assigned(mesh, inline))
    if dump.endpoints is not None:
        name = node.node("eds_cluster_config").text("service_name") or node.text("name")
        found = dump.endpoints.get(name)
        return tuple(_assigned(mesh, found)) if found is not None else ()
    in_mesh = service.index or service.resource.order >= 0
    return endpoints_of(mesh, service, port) if in_mesh and not subset else None


def _assigned(mesh: MeshSnapshot, assignment: Node) -> Iterator[Endpoint]:
    """The endpoints of a ClusterLoadAssignment, but for those behind an internal listener (HBONE)."""
    for locality in assignment.nodes("endpoints"):
        for each in locality.nodes("lb_endpoints"):
            socket = each.node("endpoint").node("address").node("socket_address")
            if not socket:
                continue
            metadata = each.node("metadata").node("filter_metadata")
            workload = metadata.node("istio").text("workload").split(";")
            address = socket.text("address")
            yield Endpoint(
                address=address,
                port=socket.integer("port_value"),
                labels={},
                mutual_tls=metadata.node("envoy.transport_socket_match").text("tlsMode") == "istio",
                healthy=each.text("health_status") in _HEALTHY,
                pod=mesh.pod_at(address),
                namespace=workload[1] if len(workload) > 1 else "",
                service_account="",
                place=each.place(),
            )


def _tls_context(node: Node) -> tuple[Node | None, bool]:
    """The UpstreamTlsContext, if any, and whether endpoints choose to get it."""
    for each in node.nodes("transport_socket_matches"):
        if each.text("name") == _AUTOMATIC:
            return _context(each), True
    return _context(node), False


def _context(holder: Node) -> Node | None:
    config = holder.node("transport_socket").node("typed_config")
    return config if config.text("@type").endswith(".UpstreamTlsContext") else None


def _tls(context: Node | None) -> str:
    if context is None:
        return PLAINTEXT
    alpn = context.node("common_tls_context").texts("alpn_protocols")
    return ISTIO_MTLS if any(each.startswith("istio") for each in alpn) else ORDINARY_TLS


def _client_tls(context: Node, tls: str) -> ClientTls:
    place: YamlPlace = context.place()
    certified = any(name in context.node("common_tls_context") for name in _CERTIFICATES)
    mode = ISTIO_MUTUAL if tls == ISTIO_MTLS else MUTUAL if certified else SIMPLE
    return ClientTls(mode, context.text("sni"), tuple(_names(context)), "", "", "", False, place)


def _names(context: Node) -> Iterator[str]:
    """The names that the server's certificate must have one of."""
    common = context.node("common_tls_context")
    validation = common.node("combined_validation_context").node("default_validation_context")
    validation = validation if validation else common.node("validation_context")
    for each in validation.nodes("match_typed_subject_alt_names"):
        yield each.node("matcher").text("exact")
    for each in validation.nodes("match_subject_alt_names"):
        yield each.text("exact")


def _http2(node: Node) -> bool | None:
    """Whether the cluster speaks HTTP/2; None where it speaks what the client did."""
    options = node.node("typed_extension_protocol_options").node(_HTTP_OPTIONS)
    if "use_downstream_protocol_config" in options:
        return None
    return "http2_protocol_options" in options.node("explicit_http_config") or "http2_protocol_options" in node
