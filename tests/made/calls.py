"""Calls made by hand: one of every kind."""

from __future__ import annotations

from analyzer.base.oddity import Code, Family, Level
from analyzer.base.place import PacketPlace, YamlPlace
from analyzer.flow.connection import Endpoint
from analyzer.verdict.decision import Candidate, Decision, Inbound, LocalResponse, Outbound, Step, WeightedCluster
from analyzer.verdict.record import CallRecord, Leg, Observed

SECOND = 1_000_000_000
START_NS = 1_763_712_000 * SECOND  # 2025-11-21T08:00:00Z

NO_ROUTE = Code(
    "no-route",
    Family.REASON,
    Level.WARNING,
    "no route of virtual host {virtual_host} matches",
    "Envoy found the virtual host, and none of its routes takes this path; it answers 404 with flag NR.",
    "Add a catch-all route, or correct the match of the VirtualService.",
)
OBSERVED_DIFFERS = Code(
    "observed-differs",
    Family.FINDING,
    Level.ERROR,
    "{count} calls went otherwise than the mesh input says",
    "What the packets show is not what this YAML does: an old proxy, an EnvoyFilter, or a fault of this model.",
    "Compare with `istioctl proxy-config routes`.",
)
OUT_OF_SCOPE = Code(
    "egress-out-of-scope",
    Family.FINDING,
    Level.WARNING,
    "{host} exists, but the Sidecar's egress does not list it",
    "The Sidecar resource limits what this proxy knows; calls to anything else pass through unrouted.",
    "Add the namespace to spec.egress.hosts.",
)
ENCRYPTED = Code(
    "encrypted",
    Family.UNDETERMINED,
    Level.INFO,
    "only the encrypted leg is in the captures",
    "The request is inside mutual TLS, so its host and path are not visible.",
    "Capture with `-i any` inside the client's pod: its leg on lo is in the clear.",
)
WEIGHTED = Code(
    "weighted",
    Family.UNDETERMINED,
    Level.INFO,
    "weights choose between clusters that end differently",
    "Chance decides which cluster takes the call.",
)
NO_MESH = Code(
    "no-mesh", Family.UNDETERMINED, Level.INFO, "no mesh input was given", "Without YAML there is no verdict."
)
CODES = (NO_ROUTE, OBSERVED_DIFFERS, OUT_OF_SCOPE, ENCRYPTED, WEIGHTED, NO_MESH)

CAPTURE = "shop_web-0.any.pcap"
WEB = "10.244.1.9"


def yaml(file, line):
    return YamlPlace(f"mesh/{file}.yaml", line)


def at(packet, capture=CAPTURE):
    return PacketPlace(capture, packet)


def routed(
    service,
    port,
    *,
    chain="0.0.0.0_{port}",
    pod="shop/reviews-0",
    mtls=True,
    verdict="service-matched",
    reason="service",
    route="default",
    packet=3,
):
    host = f"{service}.shop.svc.cluster.local"
    return Decision(
        verdict,
        reason,
        outbound=Outbound(
            listener=f"0.0.0.0_{port}",
            filter_chain=chain.format(port=port),
            route_config=str(port),
            virtual_host=f"{host}:{port}",
            route=route,
            cluster=f"outbound|{port}||{host}",
        ),
        inbound=Inbound(pod, f"{port}", f"inbound|{port}||", mtls),
        steps=(
            Step(
                f"The connection to port {port} is redirected to the sidecar: the port is not excluded.",
                (at(packet), at(packet + 2)),
                (yaml("web", 31),),
            ),
            Step(
                f"Listener 0.0.0.0_{port} takes it: HTTP is detected from its first bytes.",
                (at(packet + 3),),
                (yaml(service, 12),),
                (Candidate(f"10.96.0.11_{port}", "no service has this address with a TCP port"),),
            ),
            Step(
                f"Virtual host {host}:{port} owns the host.",
                (at(packet + 3),),
                (yaml(service, 4),),
                (Candidate("allow_any", "only for hosts that no virtual host has"),),
            ),
            Step(f"Route {route} matches the prefix /.", (), (yaml("routes", 18),)),
            Step(
                "The sidecar of the server's pod terminates mutual TLS.",
                (at(packet + 9, "shop_reviews-0.any.pcap"),),
                (yaml("peer-authentication", 6),),
            ),
        ),
    )


