"""One file per Kubernetes or Istio resource; ``KINDS`` is the list of those that are understood."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from analyzer.mesh.resource import Resource

NETWORKING = "networking.istio.io"
SECURITY = "security.istio.io"
EXTENSIONS = "extensions.istio.io"
GATEWAY_API = "gateway.networking.k8s.io"

# (API group, kind) to the module ``m`` whose ``parse_m`` gives the resource's view; any version of a group is read the
# same way. A module is imported when the first resource of its kind is read.
KINDS: Mapping[tuple[str, str], str] = {
    ("", "Namespace"): "namespace",
    ("", "Pod"): "pod",
    ("", "Secret"): "secret",
    ("", "Service"): "service",
    ("discovery.k8s.io", "EndpointSlice"): "endpoint_slice",
    (NETWORKING, "DestinationRule"): "destination_rule",
    (NETWORKING, "ServiceEntry"): "service_entry",
    (NETWORKING, "Sidecar"): "sidecar",
    (NETWORKING, "VirtualService"): "virtual_service",
    (NETWORKING, "WorkloadEntry"): "workload_entry",
    (NETWORKING, "Gateway"): "gateway",
    (GATEWAY_API, "GatewayClass"): "gateway_class",
    (GATEWAY_API, "Gateway"): "kubernetes_gateway",
    (GATEWAY_API, "ListenerSet"): "listener_set",
    ("gateway.networking.x-k8s.io", "XListenerSet"): "listener_set",
    (GATEWAY_API, "HTTPRoute"): "api_route",
    (GATEWAY_API, "GRPCRoute"): "api_route",
    (GATEWAY_API, "TLSRoute"): "api_route",
    (GATEWAY_API, "TCPRoute"): "api_route",
    (GATEWAY_API, "ReferenceGrant"): "reference_grant",
    (SECURITY, "AuthorizationPolicy"): "authorization_policy",
    (SECURITY, "PeerAuthentication"): "peer_authentication",
    (SECURITY, "RequestAuthentication"): "request_authentication",
    (NETWORKING, "EnvoyFilter"): "envoy_filter",
    (NETWORKING, "ProxyConfig"): "proxy_config",
    (EXTENSIONS, "TrafficExtension"): "traffic_extension",
    (EXTENSIONS, "WasmPlugin"): "traffic_extension",
    ("networking.k8s.io", "NetworkPolicy"): "network_policy",
    ("networking.k8s.io", "Ingress"): "ingress",
    ("networking.k8s.io", "IngressClass"): "ingress_class",
}

# Kinds that live in no namespace.
CLUSTER_SCOPED = frozenset({("", "Namespace"), (GATEWAY_API, "GatewayClass"), ("networking.k8s.io", "IngressClass")})


def view_of(resource: Resource) -> Any:
    """What the module of its kind makes of a resource; ``KeyError`` where ``KINDS`` has none."""
    return _parser(KINDS[resource.group, resource.kind])(resource)


@cache
def _parser(name: str) -> Callable[[Resource], Any]:
    parse: Callable[[Resource], Any] = getattr(importlib.import_module(f"{__name__}.{name}"), f"parse_{name}")
    return parse
