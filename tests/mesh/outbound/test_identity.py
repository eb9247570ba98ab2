"""What of a proxy matters to its configuration."""

from __future__ import annotations

from analyzer.mesh.outbound.identity import routing_identity
from analyzer.mesh.proxy import Proxy


def test_proxies_that_no_rule_tells_apart_are_one(town) -> None:
    mesh = town.mesh()
    a = routing_identity(mesh, Proxy("shop", (("app", "a"),), ("10.0.0.1",), "a-0"))
    b = routing_identity(mesh, Proxy("shop", (("app", "b"),), ("10.0.0.2",), "b-0"))
    assert a == b


def test_labels_that_rules_ask_for_stay(town) -> None:
    town.rule("VirtualService", "a/v", hosts=["x"], http=[{"match": [{"sourceLabels": {"http": ""}}]}])
    town.rule("VirtualService", "a/w", hosts=["x"], tcp=[{"match": [{"sourceLabels": {"tcp": ""}}]}])
    town.rule("DestinationRule", "a/d", host="x", workloadSelector={"matchLabels": {"dr": ""}})
    labels = (("dr", "1"), ("http", "2"), ("other", "3"), ("tcp", "4"))
    assert routing_identity(town.mesh(), Proxy("a", labels)).labels == (("dr", "1"), ("http", "2"), ("tcp", "4"))


def test_address_families_stay(town) -> None:
    mesh = town.mesh()
    assert routing_identity(mesh, Proxy("a", (), ("fd::1",))).ips == ("::",)
    assert routing_identity(mesh, Proxy("a", (), ("10.0.0.1", "fd::1"))).ips == ("0.0.0.0", "::")


def test_the_node_stays_where_a_service_keeps_to_it(town) -> None:
    near = Proxy("a", (), node="n")
    assert routing_identity(town.service("shop/web", "10.9.0.1").mesh(), near).node == ""
    town.documents[-1]["spec"]["internalTrafficPolicy"] = "Local"
    assert routing_identity(town.mesh(), near).node == "n"
