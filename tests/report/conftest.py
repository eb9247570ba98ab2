"""Runs made by hand: one of every kind of call, a hostile one, and a long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.base.fact import replace
from analyzer.base.oddity import Code, Family, Level
from analyzer.base.place import PacketPlace, YamlPlace
from analyzer.extraction import sheets_for
from analyzer.flow.connection import Endpoint
from analyzer.mesh.load import load_mesh
from analyzer.pipeline import analyze_and_ask
from analyzer.verdict.decision import (
    Candidate,
    Decision,
    Inbound,
    LocalResponse,
    Outbound,
    Step,
    WeightedCluster,
)
from analyzer.verdict.record import (
    Analysis,
    CallRecord,
    CaptureRecord,
    Finding,
    FlowRecord,
    Leg,
    MeshRecord,
    Observed,
)

SHOP = Path(__file__).resolve().parents[2] / "captures" / "shop-default"
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


def shop_calls():
    envoy = Observed(404, "envoy", "client", outcome="local-reply", agrees=True)
    reset = Observed(
        None, None, "server", outcome="reset", agrees=False, why="predicted an answer of reviews, saw a reset"
    )
    silent = Observed(None, None, None, outcome="open")
    external = {
        "server": "203.0.113.20",
        "port": 443,
        "protocol": "tls",
        "path": None,
        "method": None,
        "server_pod": None,
    }
    return (
        make_call(1, routed("reviews", 9080), host="reviews", path="/reviews/7"),
        make_call(2, routed("reviews", 9080), host="reviews", path="/reviews/8", request=2),
        make_call(3, routed("details", 9080), host="details:9080", path="/details/0"),
        make_call(4, routed("reviews", 9080), host="reviews", path="/reviews/9", observed=reset),
        make_call(5, dropped_decision(), host="ratings", path="/v3/stars", observed=envoy, legs=False),
        make_call(6, dropped_decision(), host="ratings", path="/v3/stars?token=CANARY", observed=envoy, legs=False),
        make_call(7, passthrough_decision(), host=None, sni="api.stripe.com", alpn=("h2", "http/1.1"), **external),
        make_call(
            8,
            headless_decision(),
            host=None,
            path=None,
            method=None,
            port=9092,
            server="10.244.3.4",
            protocol="tcp",
            server_pod="shop/kafka-1",
        ),
        make_call(
            9,
            gateway_decision(),
            host="www.example.com",
            port=8080,
            server="10.244.9.100",
            pod=None,
            protocol="h2",
            server_pod="istio-system/istio-ingressgateway-0",
        ),
        make_call(10, weighted_decision(), host="reviews", path="/split"),
        make_call(
            11,
            Decision(None, None, ("encrypted",)),
            host=None,
            path=None,
            method=None,
            protocol="tls",
            port=15443,
            sni="outbound_.9080_.v1_.reviews.shop.svc.cluster.local",
            alpn=("istio",),
            observed=silent,
            legs=False,
        ),
    )


def flow_of(call):
    return FlowRecord(
        call.uid,
        call.community_id,
        call.captures[0],
        call.client,
        call.server,
        call.protocol,
        call.decision.verdict,
        1,
        call.first_ns,
        call.last_ns,
        6,
        5,
        412,
        1840,
        0,
        call.conn_state,
        call.history,
    )


def analysis_of(calls, findings=(), limits=()):
    captures = (
        CaptureRecord(
            CAPTURE,
            "pcap",
            "shop/web-0",
            "both sides of the sidecar",
            ("LINUX_SLL2",),
            1842,
            904_112,
            START_NS,
            START_NS + 41 * SECOND,
            12,
            11,
            (("not-ip", 4), ("cut-header", 2)),
            True,
            ("packet 18: header cut at 54 bytes",),
        ),
        CaptureRecord(
            "shop_reviews-0.any.pcap",
            "pcapng",
            "shop/reviews-0",
            "server side",
            ("EN10MB",),
            230,
            88_120,
            START_NS,
            START_NS + 40 * SECOND,
            3,
            0,
            (),
            False,
            (),
            "ends inside packet 231: 40 of 96 bytes are there",
        ),
    )
    mesh = MeshRecord(
        ("mesh/",),
        (("DestinationRule", 3), ("Pod", 7), ("Service", 9), ("VirtualService", 4)),
        (("ConfigMap", 2),),
        ("mesh/routes.yaml:52: subset 'v9' is not defined by any DestinationRule for reviews.shop",),
    )
    return Analysis(
        tuple(calls), tuple(flow_of(call) for call in calls), tuple(findings), captures, mesh, tuple(limits)
    )


@pytest.fixture(scope="session")
def codes():
    return CODES


@pytest.fixture(scope="session")
def shop():
    """Eleven calls: every verdict, both kinds of undetermined, a gateway, and a disagreement."""
    calls = shop_calls()
    findings = (
        Finding(
            OBSERVED_DIFFERS,
            "1 call of shop/web-0 to reviews:9080 was reset, though the mesh sends it to reviews.",
            (calls[3].id,),
            (yaml("reviews", 12),),
            (at(48),),
            OBSERVED_DIFFERS.advice,
            calls[3].first_ns,
        ),
        Finding(
            NO_ROUTE,
            "2 calls of shop/web-0 to ratings:9080 match no route and get 404 from the sidecar.",
            (calls[4].id, calls[5].id),
            (yaml("routes", 44), yaml("routes", 52)),
            (at(56), at(66)),
            NO_ROUTE.advice,
            calls[4].first_ns,
        ),
        Finding(
            OUT_OF_SCOPE,
            "1 call of shop/web-0 to api.stripe.com:443 leaves the mesh unrouted.",
            (calls[6].id,),
            (yaml("istio", 9),),
            (),
            OUT_OF_SCOPE.advice,
            calls[6].first_ns,
        ),
    )
    return analysis_of(calls, findings, ("flows: 65536 at once; 3 were closed early",))


@pytest.fixture(scope="session")
def bare():
    """A run without mesh input, findings or limits."""
    calls = (make_call(1, Decision(None, None, ("no-mesh",)), host="reviews", legs=False),)
    return replace(analysis_of(calls), mesh=None)


@pytest.fixture(scope="session")
def empty():
    return Analysis((), (), (), (), None)


HOSTILE = (
    "<script>alert(1)</script>",
    '"onmouseover=alert(1) x="',
    "</script><script>alert(1)</script>",
    "javascript:alert(1)",
    "{{7*7}}${7*7}#{7*7}<%=7*7%>",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-1+1",
    "@SUM(1)",
    "\t=1+1",
    "\x1b]0;pwned\x07",
    "\x1b[2J\x1b[H",
    "\x1b]8;;http://evil/\x07click\x1b]8;;\x07",
    "\x9b2J",
    "\u202egnp.exe",
    "safe\x08\x08evil",
    "../../../../tmp/pwn",
    "a\x00b",
    "x" * 5000,
    "`x`|[x](javascript:alert(1))|",
    "\u2028\u2029",
    "\ud800",
    "\udcff",
    "%s%n{0.__class__}",
    "[bold red]x[/bold red]",
    "[/]",
    "аpple.com",
    "a\n2026-01-01 ERROR fake",
    "__proto__",
    "]]>",
    "<!--",
)


@pytest.fixture(scope="session")
def hostile_names():
    return HOSTILE


@pytest.fixture(scope="session")
def hostile():
    """Every field that comes from the wire or from YAML holds something that wants out."""
    calls = []
    for number, name in enumerate(HOSTILE, 1):
        step = Step(f"Host {name} is nobody's.", (at(3, name),), (YamlPlace(name, 3),), (Candidate(name, name, ()),))
        decision = Decision(
            "dropped",
            "no-route",
            outbound=Outbound(name, name, name, name, name, name, response=LocalResponse(404, "NR")),
            inbound=Inbound(name, name, name, True),
            steps=(step,),
        )
        seen = Observed(404, "envoy", "client", name, 5, "local-reply", False, name)
        calls.append(
            make_call(
                number,
                decision,
                host=name,
                path=name,
                method=name,
                sni=name,
                alpn=(name,),
                observed=seen,
                pod=name,
                server_pod=name,
                capture=name,
            )
        )
    finding = Finding(
        NO_ROUTE, HOSTILE[0], (calls[0].id,), (YamlPlace(HOSTILE[0], 1),), (at(1, HOSTILE[10]),), HOSTILE[2]
    )
    return analysis_of(calls, (finding,), HOSTILE[:3])


@pytest.fixture(scope="session")
def many():
    """A function: a run of that many calls, of the kinds of the shop in turn, many of them alike."""

    def build(count):
        kinds = shop_calls()
        calls = []
        for number in range(1, count + 1):
            kind = kinds[number % len(kinds)]
            calls.append(
                replace(
                    kind,
                    id=f"{number:08x}",
                    client=Endpoint(WEB, 1024 + number % 60000),
                    request=1 + number // 60000,
                    first_ns=START_NS + number * 1_000_000,
                    last_ns=START_NS + number * 1_000_000 + 900_000,
                    packets=((CAPTURE, 10 * number + 1, 10 * number + 9),),
                )
            )
        return analysis_of(calls)

    return build


@pytest.fixture(scope="session")
def crowd(shop):
    """A run of 400 calls of which no two share a row."""
    calls = tuple(replace(shop.calls[0], id=str(n), host=f"host-{n}", first_ns=START_NS + n) for n in range(1, 401))
    return replace(shop, calls=calls, findings=())


@pytest.fixture(scope="session")
def sheeted():
    """The recorded shop with what its captures tell beside the calls: ``(analysis, sheets)``."""
    captures = [str(SHOP / "pods")]
    mesh = load_mesh([SHOP / "mesh"])
    analysis, asked, spoken = analyze_and_ask(captures, mesh)
    return analysis, sheets_for(captures, mesh, asked, spoken)
