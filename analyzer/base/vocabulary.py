"""Words of Kubernetes, Istio, Envoy and HTTP that name nobody: pseudonyms leave them as they are."""

from __future__ import annotations

_WORDS = """
router waypoint managed enabled disabled ready running succeeded pending unknown failed
svc cluster local com net org example io istio system kube default istiod istiooperator spiffe ns sa td any all none
http https http2 grpc grpc web tcp tls mongo redis mysql udp h2 h2c alpn sni mtls tls mutual simple passthrough
outbound inbound virtual block blackhole envoy server proxy gateway gateways ingress egress ingressgateway egressgateway
istio ingressgateway mesh sidecar app application version canary stable name namespace service services pod pods port
true false null yes no on off never always auto optional strict permissive disable unset root
allow deny audit custom get head post put patch delete options trace connect https redirect
round robin least conn request random maglev ring hash weight subset exact prefix regex present not
static dns dns resolution none internal external location single
x forwarded for proto host id user agent accept encoding language type length content transfer chunked keep alive close
upgrade websocket connection gzip br deflate json text html plain xml octet stream form urlencoded utf utf8 charset
curl wget python go java client bearer basic kubernetes networking security telemetry extensions install operator
discovery k8s apps v1 v1beta1 v1alpha3 api istio peer exchange authority path method scheme status trailers te
upstream time decorator operation downstream metadata b3 traceparent tracestate traceid spanid sampled
"""

VOCABULARY = frozenset(_WORDS.split())
# Request and response headers whose value decides what the message is; the others' values are pseudonyms.
KEPT_HEADERS = frozenset(
    {
        "accept", "accept-encoding", "connection", "content-encoding", "content-length", "content-type", "date",
        "expect", "grpc-encoding", "grpc-status", "http2-settings", "keep-alive", "server", "te", "transfer-encoding",
        "upgrade", "user-agent", "vary", "x-envoy-upstream-service-time", "x-forwarded-proto",
    }
)  # fmt: skip
