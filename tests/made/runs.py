"""Runs made by hand of calls that were; and names that want out of any report."""

from __future__ import annotations

from analyzer.verdict.decision import Decision
from analyzer.verdict.record import Analysis, CaptureRecord, FlowRecord, MeshRecord, Observed
from made.calls import (
    CAPTURE,
    SECOND,
    START_NS,
    dropped_decision,
    gateway_decision,
    headless_decision,
    make_call,
    passthrough_decision,
    routed,
    weighted_decision,
)

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
