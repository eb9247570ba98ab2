"""Route configurations of a sidecar."""

from __future__ import annotations

import pytest

from analyzer.base.fact import replace
from analyzer.mesh.kinds.virtual_service import VirtualService
from analyzer.mesh.outbound.scope import scope_of
from analyzer.mesh.outbound.virtual_hosts import (
    egress_for_port,
    outbound_route_config,
    proxied_by_chance,
    service_domains,
)

SUFFIX = ".svc.cluster.local"


def config(town, name="80", client="shop/sleep-0"):
    mesh, proxy = town.proxy(client)
    return outbound_route_config(mesh, scope_of(mesh, proxy), proxy, name)


def host(town, authority: str, name="80", client="shop/sleep-0"):
    return config(town, name, client).virtual_host(authority)


def base(town, *ports: str, name="shop/web"):
    return town.pod("shop/sleep-0").service(name, "10.9.0.1", ports=ports or ("http:80:8080",))


def vs(town, name="shop/vs", hosts=("web",), created=None, **more):
    rule = {"name": name.rpartition("/")[2], "route": [{"destination": {"host": "db", "port": {"number": 80}}}], **more}
    return town.rule("VirtualService", name, created=created, hosts=list(hosts), http=[rule])


def routes(found) -> list[str]:
    return [route.name for route in found.routes]


@pytest.mark.parametrize(
    "authority", ["web", "web.shop", "web.shop.svc", f"web.shop{SUFFIX}", f"web.shop{SUFFIX}.", "10.9.0.1"]
)
def test_a_service_is_known_by_all_its_names(town, authority: str) -> None:
    found = host(base(town), authority)
    assert (found.name, routes(found)) == (f"web.shop{SUFFIX}:80", ["default"])


def test_a_bare_name_is_only_known_in_its_namespace(town) -> None:
    base(town).pod("pay/x-0")
    assert host(town, "web", client="pay/x-0").name == "allow_any"
    assert host(town, "web.shop", client="pay/x-0").name == f"web.shop{SUFFIX}:80"


@pytest.mark.parametrize(
    ("authority", "known"), [("db-0.db.shop", True), ("a.b.db", True), ("db", True), (".db", False)]
)
def test_a_headless_service_takes_names_before_its_own(town, authority: str, known: bool) -> None:
    town.pod("shop/sleep-0").service("shop/db", headless=True, ports=("http:80:80",))
    assert (host(town, authority).name != "allow_any") is known


def test_unknown_hosts_go_by_the_policy(town) -> None:
    assert routes(host(base(town), "x.org")) == ["allow_any"]
    town.settings(outboundTrafficPolicy={"mode": "REGISTRY_ONLY"})
    found = host(town, "x.org")
    assert (found.name, found.routes[0].direct_response.status) == ("block_all", 502)


def test_the_dynamic_mode_has_its_own_catch_all(town) -> None:
    base(town).settings(outboundTrafficPolicy={"mode": "ALLOW_ANY_DYNAMIC_DNS"})
    assert host(town, "x.org").routes[0].clusters[0].cluster == "AllowAnyDynamicDNSCluster"


def test_opaque_ports_have_no_virtual_host_and_undeclared_ones_have(town) -> None:
    base(town, "tcp:80:1").service("shop/auto", "10.9.0.2", ports=("x:80:1",))
    assert host(town, "web").name == "allow_any"
    assert host(town, "auto").name == f"auto.shop{SUFFIX}:80"


def test_an_undeclared_port_with_an_address_takes_every_host(town) -> None:
    found = host(base(town, "x:7000:1"), "whatever.example.com", f"web.shop{SUFFIX}:7000")
    assert found.name == f"web.shop{SUFFIX}:7000"


def test_a_sniffed_configuration_that_nobody_fills_is_empty(town) -> None:
    assert host(base(town), "web", f"gone.shop{SUFFIX}:7000") is None


def test_external_names_are_names_of_their_target(town) -> None:
    base(town).alias("shop/front", f"web.shop{SUFFIX}")
    for authority in ("front", "front.shop", f"front.shop{SUFFIX}"):
        assert host(town, authority).name == f"web.shop{SUFFIX}:80"


def test_a_virtual_service_gives_the_routes_of_its_host(town) -> None:
    found = host(vs(base(town)), "web.shop")
    assert (routes(found), found.owner) == (["vs"], "shop/vs")


def test_the_oldest_virtual_service_of_a_host_wins_and_the_other_is_named(town) -> None:
    base(town)
    vs(town, "shop/young", created="2026-01-02T00:00:00Z")
    vs(town, "shop/old", created="2026-01-01T00:00:00Z")
    found = config(town)
    assert routes(found.virtual_host("web")) == ["old"]
    assert [each.owner for each in found.dropped] == ["shop/young"]


