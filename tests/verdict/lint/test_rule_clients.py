"""Which clients may find different DestinationRules for one host."""

from __future__ import annotations

from analyzer.verdict.lint.rule_clients import (
    lookup_namespaces,
    rule_host,
    rule_seen_from,
    rules_over,
    service_seen_from,
)

HOST = "cart.shop.svc.cluster.local"


def test_rules_of_the_host_and_of_wildcards_over_it_are_found(make, mesh_of):
    mesh = mesh_of(
        make.service("shop/cart"),
        make.istio("DestinationRule", "shop/exact", host="cart"),
        make.istio("DestinationRule", "pay/wide", host="*.local"),
        make.istio("DestinationRule", "pay/other", host="pay"),
    )

    assert [rule.resource.name for rule in rules_over(mesh, HOST)] == ["exact", "wide"]
    assert {rule_host(rule) for rule in rules_over(mesh, HOST)} == {HOST, "*.local"}


def test_one_namespace_stands_for_all_that_look_up_alike(make, mesh_of):
    rule = make.istio("DestinationRule", "pay/r", host=HOST, exportTo=["web", "."])
    pods = [make.pod(f"{namespace}/p") for namespace in ("shop", "pay", "web", "x", "y")]
    mesh = mesh_of(make.namespace("a"), make.service("shop/cart"), rule, *pods)

    assert lookup_namespaces(mesh, HOST) == ("pay", "shop", "web", "x")


def test_namespaces_without_clients_do_not_look_up(make, mesh_of):
    rule = make.istio("DestinationRule", "config/r", host=HOST)
    mesh = mesh_of(make.namespace("config"), make.service("shop/cart"), rule, make.pod("shop/p"))

    assert lookup_namespaces(mesh, HOST) == ("shop",)


def test_a_client_finds_its_own_rule_before_the_services(make, mesh_of):
    mesh = mesh_of(
        make.service("shop/cart"),
        make.istio("DestinationRule", "shop/exact", host="cart"),
        make.istio("DestinationRule", "pay/wide", host="*.local"),
    )
    service = service_seen_from(mesh, "pay", HOST)

    assert service is not None
    assert [rule_seen_from(mesh, each, service).rules[0].resource.name for each in ("pay", "web")] == ["wide", "exact"]


def test_a_host_of_several_namespaces_is_the_clients_own_first(make, mesh_of):
    spec = {"hosts": ["api.com"], "ports": [{"number": 80, "name": "http", "protocol": "HTTP"}]}
    mesh = mesh_of(make.istio("ServiceEntry", "a/e", **spec), make.istio("ServiceEntry", "b/e", created=2, **spec))

    seen = [service_seen_from(mesh, each, "api.com").namespace for each in ("a", "b", "c")]

    assert seen == ["a", "b", "a"]
    assert service_seen_from(mesh, "a", "none.com") is None
