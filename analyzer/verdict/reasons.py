"""The reasons of verdicts, and what can keep one from being given, as codes."""

from __future__ import annotations

from analyzer.base.oddity import Code, Family, Level
from analyzer.mesh.redirect import LOOPBACK, NO_SIDECAR, NOT_CAPTURED
from analyzer.verdict.inbound import BLACK_HOLE, MTLS_REQUIRED, SERVER_FIRST
from analyzer.verdict.inbound_policy import AUTHENTICATION, AUTHORIZATION, POLICY_FACTS, TOKEN_UNVERIFIED
from analyzer.verdict.inbound_question import INBOUND_PASSTHROUGH, POD_UNKNOWN, PROTOCOL_ERROR

SERVICE = Code(
    "service",
    Family.REASON,
    Level.INFO,
    "a service of the registry takes the call",
    "The client's sidecar chose the cluster of a Service or ServiceEntry: its policies, balancing and TLS apply.",
)
HEADLESS_SERVICE = Code(
    "headless-service",
    Family.REASON,
    Level.INFO,
    "a headless Service takes the call",
    "The cluster is that of a Service with clusterIP None: the address that the client dialled is kept, the Service's "
    "policies and TLS apply.",
)
LOCAL_REPLY = Code(
    "local-reply",
    Family.REASON,
    Level.INFO,
    "the proxy answers by itself, as a route demands",
    "A redirect, a direct response or an injected fault: the request matched a service's route and goes no further.",
)
PASSTHROUGH_CLUSTER = Code(
    "passthrough-cluster",
    Family.REASON,
    Level.INFO,
    "nothing in the registry matches; the call goes to the dialled address as it is",
    "ALLOW_ANY lets unmatched traffic through PassthroughCluster: no routing, no mutual TLS, kube-proxy balances. "
    "It breaks when the server requires mutual TLS (STRICT) or the mesh becomes REGISTRY_ONLY.",
    "Call the Service by its name or address, or declare the destination with a Service or ServiceEntry.",
)
BLOCK_ALL = Code(
    "block-all",
    Family.REASON,
    Level.WARNING,
    "no virtual host has this Host, and unknown hosts are refused with 502",
    "outboundTrafficPolicy is REGISTRY_ONLY: HTTP requests for hosts outside the registry are answered 502.",
    "Add a ServiceEntry for the host, or correct the Host header.",
)
NO_ROUTE = Code(
    "no-route",
    Family.REASON,
    Level.WARNING,
    "no route of the virtual host matches the request: 404",
    "A VirtualService has routes for this host, but none fits path, method and headers; there is no default route. "
    "At a gateway also: no VirtualService is bound to it for this host, or none of its servers has this SNI.",
    "Add a route without match at the end of the VirtualService.",
)
NO_CLUSTER = Code(
    "no-cluster",
    Family.REASON,
    Level.WARNING,
    "the route leads to a cluster that does not exist",
    "The destination's host, port or subset is unknown to the client's proxy: 503 (500 for Gateway API routes), or a "
    "closed connection.",
    "Correct host, port or subset of the destination; a subset needs a DestinationRule that the client sees.",
)
NO_HEALTHY_UPSTREAM = Code(
    "no-healthy-upstream",
    Family.REASON,
    Level.WARNING,
    "the cluster has no healthy endpoint",
    "Envoy answers 503 `no healthy upstream`, or closes the connection: no pod is ready, or no pod has the labels.",
    "Look at the readiness of the pods and at the selector or subset labels.",
)
TLS_REQUIRED = Code(
    "tls-required",
    Family.REASON,
    Level.WARNING,
    "plaintext reaches a port of a gateway that terminates TLS",
    "Every filter chain of the port expects a TLS handshake.",
    "Call the port with TLS.",
)

