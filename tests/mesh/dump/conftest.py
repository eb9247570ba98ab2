"""Configuration dumps of proxies: what the model tells a sidecar, written down as Envoy's admin API would print it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from analyzer.mesh.endpoints import Endpoint
from analyzer.mesh.inbound.chains import ChainMatch
from analyzer.mesh.inbound.listener import InboundPort, inbound_port
from analyzer.mesh.inbound.mtls import pod_mtls
from analyzer.mesh.kinds.virtual_service import HeaderOperations, StringMatch
from analyzer.mesh.outbound.cluster import DNS_CLUSTER, EDS, ISTIO_MTLS, ORIGINAL_DST, PLAINTEXT, Cluster, endpoint_tls
from analyzer.mesh.outbound.listener import ClusterChoice, FilterChain, Listener
from analyzer.mesh.outbound.route import Route, RouteConfig, VirtualHost
from analyzer.mesh.outbound.told import told_by_istiod
from analyzer.mesh.proxy import proxy_of
from analyzer.mesh.snapshot import MeshSnapshot

Json = dict[str, Any]
ADMIN = "type.googleapis.com/envoy.admin.v3."
CONFIG = "type.googleapis.com/envoy.config."
FILTERS = "type.googleapis.com/envoy.extensions.filters."
TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3."
# A port that no service of a test has.
UNDECLARED = 1
REDIRECTS = {
    301: "MOVED_PERMANENTLY", 302: "FOUND", 303: "SEE_OTHER", 307: "TEMPORARY_REDIRECT", 308: "PERMANENT_REDIRECT",
}  # fmt: skip


def filled(**fields: Any) -> Json:
    """The fields that say something: protobuf prints no defaults."""
    return {name: value for name, value in fields.items() if value not in (None, "", (), [], {}, 0, False)}


def config_dump(
    pod: str,
    ip: str,
    *,
    listeners: Iterable[Json] = (),
    routes: Iterable[Json] = (),
    clusters: Iterable[Json] = (),
    endpoints: Iterable[Json] | None = None,
    kind: str = "sidecar",
    **metadata: Any,
) -> Json:
    """``GET /config_dump`` of the proxy of ``namespace/name``; without ``endpoints`` as it is without include_eds."""
    namespace, _, name = pod.partition("/")
    node = {"id": f"{kind}~{ip}~{name}.{namespace}~{namespace}.svc.cluster.local", "metadata": metadata}
    dynamic = [{"name": each["name"], "active_state": {"version_info": "1", "listener": each}} for each in listeners]
    parts = [
        {"@type": f"{ADMIN}BootstrapConfigDump", "bootstrap": {"node": node}},
        {"@type": f"{ADMIN}ClustersConfigDump", "dynamic_active_clusters": [{"cluster": each} for each in clusters]},
        {"@type": f"{ADMIN}ListenersConfigDump", "version_info": "1", "dynamic_listeners": dynamic},
        {"@type": f"{ADMIN}RoutesConfigDump", "dynamic_route_configs": [{"route_config": each} for each in routes]},
    ]
    if endpoints is not None:
        found = [{"endpoint_config": each} for each in endpoints]
        parts.append({"@type": f"{ADMIN}EndpointsConfigDump", "dynamic_endpoint_configs": found})
    return {"configs": parts}


@pytest.fixture
def dumped() -> Callable[..., Json]:
    """The dump of a proxy of which the parts are given."""
    return config_dump


@pytest.fixture
def dump_told() -> Callable[..., str]:
    """The dump of a sidecar that was told what the model says, as far as calls to these addresses need it."""

    def write(mesh: MeshSnapshot, pod: str, calls: Iterable[tuple[str, int]], ports: Iterable[int] = ()) -> str:
        return json.dumps(Writer(mesh, pod).dump(calls, ports), indent=1)

    return write


class Writer:
    """Writes the configuration of one sidecar."""

    def __init__(self, mesh: MeshSnapshot, pod: str) -> None:
        namespace, _, name = pod.partition("/")
        found = mesh.pod(namespace, name)
        assert found is not None
        self.mesh, self.pod = mesh, found
        self.told = told_by_istiod(mesh, proxy_of(mesh, found))
        self.routes: dict[str, RouteConfig] = {}
        self.clusters: dict[str, Cluster] = {}

    def dump(self, calls: Iterable[tuple[str, int]], ports: Iterable[int] = ()) -> Json:
        """``calls`` are the addresses of the way out, ``ports`` those of the way in; without any there is none."""
        listeners: dict[str, Json] = {}
        for address, port in calls:
            found = self.told.listener_at(address, port)
            if found.name not in listeners:
                listeners[found.name] = self.listener(found)
        return config_dump(
            self.pod.full_name,
            self.pod.ips[0],
            listeners=[*listeners.values(), *([self.virtual_inbound(ports)] if ports else [])],
            routes=[self.route_config(each) for each in self.routes.values()],
            clusters=[self.cluster(each) for each in self.clusters.values()],
            endpoints=[self.assignment(each) for each in self.clusters.values() if each.kind == EDS],
            LABELS=dict(self.pod.labels),
        )

    def listener(self, found: Listener) -> Json:
        address, _, number = found.name.rpartition("_") if "_" in found.name else ("0.0.0.0", "", "15001")
        inspectors = [("tls_inspector", found.tls_inspector), ("http_inspector", found.http_inspector)]
        return filled(
            name=found.name,
            address={"socket_address": {"address": address, "port_value": int(number)}},
            filter_chains=[self.chain(each) for each in found.chains],
            default_filter_chain=self.chain(found.default_chain) if found.default_chain else None,
            listener_filters=[{"name": f"envoy.filters.listener.{name}"} for name, there in inspectors if there],
            listener_filters_timeout=f"{found.detection_timeout_ns / 1e9:.9f}s",
            continue_on_listener_filters_timeout=True,
            traffic_direction="OUTBOUND",
        )

    def virtual_inbound(self, ports: Iterable[int]) -> Json:
        chains: dict[str, Json] = {}
        modes = pod_mtls(self.mesh, self.pod).ports
        for number in (UNDECLARED, *ports):
            port = inbound_port(self.mesh, self.pod, number)
            for each in port.chains:
                found = inbound_chain(port, each, own_mode=number in modes)
                chains.setdefault(json.dumps(found), found)
        socket = {"address": "0.0.0.0", "port_value": 15006}
        inspectors = [{"name": f"envoy.filters.listener.{name}"} for name in ("tls_inspector", "http_inspector")]
        return {
            "name": "virtualInbound",
            "address": {"socket_address": socket},
            "filter_chains": list(chains.values()),
            "listener_filters": inspectors,
            "listener_filters_timeout": "0s",
            "traffic_direction": "INBOUND",
        }

    def chain(self, chain: FilterChain) -> Json:
        prefixes = [
            {"address_prefix": str(each.network_address), "prefix_len": each.prefixlen} for each in chain.prefixes
        ]
        match = filled(
            transport_protocol=chain.transport,
            application_protocols=list(chain.alpn),
            server_names=list(chain.server_names),
            prefix_ranges=prefixes,
        )
        last = self.tcp_proxy(chain) if chain.rds is None else self.manager(chain)
        stats = {"name": "istio.stats", "typed_config": {"@type": "type.googleapis.com/stats.PluginConfig"}}
        return filled(name=chain.name, filter_chain_match=match, filters=[stats, last])

    def tcp_proxy(self, chain: FilterChain) -> Json:
        config = {"@type": f"{FILTERS}network.tcp_proxy.v3.TcpProxy", **self.choices(chain.clusters)}
        return {"name": "envoy.filters.network.tcp_proxy", "typed_config": config}

    def manager(self, chain: FilterChain) -> Json:
        routes = self.told.routes(chain)
        self.routes[routes.config.name] = routes.config
        policy = routes.path_normalization
        config = filled(
            rds={"config_source": {"ads": {}}, "route_config_name": chain.rds},
            http_filters=[{"name": f"envoy.filters.http.{name}"} for name in ("fault", "cors", "router")],
            normalize_path=policy != "NONE",
            merge_slashes=policy in ("MERGE_SLASHES", "DECODE_AND_MERGE_SLASHES"),
            path_with_escaped_slashes_action="UNESCAPE_AND_FORWARD" if policy.startswith("DECODE") else None,
            http_protocol_options={"accept_http_10": True} if routes.http10 else None,
        )
        config["@type"] = f"{FILTERS}network.http_connection_manager.v3.HttpConnectionManager"
        return {"name": "envoy.filters.network.http_connection_manager", "typed_config": config}

    def choices(self, choices: tuple[ClusterChoice, ...]) -> Json:
        for each in choices:
            found = self.told.cluster(each.cluster)
            if isinstance(found, Cluster):
                self.clusters[found.name] = found
        if len({each.cluster for each in choices}) == 1:
            return {"cluster": choices[0].cluster, **headers(choices[0].headers)}
        clusters = [{"name": each.cluster, "weight": each.weight, **headers(each.headers)} for each in choices]
        return {"weighted_clusters": {"clusters": clusters}}

    def route_config(self, config: RouteConfig) -> Json:
        hosts = {id(host): host for host in (*config.exact.values(), *config.suffixes.values())}
        hosts |= {id(host): host for host in config.prefixes.values()}
        if config.catch_all is not None:
            hosts[id(config.catch_all)] = config.catch_all
        found = [self.virtual_host(each) for each in hosts.values()]
        return {"name": config.name, "virtual_hosts": found, "ignore_port_in_host_matching": True}

    def virtual_host(self, host: VirtualHost) -> Json:
        return {"name": host.name, "domains": list(host.domains), "routes": [self.route(each) for each in host.routes]}

    def route(self, route: Route) -> Json:
        found = filled(name=route.name, match=route_match(route), **headers(route.headers))
        if route.redirect is not None:
            return {**found, "redirect": filled(response_code=REDIRECTS[route.redirect.code])}
        if route.direct_response is not None:
            return {**found, "direct_response": {"status": route.direct_response.status}}
        if route.abort is not None:
            percentage = {"numerator": round(route.abort.percent * 10_000), "denominator": "MILLION"}
            fault = {"abort": {"http_status": route.abort.status, "percentage": percentage}}
            found["typed_per_filter_config"] = {"envoy.filters.http.fault": fault}
        rewrite = route.rewrite
        pattern = rewrite.pattern if rewrite else ""
        action = filled(
            prefix_rewrite=rewrite.uri if rewrite else None,
            host_rewrite_literal=rewrite.authority if rewrite else None,
            regex_rewrite={"pattern": {"regex": pattern}, "substitution": rewrite.substitution} if pattern else None,
            cluster_not_found_response_code="INTERNAL_SERVER_ERROR" if route.not_found_code == 500 else None,
            retry_policy={"retry_on": "connect-failure", "num_retries": 2 if route.retries is None else route.retries},
        )
        return {**found, "route": {**action, **(self.choices(route.clusters) if route.clusters else {})}}

    def cluster(self, cluster: Cluster) -> Json:
        kinds = {EDS: "EDS", DNS_CLUSTER: "STRICT_DNS", ORIGINAL_DST: "ORIGINAL_DST"}
        socket = {"transport_socket": tls_socket(cluster)} if cluster.tls != PLAINTEXT else {}
        if cluster.auto_tls and cluster.kind != ORIGINAL_DST and socket:
            mutual = {"name": "tlsMode-istio", "match": {"tlsMode": "istio"}, **socket}
            socket = {"transport_socket_matches": [mutual, {"name": "tlsMode-disabled", "match": {}}]}
        services = [{"host": cluster.service.hostname, "namespace": cluster.service.namespace}]
        dynamic = {"cluster_type": {"name": "envoy.clusters.dynamic_forward_proxy"}}
        return {
            "name": cluster.name,
            **({"type": kinds[cluster.kind]} if cluster.kind in kinds else dynamic),
            **socket,
            **({"load_assignment": self.assignment(cluster)} if cluster.kind == DNS_CLUSTER else {}),
            "original_dst_lb_config": filled(upstream_port_override=cluster.upstream_port),
            "metadata": {"filter_metadata": {"istio": {"services": services}}},
            "typed_extension_protocol_options": protocol_options(cluster.http2_upstream),
        }

    def assignment(self, cluster: Cluster) -> Json:
        found = [self.endpoint(cluster, each) for each in cluster.endpoints]
        return {"cluster_name": cluster.name, "endpoints": [{"lb_endpoints": found}]}

    def endpoint(self, cluster: Cluster, endpoint: Endpoint) -> Json:
        mutual = cluster.auto_tls and endpoint_tls(self.mesh, cluster, endpoint) == ISTIO_MTLS
        metadata = {"istio": {"workload": f";{endpoint.namespace};;;"}}
        if mutual:
            metadata["envoy.transport_socket_match"] = {"tlsMode": "istio"}
        socket = {"address": endpoint.address, "port_value": endpoint.port}
        return {
            "endpoint": {"address": {"socket_address": socket}},
            "health_status": "HEALTHY" if endpoint.healthy else "UNHEALTHY",
            "metadata": {"filter_metadata": metadata},
        }


def inbound_chain(port: InboundPort, chain: ChainMatch, *, own_mode: bool) -> Json:
    """A chain of ``virtualInbound``: its one route, or its TCP proxy, leads to the port's cluster."""
    match = filled(
        destination_port=port.port if port.declared or own_mode else 0,
        transport_protocol=chain.transport,
        application_protocols=list(chain.alpn),
    )
    tls = {"@type": f"{TLS}DownstreamTlsContext", "require_client_certificate": True}
    routes = [{"name": "default", "match": {"prefix": "/"}, "route": {"cluster": port.cluster}}]
    config = {"name": port.cluster, "virtual_hosts": [{"name": "inbound", "domains": ["*"], "routes": routes}]}
    kind = f"{FILTERS}network.http_connection_manager.v3.HttpConnectionManager"
    manager = {"@type": kind, "route_config": config, "normalize_path": True}
    proxy = {"@type": f"{FILTERS}network.tcp_proxy.v3.TcpProxy", "cluster": port.cluster}
    return filled(
        name=port.chain_name(chain),
        filter_chain_match=match,
        filters=[{"name": "last", "typed_config": manager if chain.http else proxy}],
        transport_socket={"name": "envoy.transport_sockets.tls", "typed_config": tls} if chain.terminates else None,
    )


