"""A gateway's listeners and filter chains."""

import pytest

from analyzer.mesh.gateway.listeners import gateway_listener, gateway_listeners

TLS = {"mode": "SIMPLE", "credentialName": "cert"}
PASSTHROUGH = {"mode": "PASSTHROUGH"}
TO_WEB = [{"destination": {"host": "web.shop.svc.cluster.local"}}]


@pytest.fixture
def at_port(gateway_pod):
    """The listener at a port of the pod, or None."""

    def find(edge, port, address="10.0.9.9"):
        mesh = edge.mesh()
        return gateway_listener(mesh, gateway_pod(mesh), address, port)

    return find


@pytest.fixture
def shop(edge):
    """The edge with Service ``web`` of two ports behind it."""
    ports = [{"name": name, "port": port, "protocol": "TCP"} for name, port in (("http", 80), ("tcp", 90))]
    edge.world.service("web", *ports, {"name": "dns", "port": 53, "protocol": "UDP"}, ip="10.96.0.5")
    return edge


def tls_rule(*sni, **rest):
    return {"match": [{"port": 443, "sniHosts": list(sni), **rest}], "route": TO_WEB}


def clusters(listener):
    return [choice.cluster for chain in listener.chains for choice in chain.clusters]


def test_plaintext_http_has_one_chain_with_routes(edge, server, at_port):
    listener = at_port(edge.gateway("a", server(80)).gateway("b", server(80, "HTTP", "b.com")), 80)
    (chain,) = listener.chains
    assert (listener.name, chain.rds, chain.server_names, chain.terminates) == ("0.0.0.0_80", "http.80", (), False)
    assert chain.yaml == (chain.server.server.place,)
    assert not listener.tls_inspector


def test_a_port_without_a_server_has_no_listener(edge, server, at_port):
    assert at_port(edge.gateway("a", server(80)), 81) is None


def test_a_bind_listens_on_that_address_only(edge, server, at_port):
    edge.gateway("a", server(80, bind="10.0.9.9"))
    assert at_port(edge, 80).name == "10.0.9.9_80"
    assert at_port(edge, 80, "10.0.9.8") is None


def test_https_has_a_chain_for_each_server_by_name(edge, server, at_port):
    edge.gateway(
        "a", server(443, "HTTPS", "b.com", "./a.com", tls=TLS), server(443, "HTTPS", "c.com", tls=TLS, name="c")
    )
    listener = at_port(edge, 443)
    assert [chain.server_names for chain in listener.chains] == [("a.com", "b.com"), ("c.com",)]
    assert [chain.rds for chain in listener.chains] == ["https.443.https-443.a.edge", "https.443.c.a.edge"]
    assert all(chain.terminates and not chain.asks_certificate for chain in listener.chains)
    assert listener.tls_inspector


@pytest.mark.parametrize("mode", ["MUTUAL", "ISTIO_MUTUAL"])
def test_mutual_tls_asks_for_a_certificate(edge, server, at_port, mode):
    (chain,) = at_port(edge.gateway("a", server(443, "HTTPS", tls={**TLS, "mode": mode})), 443).chains
    assert chain.asks_certificate


def test_optional_mutual_tls_takes_clients_without_a_certificate(edge, server, at_port):
    (chain,) = at_port(edge.gateway("a", server(443, "HTTPS", tls={**TLS, "mode": "OPTIONAL_MUTUAL"})), 443).chains
    assert (chain.terminates, chain.asks_certificate) == (True, False)


def test_an_unprivileged_pod_does_not_listen_below_1024(world, server):
    env = [{"name": "ISTIO_META_UNPRIVILEGED_POD", "value": "true"}]
    world.pod("gw-0", namespace="edge", proxy=["proxy", "router"], labels={"istio": "gw"}, env=env)
    world.add("Gateway", "a", {"selector": {"istio": "gw"}, "servers": [server(80), server(1024)]}, namespace="edge")
    mesh = world.mesh()
    assert list(gateway_listeners(mesh, mesh.pod("edge", "gw-0"))) == [("0.0.0.0", 1024)]


def test_an_opaque_server_takes_the_first_tcp_route_of_its_port(shop, server, at_port):
    shop.gateway("gw", server(9000, "TCP")).virtual_service(
        "vs",
        "*",
        tcp=[
            {"match": [{"port": 1}], "route": [{"destination": {"host": "other"}}]},
            {"match": [{"port": 9000, "gateways": ["else"]}], "route": [{"destination": {"host": "other"}}]},
            {"match": [{"port": 9000, "gateways": ["edge/gw"]}], "route": TO_WEB},
            {"route": [{"destination": {"host": "other"}}]},
        ],
    )
    listener = at_port(shop, 9000)
    assert clusters(listener) == ["outbound|9000||web.shop.svc.cluster.local"]
    assert not listener.chains[0].terminates


def test_an_opaque_server_without_a_route_has_no_listener(shop, server, at_port):
    shop.gateway("gw", server(9000, "TCP")).virtual_service("vs", "*", tcp=[{"match": [{"port": 1}], "route": TO_WEB}])
    assert at_port(shop, 9000) is None


