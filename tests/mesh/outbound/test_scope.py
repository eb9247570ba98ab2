"""What a proxy is told of the mesh."""

from __future__ import annotations

import pytest

from analyzer.mesh.outbound.scope import scope_key, scope_of, sidecar_of

EXPORT = "networking.istio.io/exportTo"
SUFFIX = ".svc.cluster.local"


def scope(town, name="shop/web-0"):
    mesh, proxy = town.proxy(name)
    return scope_of(mesh, proxy)


def hosts(egress) -> list[str]:
    return [each.hostname.removesuffix(SUFFIX) for each in egress.services]


def imported(town, *patterns, name="shop/web-0", **listener):
    """The services that a Sidecar with one listener imports."""
    town.pod(name).rule("Sidecar", "shop/sc", egress=[{"hosts": list(patterns), **listener}])
    return hosts(scope(town, name).egress[0])


def two_namespaces(town):
    return (
        town.service("shop/web", "10.9.0.1")
        .service("pay/web", "10.9.0.2")
        .service("pay/db", "10.9.0.3", ports=("tcp:5432:1",))
    )


def test_without_a_sidecar_everything_visible_is_imported(town) -> None:
    two_namespaces(town).service("pay/hidden", "10.9.0.4", annotations={EXPORT: "."}).pod("shop/web-0")
    found = scope(town)
    assert hosts(found.egress[0]) == ["db.pay", "web.pay", "web.shop"]
    assert found.sidecar is None
    assert found.key == ("shop", "")


def test_patterns_name_a_namespace_and_a_host(town) -> None:
    assert imported(two_namespaces(town), "pay/*") == ["db.pay", "web.pay"]


def test_a_dot_is_the_own_namespace(town) -> None:
    assert imported(two_namespaces(town), "./*") == ["web.shop"]


def test_wildcard_hosts_import_what_they_cover(town) -> None:
    assert imported(two_namespaces(town), "*/*.pay.svc.cluster.local") == ["db.pay", "web.pay"]


def test_exact_hosts_are_looked_up(town) -> None:
    assert imported(two_namespaces(town), f"pay/db.pay{SUFFIX}", f"shop/gone{SUFFIX}") == ["db.pay"]


def test_exact_hosts_that_are_not_visible_are_not_imported(town) -> None:
    town.service("pay/db", "10.9.0.1", annotations={EXPORT: "."})
    assert imported(town, f"pay/db.pay{SUFFIX}") == []


def test_a_tilde_imports_nothing(town) -> None:
    assert imported(two_namespaces(town), "~/*") == []


def test_a_tilde_before_a_namespace_excludes(town) -> None:
    assert imported(two_namespaces(town), "*/*", f"~pay/web.pay{SUFFIX}") == ["db.pay", "web.shop"]


def test_a_pattern_without_a_slash_is_left_out(town) -> None:
    assert imported(two_namespaces(town), "everything") == []


def test_a_listener_with_a_port_imports_services_with_that_port_only(town) -> None:
    two_namespaces(town).service("pay/both", "10.9.0.5", ports=("http:80:1", "tcp:5432:2"))
    assert imported(town, "*/*", port={"number": 5432, "protocol": "TCP"}) == ["both.pay", "db.pay"]
    ports = [each.ports for each in scope(town).egress[0].services]
    assert [[port.number for port in each] for each in ports] == [[5432], [5432]]


def test_a_proxy_port_imports_services_whole(town) -> None:
    assert len(imported(two_namespaces(town), "*/*", port={"number": 3128, "protocol": "HTTP_PROXY"})) == 3


def test_one_host_comes_from_one_namespace_the_clients_first(town) -> None:
    town.entry("pay/e", ["api.example.com"], ["http:80:HTTP"]).entry("shop/e", ["api.example.com"], ["http:81:HTTP"])
    town.pod("shop/web-0")
    assert [each.namespace for each in scope(town).egress[0].services] == ["shop"]


def test_a_kubernetes_service_comes_before_an_entry_of_the_same_name(town) -> None:
    town.entry("aaa/e", [f"web.pay{SUFFIX}"], ["http:80:HTTP"], exportTo=["*"])
    two_namespaces(town).pod("shop/web-0")
    assert all(each.kubernetes for each in scope(town).egress[0].services)


def test_aliases_are_trimmed_to_those_imported(town) -> None:
    town.service("pay/web", "10.9.0.1").alias("pay/in", f"web.pay{SUFFIX}").alias("pay/out", f"web.pay{SUFFIX}")
    town.pod("shop/web-0").rule(
        "Sidecar", "shop/sc", egress=[{"hosts": [f"pay/web.pay{SUFFIX}", f"pay/in.pay{SUFFIX}"]}]
    )
    web = next(each for each in scope(town).egress[0].services if each.hostname == f"web.pay{SUFFIX}")
    assert web.aliases == ((f"in.pay{SUFFIX}", "pay"),)