def route_match(route: Route) -> Json:
    match = route.match
    if match is None:
        return {"prefix": "/"}
    names = {":method": match.method, ":authority": match.authority, ":scheme": match.scheme}
    wanted = [*match.headers, *((name, each) for name, each in names.items() if each is not None)]
    found = [header(name, each) for name, each in wanted]
    found += [without(name, each) for name, each in match.without_headers]
    queries = [{"name": name, **value(each)} for name, each in match.query]
    path = dict(path_match(route))
    return {**path, **filled(headers=found, query_parameters=queries), "case_sensitive": not match.ignore_uri_case}


def path_match(route: Route) -> Iterator[tuple[str, Any]]:
    uri = route.match.uri if route.match else None
    if uri is None or not uri.kind:
        yield "prefix", "/"
    elif uri.kind == "regex":
        yield "safe_regex", {"regex": uri.value}
    elif uri.kind == "exact":
        yield "path", uri.value
    elif route.path_segments and uri.value != "/":
        yield "path_separated_prefix", uri.value.removesuffix("/")
    else:
        yield "prefix", uri.value


def is_presence(matcher: StringMatch) -> bool:
    return not matcher.kind or (matcher.kind == "regex" and matcher.value == "*")


def header(name: str, matcher: StringMatch) -> Json:
    return {"name": name, "present_match": True} if is_presence(matcher) else {"name": name, **value(matcher)}


