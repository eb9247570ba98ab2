"""Clusters: whether one exists for a proxy, which endpoints it has, and what TLS it speaks to them.

pilot/pkg/networking/core/cluster.go, cluster_builder.go, cluster_tls.go; pilot/pkg/xds/endpoints.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from analyzer.base.fact import Fact
from analyzer.base.place import YamlPlace
from analyzer.mesh.endpoints import (
    CLUSTER_LABELS,
    LOCALITY_LABELS,
    Endpoint,
    endpoints_of,
    has_endpoints,
    instances_of,
)
from analyzer.mesh.hosts import is_ip, is_wildcard
from analyzer.mesh.inbound.mtls import namespace_mtls, workload_mtls
from analyzer.mesh.kinds.destination_rule import ISTIO_MUTUAL, MUTUAL, SIMPLE, ClientTls, Subset
from analyzer.mesh.outbound.destination import parse_cluster_name
from analyzer.mesh.outbound.destination_rules import (
    PASSTHROUGH_BALANCER,
    EffectivePolicy,
    MergedRule,
    effective_policy,
    rule_for,
)
from analyzer.mesh.port_protocol import AUTO, GRPC, HTTP, HTTP2, HTTP2_UPSTREAM, HTTP_FAMILY, TLS, UDP
from analyzer.mesh.proxy import Proxy
from analyzer.mesh.registry import (
    ALIAS,
    DNS_RESOLUTIONS,
    DYNAMIC_DNS,
    PASSTHROUGH,
    RegistryPort,
    RegistryService,
    services_by_host,
)
from analyzer.mesh.selector import labels_match
from analyzer.mesh.snapshot import MeshSnapshot

# Envoy's cluster types, as far as they matter for who is chosen.
EDS = "EDS"
DNS_CLUSTER = "DNS"
ORIGINAL_DST = "ORIGINAL_DST"
DYNAMIC_FORWARD = "DYNAMIC_FORWARD_PROXY"

# What a connection to an endpoint is wrapped in.
PLAINTEXT = "plaintext"
ORDINARY_TLS = "tls"
ISTIO_MTLS = "mtls"

# A label of endpoints that get no new connections, unless the service's clients stick to theirs.
_DRAINING, _PERSISTENT_SESSION = "istio.io/draining", "istio.io/persistent-session"


class Cluster(Fact, frozen=True, eq=False):
    """A cluster of the way out. ``endpoints`` are all of its subset; ``upstream_port`` 0 keeps the port.

    ``auto_tls`` says that mutual TLS was not asked for but inferred. ``tls_why`` is the sentence for it. ``dumped``: it
    was read from a proxy itself, whose endpoints say exactly which TLS they get; where ``endpoints_known`` is false
    they were not read.
    """

    name: str
    service: RegistryService
    port: RegistryPort
    kind: str
    endpoints: tuple[Endpoint, ...]
    policy: EffectivePolicy
    tls: str
    auto_tls: bool
    tls_why: str
    upstream_port: int = 0
    client_tls: ClientTls | None = None
    http2_upstream: bool | None = False
    yaml: tuple[YamlPlace, ...] = ()
    dumped: bool = False
    endpoints_known: bool = True


class NoCluster(Fact, frozen=True):
    """Why a cluster does not exist."""

    name: str
    why: str
    yaml: tuple[YamlPlace, ...] = ()


def find_cluster(
    mesh: MeshSnapshot, services: Mapping[str, RegistryService], proxy: Proxy, name: str, *, router: bool = False
) -> Cluster | NoCluster:
    """The cluster of that name for a proxy that knows ``services``, or why there is none.

    ``router``: a gateway's proxy, for which headless services are balanced like others.
    """
    parsed = parse_cluster_name(name)
    service = services.get(parsed[2]) if parsed else None
    if parsed is None or service is None:
        host = parsed[2] if parsed else name
        return NoCluster(name, f"the proxy knows no service {host}")
    number, subset_name, host = parsed
    if service.resolution == ALIAS:
        return NoCluster(name, f"{host} is an ExternalName, which has no cluster of its own", (service.place,))
    port = service.port(number)
    if port is None:
        return NoCluster(name, f"{host} has no port {number}", (service.place,))
    rule = rule_for(mesh, proxy, service)
    subset = rule.subset(subset_name) if rule and subset_name else None
    if subset_name and subset is None:
        places = rule.places if rule else ()
        return NoCluster(name, f"subset {subset_name} is not defined by any DestinationRule for {host}", places)
    node = proxy.node if service.node_local else ""
    key = ("cluster", name, service, rule, router, node)
    return mesh.memo(key, lambda: _build(mesh, name, service, port, rule, subset, router=router, node=node))


def _build(
    mesh: MeshSnapshot,
    name: str,
    service: RegistryService,
    port: RegistryPort,
    rule: MergedRule | None,
    subset: Subset | None,
    *,
    router: bool,
    node: str,
) -> Cluster | NoCluster:
    policy = effective_policy(rule, port.number, subset)
    kind = _kind(service, policy, router=router)
    endpoints = _endpoints(mesh, service, port, subset, kind)
    if node and kind == EDS:
        endpoints = tuple(each for each in endpoints if each.pod is not None and each.pod.node == node)
    if kind == DNS_CLUSTER and not endpoints:
        return NoCluster(name, f"{service.hostname} is resolved by DNS and has no endpoint", (service.place,))
    if kind == DYNAMIC_FORWARD and port.protocol not in (HTTP, TLS, GRPC, HTTP2):
        return NoCluster(name, f"a wildcard host cannot be resolved for {port.protocol}", (port.place,))
    tls, auto, why = _client_tls(mesh, service, port, policy, rule, router=router)
    return Cluster(
        name=name,
        service=service,
        port=port,
        kind=kind,
        endpoints=endpoints,
        policy=policy,
        tls=tls,
        auto_tls=auto,
        tls_why=why,
        upstream_port=_override(service, port) if kind == ORIGINAL_DST else 0,
        client_tls=policy.tls,
        endpoints_known=has_endpoints(mesh, service) and (subset is None or _are_shown(subset, endpoints)),
        http2_upstream=_http2(mesh, port, policy, router=router),
        yaml=(subset.place if subset else port.place, *(rule.places if rule else ())),
    )


def _are_shown(subset: Subset, endpoints: Collection[Endpoint]) -> bool:
    """Whether the input says who is in a subset: it does not tell clusters, networks, and the places of nodes."""
    asked = {*CLUSTER_LABELS, *LOCALITY_LABELS} & subset.labels.keys()
    return bool(endpoints) or not asked


def _override(service: RegistryService, port: RegistryPort) -> int:
    """The port that replaces the client's where a ServiceEntry without resolution names a target port."""
    entry = not service.kubernetes and service.resolution == PASSTHROUGH
    return port.target if entry and isinstance(port.target, int) else 0