def make_call(
    number,
    decision,
    *,
    host,
    path="/",
    method="GET",
    port=9080,
    server="10.96.0.11",
    protocol="http/1.1",
    sni=None,
    alpn=(),
    observed=None,
    legs=True,
    request=1,
    pod="shop/web-0",
    server_pod="shop/reviews-0",
    capture=CAPTURE,
):
    client, meant = Endpoint(WEB, 40000 + number), Endpoint(server, port)
    first = 10 * number + 1
    wire = (
        Leg("app-to-sidecar", capture, client, meant, first, first + 8, None, True, f"C{number:06d}"),
        Leg(
            "sidecar-to-upstream",
            capture,
            Endpoint(WEB, 50000 + number),
            Endpoint("10.244.2.7", port),
            first + 3,
            first + 9,
            f"outbound_.{port}_._.{host}" if host else None,
            True,
            f"D{number:06d}",
        ),
        Leg(
            "sidecar-to-app",
            "shop_reviews-0.any.pcap",
            Endpoint("127.0.0.6", 41000 + number),
            Endpoint("10.244.2.7", port),
            first + 4,
            first + 9,
            None,
            False,
            f"E{number:06d}",
        ),
    )
    return CallRecord(
        id=f"{number:08x}",
        captures=(capture,),
        packets=((capture, first, first + 9),),
        pod=pod,
        client=client,
        server=meant,
        server_pod=server_pod,
        request=request,
        protocol=protocol,
        host=host,
        method=method,
        path=path,
        sni=sni,
        alpn=alpn,
        decision=decision,
        observed=observed or Observed(200, "app", "client", outcome="answered", agrees=True),
        legs=wire if legs else wire[:1],
        first_ns=START_NS + number * SECOND // 4,
        last_ns=START_NS + number * SECOND // 4 + 12_345_678,
        uid=f"C{number:06d}",
        community_id="1:wrjNK7S6qGCuDAKTlp/ivGuaowI=",
        conn_state="SF",
        history="ShADadFf",
    )


def dropped_decision():
    return Decision(
        "dropped",
        "no-route",
        outbound=Outbound(
            "0.0.0.0_9080",
            "0.0.0.0_9080",
            "9080",
            "ratings.shop.svc.cluster.local:9080",
            None,
            None,
            response=LocalResponse(404, "NR"),
        ),
        steps=(
            Step("Listener 0.0.0.0_9080 takes it.", (at(53),), (yaml("ratings", 12),)),
            Step("Virtual host ratings.shop.svc.cluster.local:9080 owns the host.", (at(56),), (yaml("routes", 40),)),
            Step(
                "No route matches /v3/stars: Envoy answers 404 itself.",
                (at(56), at(57), at(58), at(61)),
                (yaml("routes", 44), yaml("routes", 52)),
                (
                    Candidate("v2", "the path has not the prefix /v2", (yaml("routes", 44),)),
                    Candidate("v1", "the header x-beta is missing", (yaml("routes", 52),)),
                ),
            ),
        ),
    )


def passthrough_decision(*, reason="passthrough-cluster"):
    return Decision(
        "passthrough",
        reason,
        outbound=Outbound("virtualOutbound", "virtualOutbound-catchall-tcp", cluster="PassthroughCluster"),
        steps=(
            Step("No listener for 203.0.113.20:443; the default chain of virtualOutbound takes it.", (at(71),)),
            Step(
                "outboundTrafficPolicy is ALLOW_ANY: the call goes on to where it was meant.", (), (yaml("istio", 9),)
            ),
        ),
    )


def headless_decision():
    return Decision(
        "headless-matched",
        "headless-service",
        outbound=Outbound("0.0.0.0_9092", "0.0.0.0_9092", cluster="outbound|9092||kafka.shop.svc.cluster.local"),
        inbound=Inbound("shop/kafka-1", "9092", "inbound|9092||", False),
        steps=(
            Step(
                "kafka is headless: ORIGINAL_DST keeps the pod that the client chose.", (at(81),), (yaml("kafka", 7),)
            ),
        ),
    )


def gateway_decision():
    gateway = Outbound(
        "0.0.0.0_8080",
        "0.0.0.0_8080",
        "http.8080",
        "www.example.com:80",
        "web.http-3.0",
        "outbound|80||web.shop.svc.cluster.local",
        pod="istio-system/istio-ingressgateway-0",
    )
    return Decision(
        "service-matched",
        "service",
        gateway=gateway,
        inbound=Inbound("shop/web-0", "80", "inbound|80||", True),
        steps=(
            Step(
                "The gateway's listener 0.0.0.0_8080 has a server for www.example.com.",
                (at(91),),
                (yaml("gateway", 8),),
            ),
        ),
    )


def weighted_decision():
    clusters = tuple(
        WeightedCluster(f"outbound|9080|{v}|reviews.shop.svc.cluster.local", w) for v, w in (("v1", 90), ("v2", 10))
    )
    return Decision(
        None,
        None,
        ("weighted",),
        outbound=Outbound(
            "0.0.0.0_9080", "0.0.0.0_9080", "9080", "reviews.shop.svc.cluster.local:9080", "split", None, clusters
        ),
        steps=(Step("Weights 90 and 10 choose between v1 and v2.", (at(101),), (yaml("routes", 61),)),),
    )
