"""Which namespaces istiod may tell something of their own, and which names all clients mean the same by."""

from __future__ import annotations

import pytest

from analyzer.mesh.outbound.namespaces import means_the_same, namespaces_apart

WEB = "web.shop.svc.cluster.local"
PORTS = ["http:80:HTTP"]


@pytest.fixture
def shop(town):
    """One service that everybody sees."""
    return town.service("shop/web", "10.9.0.1")


def apart(town) -> set[str]:
    return set(namespaces_apart(town.mesh())) - {"", "."}


def test_where_everything_is_for_everybody_no_namespace_is_apart(shop) -> None:
    shop.rule("VirtualService", "shop/v", hosts=["web"], http=[{"route": [{"destination": {"host": "web"}}]}])
    shop.rule("DestinationRule", "shop/d", host="web", exportTo=["*"]).rule("DestinationRule", "shop/e", host=WEB)

    assert apart(shop) == set()


def test_a_service_that_not_all_see_sets_its_own_and_the_named_namespaces_apart(shop) -> None:
    shop.entry("far/a", ["a.example"], PORTS, exportTo=["near"])

    assert apart(shop) == {"far", "near"}


def test_a_host_of_several_namespaces_sets_them_apart(shop) -> None:
    shop.entry("far/a", ["a.example"], PORTS).entry("off/a", ["a.example"], PORTS)

    assert apart(shop) == {"far", "off"}


def test_a_name_that_a_resolver_may_complete_sets_the_namespace_apart(shop) -> None:
    shop.entry("far/a", ["api.web.near.svc.cluster.local", "b.svc.cluster.local", "api.web.example"], PORTS)

    assert apart(shop) == {"near"}


def test_an_alias_of_a_known_host_sets_its_namespace_apart(shop) -> None:
    shop.alias("far/alias", WEB).alias("off/alias", "unknown.example")

    assert apart(shop) == {"far"}


def test_a_virtual_service_that_not_all_see_sets_those_apart_that_do(shop) -> None:
    shop.rule("VirtualService", "far/v", hosts=["web.shop"], exportTo=[".", "near"])

    assert apart(shop) == {"far", "near"}


@pytest.mark.parametrize("kind", ["http", "tcp", "tls"])
def test_a_match_of_source_namespaces_sets_those_apart(shop, kind) -> None:
    shop.rule("VirtualService", "shop/v", hosts=["web"], **{kind: [{"match": [{"sourceNamespace": "near"}]}]})

    assert apart(shop) == {"near"}


def test_a_route_of_the_gateway_api_for_a_service_sets_its_namespace_apart(shop) -> None:
    parent = {"kind": "Service", "group": "", "name": "web", "namespace": "shop", "port": 80}
    rules = [{"backendRefs": [{"name": "web", "namespace": "shop", "port": 80}]}]
    shop.add("gateway.networking.k8s.io/v1", "HTTPRoute", "far/r", spec={"parentRefs": [parent], "rules": rules})

    assert apart(shop) == {"far"}


@pytest.mark.parametrize(
    "spec",
    [
        {"host": WEB},
        {"host": "*"},
        {"host": "*.far.svc.cluster.local"},
        {"host": "own", "exportTo": ["."]},
        {"host": "own", "workloadSelector": {"matchLabels": {"a": "b"}}},
    ],
)
def test_a_rule_that_only_its_own_clients_find_so_sets_its_namespace_apart(shop, spec) -> None:
    shop.rule("DestinationRule", "far/d", **spec)

    assert apart(shop) == {"far"}


def test_a_rule_that_others_see_by_name_sets_them_apart(shop) -> None:
    shop.rule("DestinationRule", "shop/d", host="web", exportTo=["near", "."])

    assert apart(shop) == {"near", "shop"}


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("defaultServiceExportTo", {"shop"}),
        ("defaultVirtualServiceExportTo", {"far"}),
        ("defaultDestinationRuleExportTo", {"off"}),
    ],
)
def test_the_mesh_may_hide_what_says_nothing_of_who_sees_it(shop, setting, expected) -> None:
    shop.rule("VirtualService", "far/v", hosts=["web.shop"]).rule("DestinationRule", "off/d", host="x.example")
    shop.settings(**{setting: ["."]})

    assert apart(shop) == expected


@pytest.mark.parametrize(
    "name", ["web.shop", "WEB.shop:80", f"{WEB}", "web.shop.svc", "a.example", "10.9.0.1", "10.9.0.1:80", "x.web.shop"]
)
def test_a_name_with_a_dot_means_the_same_to_all(shop, name) -> None:
    assert means_the_same(shop.mesh(), name)


@pytest.mark.parametrize(
    "name", ["", "web", "web:80", "web.", ".web", "a..b", "[::1]:80", "::1.a", "a.b:c:80", "x:y.z"]
)
def test_a_name_that_a_namespace_completes_or_that_is_none_may_mean_something_else(shop, name) -> None:
    assert not means_the_same(shop.mesh(), name)


def test_a_name_below_the_short_one_of_a_headless_service_may_mean_something_else(shop) -> None:
    shop.service("shop/db", "", headless=True)
    mesh = shop.mesh()

    assert [means_the_same(mesh, name) for name in ("db-0.DB", "db-0.db.shop", "db-0.web")] == [False, True, True]


def test_so_may_one_below_an_alias_of_it(shop) -> None:
    shop.service("shop/db", "", headless=True).alias("far/alias", "db.shop.svc.cluster.local")

    assert not means_the_same(shop.mesh(), "db-0.alias")
