"""One file per Kubernetes or Istio resource; ``KINDS`` is the list of those that are understood."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from analyzer.mesh.kinds.api_route import parse_api_route
from analyzer.mesh.kinds.authorization_policy import parse_authorization_policy
from analyzer.mesh.kinds.destination_rule import parse_destination_rule
from analyzer.mesh.kinds.endpoint_slice import parse_endpoint_slice
from analyzer.mesh.kinds.envoy_filter import parse_envoy_filter
from analyzer.mesh.kinds.gateway import parse_gateway
from analyzer.mesh.kinds.gateway_class import parse_gateway_class
from analyzer.mesh.kinds.kubernetes_gateway import parse_kubernetes_gateway
from analyzer.mesh.kinds.namespace import parse_namespace
from analyzer.mesh.kinds.network_policy import parse_network_policy
from analyzer.mesh.kinds.peer_authentication import parse_peer_authentication
from analyzer.mesh.kinds.pod import parse_pod
from analyzer.mesh.kinds.proxy_config import parse_proxy_config
from analyzer.mesh.kinds.reference_grant import parse_reference_grant
from analyzer.mesh.kinds.request_authentication import parse_request_authentication
from analyzer.mesh.kinds.service import parse_service
from analyzer.mesh.kinds.service_entry import parse_service_entry
from analyzer.mesh.kinds.sidecar import parse_sidecar
from analyzer.mesh.kinds.traffic_extension import parse_traffic_extension
from analyzer.mesh.kinds.virtual_service import parse_virtual_service
from analyzer.mesh.kinds.workload_entry import parse_workload_entry
from analyzer.mesh.resource import Resource

NETWORKING = "networking.istio.io"
SECURITY = "security.istio.io"
EXTENSIONS = "extensions.istio.io"
GATEWAY_API = "gateway.networking.k8s.io"

# (API group, kind) to the function that gives the resource's view; any version of a group is read the same way.
KINDS: Mapping[tuple[str, str], Callable[[Resource], Any]] = {
    ("", "Namespace"): parse_namespace,
    ("", "Pod"): parse_pod,
    ("", "Service"): parse_service,
    ("discovery.k8s.io", "EndpointSlice"): parse_endpoint_slice,
    (NETWORKING, "DestinationRule"): parse_destination_rule,
    (NETWORKING, "ServiceEntry"): parse_service_entry,
    (NETWORKING, "Sidecar"): parse_sidecar,
    (NETWORKING, "VirtualService"): parse_virtual_service,
    (NETWORKING, "WorkloadEntry"): parse_workload_entry,
    (NETWORKING, "Gateway"): parse_gateway,
    (GATEWAY_API, "GatewayClass"): parse_gateway_class,
    (GATEWAY_API, "Gateway"): parse_kubernetes_gateway,
    (GATEWAY_API, "HTTPRoute"): parse_api_route,
    (GATEWAY_API, "GRPCRoute"): parse_api_route,
    (GATEWAY_API, "TLSRoute"): parse_api_route,
    (GATEWAY_API, "TCPRoute"): parse_api_route,
    (GATEWAY_API, "ReferenceGrant"): parse_reference_grant,
    (SECURITY, "AuthorizationPolicy"): parse_authorization_policy,
    (SECURITY, "PeerAuthentication"): parse_peer_authentication,
    (SECURITY, "RequestAuthentication"): parse_request_authentication,
    (NETWORKING, "EnvoyFilter"): parse_envoy_filter,
    (NETWORKING, "ProxyConfig"): parse_proxy_config,
    (EXTENSIONS, "TrafficExtension"): parse_traffic_extension,
    (EXTENSIONS, "WasmPlugin"): parse_traffic_extension,
    ("networking.k8s.io", "NetworkPolicy"): parse_network_policy,
}

# Kinds that live in no namespace.
CLUSTER_SCOPED = frozenset({("", "Namespace"), (GATEWAY_API, "GatewayClass")})
