"""TLS of DestinationRules against what pods accept."""

from __future__ import annotations

import pytest

from analyzer.verdict.lint.client_tls import find_client_tls


def rule(make, mode: str, name: str = "shop/d", host: str = "cart", **spec):
    return make.istio("DestinationRule", name, host=host, trafficPolicy={"tls": {"mode": mode}}, **spec)


def peers(make, mode: str, **spec):
    return make.policy("PeerAuthentication", "shop/p", mtls={"mode": mode}, **spec)


def cart(make, *, sidecar: bool = True, **annotations: str):
    pod = make.pod("shop/a", app="cart", sidecar=sidecar)
    pod["metadata"]["annotations"] = annotations
    return [make.service("shop/cart", app="cart"), pod, make.pod("web/client")]


@pytest.mark.parametrize(
    ("tls", "mode", "expected"),
    [
        ("DISABLE", "STRICT", ["plaintext-to-strict"]),
        ("DISABLE", "PERMISSIVE", []),
        ("ISTIO_MUTUAL", "STRICT", []),
        ("ISTIO_MUTUAL", "DISABLE", ["mutual-to-plain"]),
        ("ISTIO_MUTUAL", "PERMISSIVE", []),
        ("SIMPLE", "STRICT", ["own-tls-to-sidecar"]),
        ("SIMPLE", "DISABLE", []),
    ],
)
def test_a_rule_and_a_policy_contradict_each_other(make, codes, tls: str, mode: str, expected: list[str]):
    assert codes(find_client_tls, *cart(make), rule(make, tls), peers(make, mode)) == expected


def test_mutual_tls_to_pods_without_a_sidecar_fails(make, lint):
    found = lint(find_client_tls, *cart(make, sidecar=False), rule(make, "ISTIO_MUTUAL"))

    assert [each.code.name for each in found] == ["mutual-to-plain"]
    assert found[0].sentence.endswith("meets pods without a sidecar behind cart.shop.svc.cluster.local:80")
    assert found[0].yaml[0].field == "spec.trafficPolicy.tls.mode"


def test_a_port_that_the_sidecar_leaves_out_is_plain_too(make, lint):
    excluded = {"traffic.sidecar.istio.io/excludeInboundPorts": "80"}

    found = lint(find_client_tls, *cart(make, **excluded), rule(make, "ISTIO_MUTUAL"), peers(make, "STRICT"))

    assert "meets pods whose sidecar leaves out the port" in found[0].sentence


def test_a_port_of_its_own_is_looked_at(make, codes):
    ports = {"portLevelSettings": [{"port": {"number": 80}, "tls": {"mode": "DISABLE"}}]}
    policy = make.istio("DestinationRule", "shop/d", host="cart", trafficPolicy=ports)
    by_port = peers(
        make, "PERMISSIVE", selector={"matchLabels": {"app": "cart"}}, portLevelMtls={"80": {"mode": "STRICT"}}
    )

    assert codes(find_client_tls, *cart(make), policy, by_port) == ["plaintext-to-strict"]


def test_a_subsets_policy_counts_for_its_pods(make, codes):
    subsets = [
        {"name": name, "labels": {"version": name}, "trafficPolicy": {"tls": {"mode": "DISABLE"}}}
        for name in ("a", "b")
    ]
    policy = make.istio("DestinationRule", "shop/d", host="cart", subsets=subsets)
    documents = (
        make.service("shop/cart", app="cart"),
        make.pod("shop/a", app="cart", version="a"),
        peers(make, "STRICT"),
    )

    assert codes(find_client_tls, *documents, policy) == ["plaintext-to-strict"]


def test_services_of_a_wildcard_are_one_finding(make, lint):
    other = make.service("shop/other", ip="10.2.0.9", app="cart")

    found = lint(find_client_tls, *cart(make), other, rule(make, "DISABLE", host="*.local"), peers(make, "STRICT"))

    assert len(found) == 1
    assert "cart.shop.svc.cluster.local:80 and other.shop.svc.cluster.local:80" in found[0].sentence


def test_a_rule_that_nobody_uses_contradicts_nothing(make, codes):
    nearer = rule(make, "ISTIO_MUTUAL", "shop/near")
    far = rule(make, "DISABLE", "istio-system/far", "*.local")

    assert codes(find_client_tls, *cart(make), nearer, rule(make, "ISTIO_MUTUAL", "web/w", "*.local"), far) == []


def test_rules_without_tls_and_services_without_pods_are_left_alone(make, codes):
    plain = make.istio("DestinationRule", "shop/d", host="cart", trafficPolicy={"loadBalancer": {"simple": "RANDOM"}})

    assert codes(find_client_tls, *cart(make), plain, peers(make, "STRICT")) == []
    assert codes(find_client_tls, make.service("shop/cart"), rule(make, "DISABLE"), peers(make, "STRICT")) == []
