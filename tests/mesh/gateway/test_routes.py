"""A gateway's route configurations: which VirtualServices bind to a server, and how virtual hosts are named."""

import pytest

from analyzer.mesh.gateway.routes import gateway_route_config

TLS = {"mode": "SIMPLE", "credentialName": "cert"}


@pytest.fixture
def config(gateway_pod):
    def find(edge, name="http.80"):
        mesh = edge.mesh()
        return gateway_route_config(mesh, gateway_pod(mesh), name)

    return find


@pytest.fixture
def hosts(config):
    """The virtual hosts of a configuration, as names with their domains."""

    def find(edge, name="http.80"):
        found = config(edge, name)
        each = [*found.exact.values(), *found.suffixes.values(), *found.prefixes.values(), found.catch_all]
        return {host.name: host.domains for host in each if host is not None}

    return find


def to(host="web.shop.svc.cluster.local", **rest):
    return [{"route": [{"destination": {"host": host}}], **rest}]


def targets(virtual_host):
    return [choice.cluster for route in virtual_host.routes for choice in route.clusters]


def test_a_virtual_host_is_named_by_host_and_the_servers_port(edge, server, hosts):
    edge.service((80, 8080)).gateway("gw", server()).virtual_service("vs", "a.com", http=to())
    assert hosts(edge, "http.8080") == {"a.com:80": ("a.com",)}


def test_a_server_without_routes_answers_from_a_black_hole(edge, server, config):
    found = config(edge.gateway("gw", server()))
    assert (found.catch_all.name, found.catch_all.routes) == ("blackhole:80", ())


def test_a_configuration_that_no_server_asks_for_is_empty(edge, config):
    found = config(edge, "http.81")
    assert (found.catch_all, found.exact) == (None, {})


def test_a_route_without_rules_gives_no_virtual_host(edge, server, config):
    found = config(edge.gateway("gw", server()).virtual_service("vs", "a.com", tcp=to()))
    assert found.catch_all.name == "blackhole:80"


def test_the_narrower_of_the_servers_and_the_routes_host_counts(edge, server, hosts):
    edge.gateway("gw", server(80, "HTTP", "*.a.com", "b.com")).virtual_service("vs", "x.a.com", "*.com", http=to())
    assert hosts(edge) == {"x.a.com:80": ("x.a.com", "b.com", "*.a.com")}


def test_a_route_of_other_hosts_does_not_bind(edge, server, hosts):
    edge.gateway("gw", server(80, "HTTP", "a.com")).virtual_service("vs", "b.com", http=to())
    assert hosts(edge) == {"blackhole:80": ("*",)}


def test_a_namespaced_host_takes_routes_of_that_namespace_only(edge, server, hosts):
    edge.gateway("gw", server(80, "HTTP", "shop/*"))
    edge.virtual_service("far", "a.com", http=to())
    edge.virtual_service("near", "b.com", http=to(), namespace="shop", gateways=["edge/gw"])
    assert hosts(edge) == {"b.com:80": ("b.com",)}


def test_routes_of_one_host_follow_each_other_oldest_first(edge, server, config):
    edge.gateway("gw", server())
    edge.virtual_service("old", "a.com", http=to("old.com", match=[{"uri": {"prefix": "/x"}}]))
    edge.virtual_service("young", "a.com", http=to("young.com"))
    assert targets(config(edge).exact["a.com"]) == ["outbound|80||old.com", "outbound|80||young.com"]


def test_a_catch_all_route_goes_behind_the_others(edge, server, config):
    edge.gateway("gw", server())
    edge.virtual_service("old", "a.com", http=to("old.com"))
    edge.virtual_service("young", "a.com", http=to("young.com", match=[{"uri": {"prefix": "/x"}}]))
    assert targets(config(edge).exact["a.com"]) == ["outbound|80||young.com", "outbound|80||old.com"]


def test_hosts_with_the_same_routes_share_a_virtual_host_named_by_the_most_specific(edge, server, hosts):
    edge.gateway("gw", server()).virtual_service("vs", "*.a.com", "bb.com", "longer.com", http=to())
    assert hosts(edge) == {"longer.com:80": ("longer.com", "bb.com", "*.a.com")}


def test_hosts_are_lower_case(edge, server, hosts):
    assert hosts(edge.gateway("gw", server()).virtual_service("vs", "A.com", http=to())) == {"a.com:80": ("a.com",)}


def test_a_redirect_to_https_covers_all_hosts_of_its_server(edge, server, config):
    edge.gateway("gw", server(80, "HTTP", "a.com", "b.com", tls={"httpsRedirect": True}))
    edge.virtual_service("vs", "a.com", http=to())
    found = config(edge)
    assert {name: host.redirects_to_https for name, host in found.exact.items()} == {"a.com": True, "b.com": True}
    assert (len(found.exact["a.com"].routes), found.exact["b.com"].routes) == (1, ())


def test_https_servers_have_their_own_routes(edge, server, hosts):
    edge.gateway(
        "gw", server(443, "HTTPS", "a.com", tls=TLS, name="x"), server(443, "HTTPS", "b.com", tls=TLS, name="y")
    )
    edge.virtual_service("vs", "*", http=to())
    assert hosts(edge, "https.443.x.gw.edge") == {"a.com:443": ("a.com",)}
    assert hosts(edge, "https.443.y.gw.edge") == {"b.com:443": ("b.com",)}


def test_a_destination_without_a_port_takes_the_only_port_of_its_service(edge, server, config):
    edge.world.service("web", {"name": "http", "port": 9080, "protocol": "TCP"})
    edge.gateway("gw", server()).virtual_service("vs", "a.com", http=to())
    assert targets(config(edge).exact["a.com"]) == ["outbound|9080||web.shop.svc.cluster.local"]


def test_a_service_that_the_routes_namespace_sees_first_is_its_own(edge, server, config):
    for namespace, port in (("bank", 1), ("shop", 2)):
        entry = {"hosts": ["out.com"], "ports": [{"number": port, "name": "http", "protocol": "HTTP"}]}
        edge.world.add("ServiceEntry", "out", entry, namespace=namespace)
    edge.gateway("gw", server())
    edge.virtual_service("vs", "a.com", http=to("out.com"), namespace="shop", gateways=["edge/gw"])
    assert targets(config(edge).exact["a.com"]) == ["outbound|2||out.com"]


def test_a_route_for_one_of_two_ports_that_lead_to_the_same_is_asked_for_both(edge, server, hosts):
    """buildGatewayHTTPRouteConfig keeps what a server's port gave, and asks again where that was nothing."""
    rule = [{"match": [{"port": 8080}], **to()[0]}]
    edge.service((80, 8080)).gateway("gw", server(80), server(8080)).virtual_service("vs", "a.com", http=rule)
    assert hosts(edge, "http.8080") == {"a.com:8080": ("a.com",)}