def _kind(service: RegistryService, policy: EffectivePolicy, *, router: bool) -> str:
    """cluster.go convertResolution; a PASSTHROUGH load balancer keeps the address too."""
    if is_wildcard(service.hostname) and service.resolution == DYNAMIC_DNS:
        return DYNAMIC_FORWARD
    if policy.keeps_address or (service.resolution == PASSTHROUGH and not router):
        return ORIGINAL_DST
    return DNS_CLUSTER if service.resolution in DNS_RESOLUTIONS else EDS


def _endpoints(
    mesh: MeshSnapshot, service: RegistryService, port: RegistryPort, subset: Subset | None, kind: str
) -> tuple[Endpoint, ...]:
    """The endpoints of all services of that host and namespace whose port has that name, once each.

    A cluster that resolves names gets them with its own configuration, by which the port's number counts.
    """
    labels = subset.labels if subset else {}
    if kind == DNS_CLUSTER:
        return tuple(each for each in instances_of(mesh, service, port) if labels_match(labels, each.labels))
    found: dict[tuple[str, int], Endpoint] = {}
    for each in services_by_host(mesh).get(service.hostname, ()):
        same = each.namespace == service.namespace and next((p for p in each.ports if p.name == port.name), None)
        for endpoint in endpoints_of(mesh, each, same) if same and same.protocol != UDP else ():
            found.setdefault((endpoint.address, endpoint.port), endpoint)
    return tuple(
        endpoint
        for endpoint in found.values()
        if labels_match(labels, endpoint.labels) and (kind != EDS or _is_told(service, endpoint))
    )


def _is_told(service: RegistryService, endpoint: Endpoint) -> bool:
    """Whether proxies hear of an endpoint: it has an address, and does not drain (filterIstioEndpoint)."""
    drains = bool(endpoint.labels.get(_DRAINING)) and not service.resource.labels.get(_PERSISTENT_SESSION)
    return not drains and (endpoint.port == 0 or is_ip(endpoint.address))