HEADER_UNSEEN = Code(
    "header-unseen",
    Family.UNDETERMINED,
    Level.WARNING,
    "a route asks for a header, and the capture does not show all of the request's head",
    "A header that is absent from what was captured may have been sent in the part that was not.",
    "Capture whole packets (tcpdump -s 0) with a larger buffer (-B).",
)
LISTENER_REFUSED = Code(
    "listener-refused",
    Family.UNDETERMINED,
    Level.WARNING,
    "Envoy refuses the listener that istiod sends",
    "Some connection would match two of its filter chains alike, or a server name has a `*` that Envoy does not know. "
    "A new Envoy goes on without this listener, one that had an earlier one keeps that.",
    "Look at the objects in the call's evidence: of two that claim the same name or address, take one away.",
)
SERVICE_ADDRESS_UNKNOWN = Code(
    "service-address-unknown",
    Family.UNDETERMINED,
    Level.WARNING,
    "the call may be to a Service whose address the input does not show",
    "A Service gets its cluster IP when the cluster takes it; YAML from a repository has none. Ports that are not HTTP "
    "have a listener at that address.",
    "Give the Services as the cluster has them: kubectl get services -A -o yaml.",
)
NAMESPACE_UNKNOWN = Code(
    "namespace-unknown",
    Family.UNDETERMINED,
    Level.WARNING,
    "the input lacks Namespaces that discoverySelectors choose by their labels",
    "Of these nobody can say whether istiod sees what stands in them: Services, endpoints, routes and policies.",
    "Add the Namespaces to the mesh input: kubectl get namespaces -o yaml.",
)
WEIGHTED = Code(
    "weighted",
    Family.UNDETERMINED,
    Level.INFO,
    "weights or percentages decide, and the ends differ",
    "The route splits its traffic; which part a single call belongs to is chance.",
)
WRAPPED = Code(
    "wrapped",
    Family.UNDETERMINED,
    Level.INFO,
    "a DestinationRule has the proxy send something before the data, and another proxy receives it",
    "`tunnel` sends a CONNECT or POST first, `proxyProtocol` a PROXY header; what the proxy at the far end makes of "
    "that is not modelled.",
)
BALANCED = Code(
    "balanced",
    Family.UNDETERMINED,
    Level.INFO,
    "the balancer's choice among unlike pods decides",
    "The endpoints' sidecars would treat the call differently, and which one is chosen is chance.",
    "Give the server's capture too: it shows which pod was chosen.",
)
UPSTREAM_TLS = Code(
    "upstream-tls",
    Family.UNDETERMINED,
    Level.WARNING,
    "the two ends do not agree about TLS",
    "The client's proxy starts TLS that the server does not speak, or expects names that the server's certificate does "
    "not have. The routing is as shown; the connection probably fails.",
    "Compare the tls of the DestinationRule with the PeerAuthentication of the server, and the service accounts.",
)
BAD_REQUEST = Code(
    "bad-request",
    Family.UNDETERMINED,
    Level.WARNING,
    "Envoy itself refuses the request",
    "No Host, an HTTP version that the proxy does not accept, bytes that are no HTTP, or a head that its codec does "
    "not take, this one or one before it on the connection: 400, 426, 431 or 501, in HTTP/2 a closed connection; no "
    "routing. Or an upgrade to something else than a websocket: 403.",
    "Look at the client's request.",
)
NOT_SAVED = Code(
    "not-saved",
    Family.UNDETERMINED,
    Level.INFO,
    "the saved run does not hold what another mesh would have to know of the call",
    "A secret that was left out of it, or a sidecar's own connection, of which the packets tell more than a question "
    "does.",
    "Ask with the captures instead, or save the run with --redact off.",
)

__all__ = [
    "AUTHENTICATION",
    "AUTHORIZATION",
    "BAD_REQUEST",
    "BALANCED",
    "BLACK_HOLE",
    "BLOCK_ALL",
    "HEADER_UNSEEN",
    "HEADLESS_SERVICE",
    "INBOUND_PASSTHROUGH",
    "LISTENER_REFUSED",
    "LOCAL_REPLY",
    "LOOPBACK",
    "MTLS_REQUIRED",
    "NAMESPACE_UNKNOWN",
    "NOT_CAPTURED",
    "NOT_SAVED",
    "NO_CLUSTER",
    "NO_HEALTHY_UPSTREAM",
    "NO_ROUTE",
    "NO_SIDECAR",
    "PASSTHROUGH_CLUSTER",
    "POD_UNKNOWN",
    "POLICY_FACTS",
    "PROTOCOL_ERROR",
    "SERVER_FIRST",
    "SERVICE",
    "SERVICE_ADDRESS_UNKNOWN",
    "TLS_REQUIRED",
    "TOKEN_UNVERIFIED",
    "UPSTREAM_TLS",
    "WEIGHTED",
    "WRAPPED",
]
