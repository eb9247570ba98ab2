"""DestinationRules that nobody uses, or not as a whole."""

from __future__ import annotations

from analyzer.verdict.lint.idle_rules import find_idle_rules

HOST = "cart.shop.svc.cluster.local"
POLICY = {"tls": {"mode": "SIMPLE"}}


def rule(make, name: str, host: str = HOST, **spec):
    return make.istio("DestinationRule", name, host=host, **spec)


def base(make):
    return [make.namespace("config"), make.service("shop/cart"), make.pod("shop/p"), make.pod("web/q")]


def test_rules_in_the_services_the_clients_and_the_root_namespace_are_used(make, codes):
    assert codes(find_idle_rules, *base(make), rule(make, "shop/a")) == []
    assert codes(find_idle_rules, *base(make), rule(make, "web/a")) == []
    assert codes(find_idle_rules, *base(make), rule(make, "istio-system/a", "*.local")) == []


def test_a_namespace_without_clients_is_not_looked_in(make, lint):
    found = lint(find_idle_rules, *base(make), rule(make, "config/a"))

    assert [each.code.name for each in found] == ["idle-rule"]
    assert f"namespace config has no clients, and {HOST} is in shop" in found[0].sentence


def test_a_rule_behind_nearer_ones_is_idle(make, lint):
    nearer = rule(make, "shop/near"), rule(make, "web/near")
    found = lint(find_idle_rules, *base(make), *nearer, rule(make, "istio-system/far"))

    assert [(each.code.name, each.resource) for each in found] == [("idle-rule", "DestinationRule istio-system/far")]
    assert "DestinationRule shop/near is found instead" in found[0].sentence


def test_a_rule_that_is_exported_to_nobody_with_clients_is_idle(make, lint):
    found = lint(find_idle_rules, *base(make), rule(make, "istio-system/a", exportTo=["gone"]))

    assert "it is exported to gone, where no client is" in found[0].sentence


def test_a_host_that_nobody_has_is_named(make, codes):
    assert codes(find_idle_rules, *base(make), rule(make, "shop/a", "ghost")) == ["rule-without-service"]
    assert codes(find_idle_rules, *base(make), rule(make, "shop/a", "api.example.com")) == ["rule-without-service"]
    assert codes(find_idle_rules, *base(make), rule(make, "web/a", "cart.shop")) == ["short-host"]
    assert codes(find_idle_rules, rule(make, "shop/a", "ghost")) == []


def test_parts_that_an_older_rule_has_do_not_count(make, lint):
    subsets = [{"name": "v1", "labels": {"version": "v1"}}]
    older = rule(make, "shop/old", subsets=subsets, trafficPolicy=POLICY)
    younger = rule(make, "shop/young", "cart", subsets=subsets, trafficPolicy=POLICY, created=2)

    found = lint(find_idle_rules, *base(make), older, younger)

    assert [(each.code.name, each.resource) for each in found] == [("rule-overruled", "DestinationRule shop/young")]
    assert "its trafficPolicy and its subset v1 do not count: DestinationRule shop/old" in found[0].sentence


def test_rules_that_add_to_each_other_are_fine(make, codes):
    one = rule(make, "shop/one", trafficPolicy=POLICY)
    two = rule(make, "shop/two", subsets=[{"name": "v1", "labels": {}}], created=2)

    assert codes(find_idle_rules, *base(make), one, two) == []


def test_a_rule_for_some_workloads_is_used_by_them(make, codes):
    chosen = {"matchLabels": {"app": "x"}}

    assert codes(find_idle_rules, *base(make), rule(make, "web/a", workloadSelector=chosen), rule(make, "web/b")) == []