def without(name: str, matcher: StringMatch) -> Json:
    found = header(name, matcher)
    return {**found, "invert_match": True, **({} if is_presence(matcher) else {"treat_missing_header_as_empty": True})}


def value(matcher: StringMatch) -> Json:
    if is_presence(matcher):
        return {"present_match": True}
    inner = {"safe_regex": {"regex": matcher.value}} if matcher.kind == "regex" else {matcher.kind: matcher.value}
    return {"string_match": inner}


def headers(operations: HeaderOperations | None) -> Json:
    if operations is None:
        return {}
    added = [(pair, "APPEND_IF_EXISTS_OR_ADD") for pair in operations.add]
    added += [(pair, "OVERWRITE_IF_EXISTS_OR_ADD") for pair in operations.set]
    entries = [{"header": {"key": key, "value": text}, "append_action": action} for (key, text), action in added]
    return filled(request_headers_to_add=entries, request_headers_to_remove=list(operations.remove))


def tls_socket(cluster: Cluster) -> Json:
    own = cluster.client_tls
    mutual = cluster.tls == ISTIO_MTLS
    names = [{"san_type": "URI", "matcher": {"exact": each}} for each in (own.sans if own else ())]
    context = {"match_typed_subject_alt_names": names}
    alpn = ["istio-peer-exchange", "istio"] if mutual else ["h2", "http/1.1"]
    config = filled(sni=(own.sni if own else "") or (cluster.name.replace("|", "_.") if mutual else ""))
    common = {"alpn_protocols": alpn, "combined_validation_context": {"default_validation_context": context}}
    config |= {"@type": f"{TLS}UpstreamTlsContext", "common_tls_context": common}
    return {"name": "envoy.transport_sockets.tls", "typed_config": config}


def protocol_options(http2: bool | None) -> Json:
    chosen = {"http2_protocol_options": {}} if http2 else {"http_protocol_options": {}}
    options = {"use_downstream_protocol_config": {}} if http2 is None else {"explicit_http_config": chosen}
    return {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options}
