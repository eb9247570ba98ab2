"""Subsets that nobody defines, that some clients lack, that select nothing."""

from __future__ import annotations

from analyzer.verdict.lint.subsets import find_subsets

V1 = {"name": "v1", "labels": {"version": "v1"}}


def routed(make, name: str = "shop/r", **spec):
    return make.virtual_service(name, ["cart.shop.svc.cluster.local"], [to_v1(make)], **spec)


def to_v1(make):
    return make.rule("cart.shop.svc.cluster.local", subset="v1")


def cart(make):
    return [make.service("shop/cart", app="cart"), make.pod("shop/a", app="cart", version="v1"), make.namespace("shop")]


def test_a_subset_that_no_rule_defines_is_an_error(make, lint):
    other = make.istio("DestinationRule", "shop/d", host="cart", subsets=[{"name": "v2", "labels": {"version": "v1"}}])

    found = lint(find_subsets, *cart(make), routed(make), other)

    assert [each.code.name for each in found] == ["undefined-subset"]
    assert [place.field for place in found[0].yaml] == ["spec.http[0].route[0].destination.subset", "spec.host"]


def test_a_subset_of_the_services_own_namespace_is_for_all(make, codes):
    rule = make.istio("DestinationRule", "shop/d", host="cart", subsets=[V1])

    assert codes(find_subsets, *cart(make), make.pod("web/b"), routed(make, "web/r"), rule) == []


def test_a_rule_in_a_namespace_without_clients_serves_nobody(make, lint):
    rule = make.istio("DestinationRule", "config/d", host="cart.shop.svc.cluster.local", subsets=[V1])

    found = lint(find_subsets, *cart(make), make.namespace("config"), routed(make), rule)

    assert [each.code.name for each in found] == ["undefined-subset"]
    assert "is defined where no caller looks (asked from shop)" in found[0].sentence


def test_a_nearer_rule_hides_the_subset_from_some(make, lint):
    rule = make.istio("DestinationRule", "shop/d", host="cart", subsets=[V1])
    nearer = make.istio("DestinationRule", "web/w", host="*.local")

    found = lint(find_subsets, *cart(make), make.pod("web/b"), routed(make), rule, nearer)

    assert [each.code.name for each in found] == ["subset-not-for-all"]
    assert "does not exist for clients in web" in found[0].sentence


def test_who_does_not_see_the_route_does_not_ask(make, codes):
    rule = make.istio("DestinationRule", "shop/d", host="cart", subsets=[V1])
    nearer = make.istio("DestinationRule", "web/w", host="*.local")

    assert codes(find_subsets, *cart(make), make.pod("web/b"), routed(make, exportTo=["."]), rule, nearer) == []


def test_a_gateway_asks_from_its_own_namespace(make, codes):
    private = make.istio("DestinationRule", "shop/d", host="cart", subsets=[V1], exportTo=["."])
    gateway = make.istio("Gateway", "shop/g", selector={"istio": "edge"}, servers=[])
    edge = make.pod("edge/e", router=True, istio="edge")
    vs = routed(make, gateways=["g"])

    assert codes(find_subsets, *cart(make), edge, gateway, vs, private) == ["undefined-subset"]


def test_a_subset_that_depends_on_the_clients_labels_is_not_judged(make, codes):
    chosen = {"matchLabels": {"app": "web"}}
    rule = make.istio("DestinationRule", "shop/d", host="cart", subsets=[V1], workloadSelector=chosen)

    assert codes(find_subsets, *cart(make), routed(make), rule) == []


def test_a_used_subset_without_pods_is_a_warning(make, lint):
    rule = make.istio("DestinationRule", "shop/d", host="cart", subsets=[{"name": "v1", "labels": {"version": "v9"}}])

    found = lint(find_subsets, *cart(make), routed(make), rule)

    assert [each.code.name for each in found] == ["subset-without-pods"]
    assert "(version=v9), to which VirtualService shop/r leads" in found[0].sentence


def test_an_unused_subset_without_pods_is_worth_knowing(make, codes):
    rule = make.istio("DestinationRule", "shop/d", host="cart", subsets=[V1, {"name": "x", "labels": {"version": "x"}}])

    assert codes(find_subsets, *cart(make), rule) == ["idle-subset"]


def test_a_service_without_endpoints_or_pods_is_not_judged(make, codes):
    rule = make.istio("DestinationRule", "shop/d", host="cart", subsets=[V1])

    assert codes(find_subsets, make.service("shop/cart", app="cart"), rule) == []
    assert codes(find_subsets, make.service("shop/cart", app="cart"), make.pod("shop/b", app="b"), rule) == []