def test_a_virtual_service_without_a_route_for_the_port_is_ignored(town) -> None:
    assert routes(host(vs(base(town), match=[{"port": 99}]), "web")) == ["default"]


def test_hosts_that_are_no_service_have_virtual_hosts_on_port_80(town) -> None:
    vs(base(town, "http:80:1", "http:81:1"), hosts=["API.example.com"])
    assert host(town, "api.example.com").name == "api.example.com:80"
    assert host(town, "api.example.com", "81").name == "allow_any"


def test_on_other_ports_they_need_a_service_beside_them(town) -> None:
    vs(base(town, "http:81:1"), hosts=["api.example.com", "web"])
    assert host(town, "api.example.com", "81").name == "api.example.com:81"


def test_a_virtual_service_only_for_opaque_services_has_no_host_on_other_ports(town) -> None:
    vs(base(town, "tcp:81:1"), hosts=["web"])
    assert host(town, "web", "81").name == "allow_any"


def test_a_wildcard_applies_to_services_without_a_closer_rule(town) -> None:
    base(town).service("shop/own", "10.9.0.2")
    vs(town, "shop/all", hosts=[f"*.shop{SUFFIX}"])
    vs(town, "shop/exact", hosts=["own"])
    assert routes(host(town, "web")) == ["all"]
    assert routes(host(town, "own")) == ["exact"]


def test_a_wildcard_that_fits_no_service_is_a_domain(town) -> None:
    vs(base(town), hosts=["*.example.com"])
    assert host(town, "a.example.com").name == "*.example.com:80"


def test_a_rule_may_name_a_wildcard_service(town) -> None:
    town.pod("shop/sleep-0").entry("shop/e", ["*.example.com"], ["http:81:HTTP"])
    vs(town, hosts=["a.example.com"])
    assert host(town, "b.example.com", "81").name == "*.example.com:81"
    assert host(town, "a.example.com", "81").name == "*.example.com:81"


def test_a_short_name_does_not_hide_a_host_of_that_name(town) -> None:
    base(town).entry("shop/e", ["web.shop"], ["http:80:HTTP"])
    assert host(town, "web.shop").name == "web.shop:80"


def test_of_an_entrys_addresses_the_last_is_a_domain(town) -> None:
    town.pod("shop/sleep-0").entry("shop/e", ["a.com"], ["http:80:HTTP"], addresses=["10.7.0.1", "10.7.0.2"])
    assert host(town, "10.7.0.2").name == "a.com:80"
    assert host(town, "10.7.0.1").name == "allow_any"


def test_an_ipv6_address_is_a_domain_in_brackets(town) -> None:
    town.pod("shop/sleep-0", "fd::1").service("shop/web", "fd::9")
    mesh, proxy = town.proxy("shop/sleep-0")
    domains, _ = service_domains(scope_of(mesh, proxy).services[f"web.shop{SUFFIX}"], proxy)
    assert domains[-1] == "[fd::9]"


def test_a_port_of_its_own_answers_for_that_port(town) -> None:
    egress = [{"hosts": ["./*"], "port": {"number": 80, "protocol": "HTTP"}}]
    base(town).rule("Sidecar", "shop/sc", egress=egress)
    mesh, proxy = town.proxy("shop/sleep-0")
    scope = scope_of(mesh, proxy)
    assert egress_for_port(scope, 80) is scope.egress[0]
    assert egress_for_port(scope, 81) is None
    assert host(town, "web").name == f"web.shop{SUFFIX}:80"
    assert host(town, "web", "81").name == "allow_any"


def test_routes_of_the_gateway_api_apply_to_near_services_only(town) -> None:
    base(town).pod("pay/x-0")
    mesh = vs(town, "pay/vs", hosts=[f"web.shop{SUFFIX}"]).mesh()
    found = replace(mesh.of(VirtualService)[0], gateway_semantics=True)
    mesh = replace(mesh, views={**mesh.views, VirtualService: (found,)}, _memo={})
    from analyzer.mesh.proxy import proxy_of

    for client, expected in (("shop/sleep-0", ["default"]), ("pay/x-0", ["vs"])):
        proxy = proxy_of(mesh, mesh.pod(*client.split("/")))
        assert (
            routes(outbound_route_config(mesh, scope_of(mesh, proxy), proxy, "80").virtual_host("web.shop")) == expected
        )