def test_a_route_with_a_port_leads_to_that_port(shop, server, at_port):
    route = [{"destination": {"host": "web.shop.svc.cluster.local", "port": {"number": 90}}}]
    shop.gateway("gw", server(9000, "TCP")).virtual_service("vs", "*", tcp=[{"route": route}])
    assert clusters(at_port(shop, 9000)) == ["outbound|90||web.shop.svc.cluster.local"]


def test_a_server_that_ends_tls_of_tcp_sends_by_tcp_routes(shop, server, at_port):
    shop.gateway("gw", server(443, "TLS", "a.com", tls=TLS)).virtual_service("vs", "a.com", tcp=[{"route": TO_WEB}])
    (chain,) = at_port(shop, 443).chains
    assert (chain.server_names, chain.terminates, chain.rds) == (("a.com",), True, None)


def test_routes_of_other_hosts_do_not_count(shop, server, at_port):
    shop.gateway("gw", server(443, "TLS", "a.com", tls=TLS)).virtual_service("vs", "b.com", tcp=[{"route": TO_WEB}])
    assert at_port(shop, 443) is None


def test_a_namespaced_host_takes_routes_of_that_namespace_only(shop, server, at_port):
    shop.gateway("gw", server(9000, "TCP", "shop/*"))
    shop.virtual_service("far", "*", tcp=[{"route": [{"destination": {"host": "other"}}]}], gateways=["edge/gw"])
    shop.virtual_service("near", "*", tcp=[{"route": TO_WEB}], gateways=["edge/gw"], namespace="shop")
    assert clusters(at_port(shop, 9000)) == ["outbound|9000||web.shop.svc.cluster.local"]


def test_passthrough_has_a_chain_for_each_match(shop, server, at_port):
    shop.gateway("gw", server(443, "TLS", "*.a.com", tls=PASSTHROUGH))
    shop.virtual_service("vs", "*.a.com", tls=[tls_rule("x.a.com"), tls_rule("y.a.com", port=444), tls_rule("z.a.com")])
    listener = at_port(shop, 443)
    assert [chain.server_names for chain in listener.chains] == [("x.a.com",), ("z.a.com",)]
    assert not any(chain.terminates for chain in listener.chains)
    assert listener.chains[0].owner == "edge/vs"


def test_passthrough_of_a_name_that_an_older_route_has_is_left_out(shop, server, at_port):
    shop.gateway("gw", server(443, "TLS", "*.a.com", tls=PASSTHROUGH))
    shop.virtual_service("old", "*.a.com", tls=[tls_rule("x.a.com")])
    shop.virtual_service("young", "*.a.com", tls=[tls_rule("y.a.com", "x.a.com"), tls_rule("y.a.com")])
    assert [chain.owner for chain in at_port(shop, 443).chains] == ["edge/old", "edge/young"]


def test_passthrough_without_a_destination_has_no_chain(shop, server, at_port):
    shop.gateway("gw", server(443, "TLS", tls=PASSTHROUGH))
    shop.virtual_service("vs", "a.com", tls=[{**tls_rule("a.com"), "route": []}])
    assert at_port(shop, 443) is None


def test_auto_passthrough_has_a_chain_for_each_cluster_named_as_the_server_name(shop, server, at_port):
    shop.gateway("gw", server(15443, "TLS", "*.svc.cluster.local", tls={"mode": "AUTO_PASSTHROUGH"}))
    rule = {"host": "web.shop.svc.cluster.local", "subsets": [{"name": "v1"}]}
    shop.world.add("DestinationRule", "web", rule)
    listener = at_port(shop, 15443)
    assert [chain.server_names for chain in listener.chains] == [
        ("outbound_.80_._.web.shop.svc.cluster.local",),
        ("outbound_.80_.v1_.web.shop.svc.cluster.local",),
        ("outbound_.90_._.web.shop.svc.cluster.local",),
        ("outbound_.90_.v1_.web.shop.svc.cluster.local",),
    ]
    assert clusters(listener)[1] == "outbound|80|v1|web.shop.svc.cluster.local"
    assert all(chain.sni_dnat and "istio" in chain.alpn for chain in listener.chains)


def test_auto_passthrough_leaves_out_services_that_no_host_covers(shop, server, at_port):
    shop.gateway("gw", server(15443, "TLS", "*.bank.svc.cluster.local", tls={"mode": "AUTO_PASSTHROUGH"}))
    assert at_port(shop, 15443) is None


def test_a_tls_route_on_a_listener_that_ends_tls_sends_what_is_inside(shop, listener, at_port):
    shop.service((443, 443), name="gw-istio")
    tls = {"mode": "Terminate", "certificateRefs": [{"name": "cert"}]}
    shop.api_gateway("gw", listener("tls", 443, "TLS", hostname="a.com", tls=tls))
    backend = {"name": "web", "namespace": "shop", "port": 90}
    grant = {
        "from": [{"group": "gateway.networking.k8s.io", "kind": "TLSRoute", "namespace": "edge"}],
        "to": [{"group": "", "kind": "Service"}],
    }
    shop.world.add("ReferenceGrant", "g", grant)
    shop.route("TLSRoute", "r", "gw", hostnames=["a.com"], rules=[{"backendRefs": [backend]}])
    found = at_port(shop, 443)
    assert (clusters(found), found.chains[0].terminates) == (["outbound|90||web.shop.svc.cluster.local"], True)
