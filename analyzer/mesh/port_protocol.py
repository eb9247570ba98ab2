"""Protocol selection of ports: what Istio takes a port to speak, by name, appProtocol or declaration."""

from __future__ import annotations

HTTP = "HTTP"
HTTP2 = "HTTP2"
GRPC = "GRPC"
GRPC_WEB = "GRPC-Web"
HTTP_PROXY = "HTTP_PROXY"
HTTPS = "HTTPS"
TLS = "TLS"
TCP = "TCP"
MONGO = "Mongo"
REDIS = "Redis"
MYSQL = "MySQL"
UDP = "UDP"
# Istio calls it Unsupported: the proxy looks at the bytes.
AUTO = "auto"

HTTP_FAMILY = frozenset({HTTP, HTTP2, GRPC, GRPC_WEB, HTTP_PROXY})
TLS_FAMILY = frozenset({HTTPS, TLS})
TCP_FAMILY = frozenset({TCP, HTTPS, TLS, MONGO, REDIS, MYSQL})
# Ports whose upstream connections speak HTTP/2 (cluster_builder.go setUpstreamProtocol).
HTTP2_UPSTREAM = frozenset({HTTP2, GRPC, GRPC_WEB})

# pkg/config/protocol/instance.go Parse.
_NAMES = {
    "tcp": TCP, "udp": UDP, "grpc": GRPC, "grpc-web": GRPC_WEB, "http": HTTP, "http_proxy": HTTP_PROXY,
    "http2": HTTP2, "https": HTTPS, "tls": TLS, "mongo": MONGO, "redis": REDIS, "mysql": MYSQL,
}  # fmt: skip
# Values that only appProtocol may have (pkg/config/kube/conversion.go).
_APP_PROTOCOLS = {"kubernetes.io/h2c": HTTP2, "kubernetes.io/ws": HTTP, "kubernetes.io/wss": HTTPS}
# SMTP, DNS, MySQL, MongoDB: servers that speak first, or that no sniffing would help.
_WELL_KNOWN_TCP = frozenset({25, 53, 3306, 27017})


def declared_protocol(text: str) -> str:
    """The protocol of a ServiceEntry, Sidecar or Gateway port: the whole text counts, without case."""
    return _NAMES.get(text.lower(), AUTO)


def kubernetes_protocol(port: int, name: str, transport: str, app_protocol: str | None) -> str:
    """The protocol of a Kubernetes Service port (pkg/config/kube/conversion.go ConvertProtocol).

    ``transport`` is the port's ``protocol``; the name is not looked at where ``app_protocol`` is present at all.
    """
    if transport == "UDP":
        return UDP
    text = name if app_protocol is None else app_protocol
    if app_protocol in _APP_PROTOCOLS:
        return _APP_PROTOCOLS[app_protocol]
    lowered = text.lower()
    prefix = "grpc-web" if lowered.startswith("grpc-web") else lowered.partition("-")[0]
    found = _NAMES.get(prefix, AUTO)
    return TCP if found == AUTO and port in _WELL_KNOWN_TCP else found
