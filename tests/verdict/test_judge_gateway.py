"""Calls to a gateway, and what it sends on, as records."""

from __future__ import annotations

from analyzer.verdict.judge import judge
from analyzer.verdict.wires import gather_wires

SNI = "outbound_.9080_._.reviews.shop.svc.cluster.local"
CLUSTER = "outbound|9080||reviews.shop.svc.cluster.local"


def judged(mesh, *talks, homes=None):
    conversations = {}
    for told in talks:
        conversations.setdefault((told.client, told.seq), told.conversation)
    wires = gather_wires(t.sighting for t in talks)
    return judge([(w, conversations[w.client, w.connection.syn_seq]) for w in wires], mesh, homes or {})


def roles(call):
    return [leg.role for leg in call.legs]


GATEWAY = """
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: edge, namespace: edge}
spec:
  selector: {app: gateway-0}
  servers:
  - {port: {number: 8443, name: https, protocol: HTTPS}, hosts: [shop.example.com],
     tls: {mode: SIMPLE, credentialName: shop}}
  - {port: {number: 8080, name: http, protocol: HTTP}, hosts: [shop.example.com]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: edge, namespace: edge}
spec:
  gateways: [edge]
  hosts: [shop.example.com]
  http: [{route: [{destination: {host: reviews.shop.svc.cluster.local, port: {number: 9080}}}]}]
"""


def test_a_request_to_a_gateway_is_followed_through_it(talk, shop) -> None:
    (call,) = judged(shop(GATEWAY), talk("192.0.2.1:5000", "10.244.3.5:8080").ask("/", "shop.example.com"))

    assert (call.decision.verdict, call.decision.gateway.pod) == ("service-matched", "edge/gateway-0")
    assert call.decision.gateway.cluster == CLUSTER


def test_what_is_inside_tls_that_a_gateway_ends_is_not_guessed(talk, shop) -> None:
    (call,) = judged(shop(GATEWAY), talk("192.0.2.1:5000", "10.244.3.5:8443").hello("shop.example.com"))

    assert (call.decision.verdict, call.decision.undetermined) == (None, ("request-sealed",))


def test_what_a_key_log_shows_inside_tls_that_a_gateway_ends_decides(talk, shop) -> None:
    inner = talk().ask("/", "shop.example.com").answer().ask("/more", "shop.example.com")
    asked = talk("192.0.2.1:5000", "10.244.3.5:8443").hello("shop.example.com").holding(inner)

    (call,) = judged(shop(GATEWAY), asked)

    assert (call.decision.verdict, call.decision.gateway.cluster) == ("service-matched", CLUSTER)
    assert call.protocol == "tls"


def test_requests_inside_that_end_differently_leave_the_connection_without_a_verdict(talk, shop) -> None:
    inner = talk().ask("/", "shop.example.com").answer().ask("/", "other.example.com")
    asked = talk("192.0.2.1:5000", "10.244.3.5:8443").hello("shop.example.com").holding(inner)

    (call,) = judged(shop(GATEWAY), asked)

    assert call.decision.undetermined == ("request-sealed",)


def test_a_name_that_a_gateway_does_not_serve_is_refused_whatever_is_inside(talk, shop) -> None:
    (call,) = judged(shop(GATEWAY), talk("192.0.2.1:5000", "10.244.3.5:8443").hello("other.example.com"))

    assert call.decision.verdict == "dropped"


def test_what_a_gateway_sends_on_is_a_leg_and_no_call(talk, upstream, shop, alpn) -> None:
    asked = talk("192.0.2.1:5000", "10.244.3.5:8080").ask("/", "shop.example.com", at=5).answer(200, at=19)
    leg = upstream("10.244.3.5:36714", at=6).hello(SNI, alpn["http"], at=6)

    (call,) = judged(shop(GATEWAY), asked, leg)

    assert roles(call) == ["direct", "sidecar-to-upstream"]


def test_what_a_gateway_sends_on_is_a_record_where_nothing_is_seen_to_reach_it(upstream, shop, alpn) -> None:
    (call,) = judged(shop(GATEWAY), upstream("10.244.3.5:36714").hello(SNI, alpn["http"]))

    assert (call.pod, call.decision.verdict) == ("edge/gateway-0", "service-matched")
