"""What would end better if one thing about a call were different, found by asking the mesh again."""

from __future__ import annotations

import pytest

from analyzer.base.fact import replace
from analyzer.mesh.preset import with_settings
from analyzer.verdict.decide import decide
from analyzer.verdict.nearest import MAX_MISSES, nearest_misses
from analyzer.verdict.question import Question

CALL = Question(namespace="shop", pod="sleep-0", address="10.96.0.11", port=9080, host="reviews:9080")
OUTSIDE = replace(CALL, address="203.0.113.9", port=80, host="www.example.com")
REVIEWS = [{"destination": {"host": "reviews"}}]
ROUTES = {
    "hosts": ["reviews"],
    "http": [
        {"match": [{"uri": {"prefix": "/v2"}, "method": {"exact": "PUT"}}], "route": REVIEWS},
        {"match": [{"headers": {"x-user": {"exact": "beta"}}}], "route": REVIEWS},
    ],
}  # fmt: skip


@pytest.fixture
def misses():
    """A function that gives what is said of a question."""

    def tell(mesh, question):
        return [miss.sentence for miss in nearest_misses(mesh, question, decide(mesh, question))]

    return tell


def test_a_call_that_ends_well_has_none(shop, misses) -> None:
    assert misses(shop(), CALL) == []


def test_a_host_that_the_port_knows(shop, misses) -> None:
    assert misses(shop(), replace(CALL, host="revews:9080")) == [
        "would be service-matched if the Host were reviews:9080, to outbound|9080||reviews.shop.svc.cluster.local"
    ]


def test_a_host_that_resembles_none_is_not_said_to_have_been_meant(shop, misses) -> None:
    assert misses(shop(), OUTSIDE) == []


def test_the_service_of_the_pod_that_was_dialled(shop, misses) -> None:
    dialled = replace(CALL, address="10.244.1.11", host="10.244.1.11:9080")

    assert misses(shop(), dialled)[0].startswith(
        "would be service-matched if it called reviews:9080, to outbound|9080||"
    )


def test_the_port_that_the_service_has(shop, misses) -> None:
    assert "it called reviews:9080" in misses(shop(), replace(CALL, port=9081))[0]


def test_what_a_route_matches(shop, resource, misses) -> None:
    mesh = shop(resource("networking.istio.io/v1", "VirtualService", "shop/reviews", ROUTES))

    assert misses(mesh, CALL) == [
        "would be service-matched if the header x-user were beta, to outbound|9080||reviews.shop.svc.cluster.local"
    ]
    assert "if the path were /v2" in misses(mesh, replace(CALL, method="PUT"))[0]
    assert "if the method were PUT" in misses(mesh, replace(CALL, path="/v2"))[0]


def test_a_client_without_a_sidecar_where_mutual_tls_is_asked_for(shop, security, misses) -> None:
    strict = shop(security("PeerAuthentication", {"mtls": {"mode": "STRICT"}}))
    naked = replace(CALL, namespace="legacy", pod="naked-0", host="reviews.shop:9080")

    assert [each for each in misses(strict, naked) if "by mutual TLS" in each] == [
        "would be service-matched if the client had a sidecar, and came by mutual TLS"
    ]


def test_whom_a_policy_lets_in(town, misses) -> None:
    for pod in ("shop/sleep-0", "shop/reviews-0", "friends/web-0"):
        town.pod(pod)
    town.service("shop/reviews", "10.96.0.11")
    town.security("AuthorizationPolicy", "shop/own", rules=[{"from": [{"source": {"namespaces": ["friends"]}}]}])
    call = replace(CALL, port=80, host="reviews.shop")

    assert "friends/web-0 (service account default) asked" in misses(town.mesh(), call)[-1]


def test_the_name_that_tls_asks_for(shop, resource, misses) -> None:
    entry = {
        "hosts": ["secure.example.com"],
        "ports": [{"number": 443, "name": "tls", "protocol": "TLS"}],
        "resolution": "DNS",
    }
    mesh = shop(resource("networking.istio.io/v1", "ServiceEntry", "shop/secure", entry))
    typed = replace(OUTSIDE, port=443, protocol="tcp", tls="tls", sni="secure.exampel.com", host=None)

    assert "if the SNI were secure.example.com" in misses(mesh, typed)[0]


def test_few_are_told(shop, misses) -> None:
    assert len(misses(shop("\noutboundTrafficPolicy: {mode: REGISTRY_ONLY}\n"), replace(CALL, port=9081))) <= MAX_MISSES


def test_what_is_undecided_has_none(shop, decision) -> None:
    assert nearest_misses(shop(), CALL, decision(None, None, cluster=None, undetermined=("midstream",))) == ()


def test_a_sidecar_that_asks_for_mutual_tls_would_take_plaintext_if_it_were_permissive(shop, security, misses) -> None:
    strict = shop(security("PeerAuthentication", {"mtls": {"mode": "STRICT"}}))
    naked = replace(CALL, namespace="legacy", pod="naked-0", host="reviews.shop:9080")

    assert any("if mutual TLS of shop/reviews-" in each and "PERMISSIVE" in each for each in misses(strict, naked))


def test_a_host_that_the_mesh_does_not_know_would_pass_if_that_were_allowed(shop, misses) -> None:
    closed = with_settings(shop(), ("outboundTrafficPolicy=REGISTRY_ONLY",))

    assert misses(closed, OUTSIDE)[-1] == (
        "would be passthrough if outboundTrafficPolicy were ALLOW_ANY, to PassthroughCluster"
    )


def test_a_path_and_a_header_that_routes_ask_for_are_both_told(shop, resource, misses) -> None:
    rules = [{**ROUTES["http"][0], "match": [{"uri": {"prefix": "/v2"}}]}, ROUTES["http"][1]]
    mesh = shop(resource("networking.istio.io/v1", "VirtualService", "shop/reviews", {**ROUTES, "http": rules}))

    said = misses(mesh, replace(CALL, path="/nothing"))

    assert [each.partition(" if ")[2].partition(",")[0] for each in said][:2] == [
        "the path were /v2", "the header x-user were beta",
    ]  # fmt: skip