def test_the_sidecar_with_a_fitting_selector_comes_before_the_namespaces(town) -> None:
    town.pod("shop/web-0").pod("shop/db-0").rule("Sidecar", "shop/all").rule("Sidecar", "istio-system/root")
    town.rule("Sidecar", "shop/web", workloadSelector={"labels": {"app": "web"}}).pod("pay/x-0")
    town.rule("Sidecar", "istio-system/selective", workloadSelector={"labels": {"app": "x"}})
    for pod, name in (("shop/web-0", "web"), ("shop/db-0", "all"), ("pay/x-0", "root")):
        assert sidecar_of(*town.proxy(pod)).resource.name == name


def test_no_sidecar_holds_for_a_gateway(town) -> None:
    town.pod("shop/gw-0", sidecar=False, gateway=True).rule("Sidecar", "shop/all")
    assert sidecar_of(*town.proxy("shop/gw-0")) is None


def test_the_policy_is_the_sidecars_else_the_meshs(town) -> None:
    town.pod("shop/web-0").settings(outboundTrafficPolicy={"mode": "REGISTRY_ONLY"})
    found = scope(town)
    assert (found.policy, found.policy_place.line) == ("REGISTRY_ONLY", 3)
    town.rule("Sidecar", "shop/sc", outboundTrafficPolicy={"mode": "ALLOW_ANY"})
    found = scope(town)
    assert (found.policy, found.policy_place.line) == ("ALLOW_ANY", 5)
    assert found.key == ("shop", "shop/sc")


def test_a_scope_has_the_key_that_is_told_without_making_it(town) -> None:
    town.pod("shop/web-0").pod("pay/db-0").rule("Sidecar", "shop/sc", egress=[{"hosts": ["./*"]}])

    for name in ("shop/web-0", "pay/db-0"):
        mesh, proxy = town.proxy(name)
        assert scope_key(mesh, proxy) == scope_of(mesh, proxy).key


def virtual_services(town) -> list[str]:
    return [each.name for each in scope(town).egress[0].virtual_services]


def test_virtual_services_are_imported_by_their_hosts_and_namespaces(town) -> None:
    town.pod("shop/web-0").rule("Sidecar", "shop/sc", egress=[{"hosts": ["*/a.example.com", "pay/*"]}])
    town.rule("VirtualService", "shop/exact", hosts=["a.example.com"]).rule(
        "VirtualService", "shop/wild", hosts=["*.example.com"]
    )
    town.rule("VirtualService", "pay/mine", hosts=["x.org"]).rule("VirtualService", "other/no", hosts=["x.org"])
    assert virtual_services(town) == ["exact", "mine", "wild"]


def test_an_excluded_host_imports_no_virtual_service(town) -> None:
    town.pod("shop/web-0").rule("Sidecar", "shop/sc", egress=[{"hosts": ["*/*", "~shop/a.example.com"]}])
    town.rule("VirtualService", "shop/no", hosts=["a.example.com"]).rule(
        "VirtualService", "shop/yes", hosts=["b.example.com"]
    )
    assert virtual_services(town) == ["yes"]


def test_wildcards_are_indexed_by_the_service_that_they_fit_best(town) -> None:
    town.pod("shop/web-0").service("shop/web", "10.9.0.1").service("shop/db", "10.9.0.2")
    town.rule("VirtualService", "shop/wide", hosts=["*.local"]).rule(
        "VirtualService", "shop/narrow", hosts=[f"*.shop{SUFFIX}"]
    )
    town.rule("VirtualService", "shop/exact", hosts=["db"])
    index = scope(town).egress[0].wildcard_index
    assert index == {f"web.shop{SUFFIX}": ("shop", "narrow"), f"db.shop{SUFFIX}": ("shop", "exact")}


@pytest.mark.parametrize("beside", [True, False])
def test_a_gateway_takes_the_oldest_service_of_a_host_unless_its_namespace_has_sidecars(town, beside: bool) -> None:
    """sidecar.go DefaultSidecarScopeForGateway: no namespace comes first."""
    town.entry("apps/old", ["x.com"], ["http:80:HTTP"]).entry("edge/young", ["x.com"], ["http:8080:HTTP"])
    town.entry("edge/web", ["web.shop.svc.cluster.local"], ["http:8080:HTTP"]).service("shop/web", "10.9.0.1")
    if beside:
        town.pod("edge/app-0")
    mesh, proxy = town.pod("edge/gw-0", sidecar=False, gateway=True).proxy("edge/gw-0")
    services = scope_of(mesh, proxy).services

    assert proxy.router
    assert (services["x.com"].namespace, services["web.shop.svc.cluster.local"].namespace) == (
        ("edge", "edge") if beside else ("apps", "shop")
    )