def _http2(mesh: MeshSnapshot, port: RegistryPort, policy: EffectivePolicy, *, router: bool) -> bool | None:
    """Whether upstream connections speak HTTP/2; None: as the client did.

    cluster_builder.go setUpstreamProtocol comes before the policy: what it chose, no upgrade replaces (setH2Options),
    and it lets a sidecar keep the client's protocol on ports of none. A gateway speaks HTTP/1.1 there, unless a rule
    upgrades the port; the mesh's own upgrade is for HTTP ports (cluster_traffic_policy.go shouldH2Upgrade).
    """
    if policy.client_protocol or (port.protocol == AUTO and not router):
        return None
    if port.protocol in HTTP2_UPSTREAM:
        return True
    if policy.h2_upgrade in ("UPGRADE", "DO_NOT_UPGRADE"):
        return policy.h2_upgrade == "UPGRADE"
    return mesh.config.h2_upgrade and port.protocol in HTTP_FAMILY


def _client_tls(
    mesh: MeshSnapshot,
    service: RegistryService,
    port: RegistryPort,
    policy: EffectivePolicy,
    rule: MergedRule | None,
    *,
    router: bool,
) -> tuple[str, bool, str]:
    """What the cluster speaks, whether that was inferred, and why (cluster_tls.go buildUpstreamTLSSettings)."""
    if policy.tls is not None:
        return _asked_tls(policy.tls, may_fetch=router or (rule is not None and rule.workload_selector is not None))
    if service.external:
        return PLAINTEXT, False, f"{service.hostname} is outside the mesh (MESH_EXTERNAL) and no rule sets tls"
    if not mesh.config.auto_mtls:
        return PLAINTEXT, False, "enableAutoMtls is off and no rule sets tls"
    if service.resolution == PASSTHROUGH or policy.declared_balancer == PASSTHROUGH_BALANCER:
        every = instances_of(mesh, service, port)
        # Of one whose pod the input lacks nobody can tell; istiod leaves those out (updateEndpointCacheForSlice).
        every = tuple(each for each in every if not each.lost) or every
        plain = next((each for each in every if not each.mutual_tls), None)
        if not every:
            return PLAINTEXT, False, f"{service.hostname} keeps the client's address and has no endpoints"
        if plain is not None:
            return PLAINTEXT, False, f"an endpoint of {service.hostname}, {plain.address}, has no sidecar"
    mode = namespace_mtls(mesh, service.namespace)
    if mode is not None and mode.mode == "DISABLE":
        return PLAINTEXT, False, f"{mode.setter} disables mutual TLS for namespace {service.namespace}"
    return ISTIO_MTLS, True, "mutual TLS is automatic for endpoints with a sidecar"


def _asked_tls(tls: ClientTls, *, may_fetch: bool) -> tuple[str, bool, str]:
    """What a rule asks for; ``may_fetch``: the proxy is given certificates by the name of a secret."""
    why = f"a DestinationRule sets tls mode {tls.mode}"
    if tls.mode == ISTIO_MUTUAL:
        return ISTIO_MTLS, False, why
    if tls.mode not in (SIMPLE, MUTUAL):
        return PLAINTEXT, False, why
    of_config_map = tls.credential.startswith("configmap://")
    if tls.credential and not of_config_map and not may_fetch:
        return PLAINTEXT, False, f"{why}, but its credentialName only counts with a workloadSelector"
    if tls.mode == MUTUAL and not tls.credential and not tls.client_certificate:
        return PLAINTEXT, False, f"{why}, but names no client certificate"
    return ORDINARY_TLS, False, why


def endpoint_tls(mesh: MeshSnapshot, cluster: Cluster, endpoint: Endpoint | None) -> str:
    """What a connection to an endpoint is wrapped in; None stands for an address that is no endpoint.

    Clusters that balance choose per endpoint where mutual TLS was inferred (mtls_checker.go checkMtlsEnabled).
    """
    if not cluster.auto_tls or cluster.kind == ORIGINAL_DST or cluster.tls != ISTIO_MTLS:
        return cluster.tls
    return ISTIO_MTLS if speaks_mtls(mesh, cluster, endpoint) else PLAINTEXT


def speaks_mtls(mesh: MeshSnapshot, cluster: Cluster, endpoint: Endpoint | None) -> bool:
    """Whether an endpoint is told to speak Istio's mutual TLS (mtls_checker.go checkMtlsEnabled)."""
    asked = cluster.policy.tls or cluster.policy.inherited_tls
    if asked is not None:
        return asked.mode == ISTIO_MUTUAL
    if endpoint is None or not endpoint.mutual_tls:
        return False
    return (
        cluster.dumped or workload_mtls(mesh, endpoint.namespace, endpoint.labels).at(endpoint.port).mode != "DISABLE"
    )


def is_balanced(cluster: Cluster) -> bool:
    """Whether the cluster chooses among endpoints, rather than keeping or resolving the address."""
    return cluster.kind in (EDS, DNS_CLUSTER)