def test_a_wildcard_of_the_gateway_api_attaches_to_no_service(town) -> None:
    mesh = vs(base(town), "shop/vs", hosts=[f"*.shop{SUFFIX}", "web"]).mesh()
    found = replace(mesh.of(VirtualService)[0], gateway_semantics=True)
    mesh = replace(mesh, views={**mesh.views, VirtualService: (found,)}, _memo={})
    from analyzer.mesh.proxy import proxy_of

    proxy = proxy_of(mesh, mesh.pod("shop", "sleep-0"))
    result = outbound_route_config(mesh, scope_of(mesh, proxy), proxy, "80")
    assert result.virtual_host(f"x.shop{SUFFIX}").name == f"*.shop{SUFFIX}:80"


class TestAProxyPortOfASidecar:
    """Egress listeners of protocol HTTP_PROXY, for which istiod says listener port 0 (httproute.go).

    Envoy takes the port off a request's host before it looks for a domain (config_impl.cc findVirtualHost), so that of
    istiod's domains for every port only those without one are ever found.
    """

    @staticmethod
    def proxying(town, *hosts: str):
        town.service("shop/web", "10.9.0.1").service("shop/api", "10.9.0.2", ports=("http:8080:8080",))
        port = {"number": 3128, "protocol": "HTTP_PROXY", "name": "proxy"}
        egress = [{"port": port, "bind": "127.0.0.1", "captureMode": "NONE", "hosts": list(hosts)}]
        return town.pod("shop/sleep-0").rule("Sidecar", "shop/default", egress=egress)

    def test_a_request_without_a_port_means_port_80(self, town) -> None:
        found = config(self.proxying(town, "*/*"), "3128")
        assert found.virtual_host("web").name == f"web.shop{SUFFIX}:80"

    def test_what_has_no_http_on_port_80_is_not_found(self, town) -> None:
        found = config(self.proxying(town, "*/*"), "3128")
        assert found.virtual_host("api").name == "allow_any"

    def test_a_service_whose_first_http_port_is_another_is_not_found(self, town) -> None:
        ports = (("http-a:8080:1", "http-b:80:1"), ("tcp:90:1", "http-b:80:1", "http-a:8080:1"))
        town.service("shop/late", "10.9.0.3", ports=ports[0]).service("shop/early", "10.9.0.4", ports=ports[1])
        found = config(self.proxying(town, "*/*"), "3128")
        assert found.virtual_host("late").name == "allow_any"
        assert found.virtual_host("early").name == f"early.shop{SUFFIX}:80"

    def test_rules_for_a_port_are_none_for_a_proxy_port(self, town) -> None:
        self.proxying(town, "*/*")
        route = [{"destination": {"host": "api"}}]
        http = [{"name": "a", "match": [{"port": 80}], "route": route}, {"name": "b", "route": route}]
        town.rule("VirtualService", "shop/v", hosts=["web"], http=http)
        (found,) = config(town, "3128").virtual_host("web").routes
        assert (found.name, found.clusters[0].cluster) == ("b", f"outbound|8080||api.shop{SUFFIX}")

    @pytest.mark.parametrize(
        ("asked", "name", "found"),
        [("late", "3128", "v"), ("late.shop", "3128", "v"), ("late", "80", None), ("web", "3128", None)],
    )
    def test_a_rule_for_several_http_ports_holds_for_one_by_chance(self, town, asked, name, found) -> None:
        town.service("shop/late", "10.9.0.3", ports=("http-a:8080:1", "http-b:80:1"))
        rule = {"route": [{"destination": {"host": "api"}}]}
        town.rule("VirtualService", "shop/v", hosts=["late", "web"], http=[rule])
        chosen = proxied_by_chance(*self.proxying(town, "*/*").proxy("shop/sleep-0"), name, asked)
        assert (chosen and chosen.name) == found

    def test_services_without_rules_leave_nothing_to_chance(self, town) -> None:
        town.service("shop/late", "10.9.0.3", ports=("http-a:8080:1", "http-b:80:1"))
        assert proxied_by_chance(*self.proxying(town, "*/*").proxy("shop/sleep-0"), "3128", "late") is None

    def test_only_what_the_listener_imports_is_there(self, town) -> None:
        found = config(self.proxying(town, f"shop/api.shop{SUFFIX}"), "3128")
        assert found.virtual_host("web").name == "allow_any"

    def test_the_proxy_port_of_the_mesh_needs_a_listener_that_catches_all(self, town) -> None:
        assert config(self.proxying(town, "*/*"), "http_proxy").virtual_host("web").name == "allow_any"


def test_an_ipv6_host_of_a_rule_is_known_in_brackets(town) -> None:
    assert host(vs(base(town), hosts=("2001:db8::1",)), "[2001:db8::1]").name == "[2001:db8::1]:80"
