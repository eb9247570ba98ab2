"""Servers of many Gateways on one pod: who shares a port, who loses it, and how routes are named."""

import pytest

from analyzer.mesh.gateway.merge import merged_servers

TLS = {"mode": "SIMPLE", "credentialName": "cert"}


@pytest.fixture
def merged(gateway_pod):
    def merge(edge):
        mesh = edge.mesh()
        return merged_servers(mesh, gateway_pod(mesh))

    return merge


def gateways(servers):
    return [bound.gateway for bound in servers]


def test_plaintext_http_of_one_port_shares_one_route_configuration(edge, server, merged):
    found = merged(edge.gateway("a", server(80, "HTTP", "a.com")).gateway("b", server(80, "HTTP", "b.com")))
    assert list(found.by_route) == ["http.80"]
    assert gateways(found.by_route["http.80"]) == ["edge/a", "edge/b"]
    assert len(found.by_port) == 1


def test_http2_shares_a_port_with_http(edge, server, merged):
    found = merged(edge.gateway("a", server()).gateway("b", server(80, "HTTP2")))
    assert (gateways(found.by_route["http.80"]), found.rejected) == (["edge/a", "edge/b"], [])


def test_a_younger_opaque_server_loses_a_port_that_speaks_http(edge, server, merged):
    found = merged(edge.gateway("a", server()).gateway("b", server(80, "TCP")))
    (rejected,) = found.rejected
    assert (rejected.server.gateway, rejected.why) == ("edge/b", "port 80 already speaks HTTP")


def test_https_has_a_route_configuration_for_each_server(edge, server, merged):
    edge.gateway("a", server(443, "HTTPS", "a.com", tls=TLS, name="a")).gateway(
        "b", server(443, "HTTPS", "b.com", tls=TLS, name="b")
    )
    found = merged(edge)
    assert list(found.by_route) == ["https.443.a.a.edge", "https.443.b.b.edge"]
    ((port, servers),) = found.by_port.items()
    assert (port.number, gateways(servers)) == (443, ["edge/a", "edge/b"])


def test_two_https_servers_of_one_port_name_in_one_gateway_lose_the_second(edge, server, merged):
    edge.gateway(
        "a", server(443, "HTTPS", "a.com", tls=TLS, name="x"), server(443, "HTTPS", "b.com", tls=TLS, name="x")
    )
    (rejected,) = merged(edge).rejected
    assert rejected.why == "its port's name x is not unique in edge/a"


def test_the_second_server_with_tls_for_a_host_is_rejected(edge, server, merged):
    edge.gateway("a", server(443, "HTTPS", "a.com", tls=TLS, name="a")).gateway(
        "b", server(443, "HTTPS", "a.com", tls=TLS, name="b")
    )
    (rejected,) = merged(edge).rejected
    assert (rejected.server.gateway, rejected.why) == ("edge/b", "a.com has TLS on port 443 already")


def test_opaque_tls_has_no_route_configuration(edge, server, merged):
    found = merged(edge.gateway("a", server(443, "TLS", "a.com", tls={"mode": "PASSTHROUGH"})))
    assert found.by_route == {}
    assert found.route_names == {next(iter(found.by_port)): ""}


def test_https_and_tls_share_a_port_number_as_two_ports(edge, server, merged):
    edge.gateway("a", server(443, "HTTPS", "a.com", tls=TLS)).gateway(
        "b", server(443, "TLS", "b.com", tls={"mode": "PASSTHROUGH"})
    )
    assert [port.protocol for port in merged(edge).by_port] == ["HTTPS", "TLS"]


def test_plaintext_joins_a_port_whose_older_server_ends_tls(edge, server, merged):
    found = merged(edge.gateway("a", server(443, "HTTPS", "a.com", tls=TLS)).gateway("b", server(443, "HTTP")))
    assert [port.protocol for port in found.by_port] == ["HTTPS", "HTTP"]


def test_another_bind_is_another_listener_and_another_route_configuration(edge, server, merged):
    edge.gateway("a", server(80, "HTTP", bind="10.0.0.1"), server(80, "HTTP", bind="10.0.0.2"))
    edge.gateway("b", server(80, "HTTP", "b.com", bind="10.0.0.2"))
    found = merged(edge)
    assert [port.bind for port in found.by_port] == ["10.0.0.1", "10.0.0.2"]
    assert list(found.by_route) == ["http.80.10.0.0.1", "http.80.10.0.0.2"]
    assert gateways(found.by_route["http.80.10.0.0.2"]) == ["edge/a", "edge/b"]


def test_https_with_a_bind_names_it_in_its_route_configuration(edge, server, merged):
    found = merged(edge.gateway("a", server(443, "HTTPS", tls=TLS, name="x", bind="10.0.0.1")))
    assert list(found.by_route) == ["https.443.x.a.edge.10.0.0.1"]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (("a.com",), ("a.com",)),
        (("./a.com",), ("edge/a.com",)),
        (("*/a.com",), ("a.com",)),
        (("shop/a.com",), ("shop/a.com",)),
        (("shop/a.com", "*/*"), ("*",)),
    ],
)
def test_the_namespace_of_a_host_is_resolved(edge, server, merged, written, kept):
    ((bound,),) = merged(edge.gateway("a", server(80, "HTTP", *written))).by_port.values()
    assert bound.hosts == kept


def test_server_names_are_hosts_without_namespaces(edge, server, merged):
    ((bound,),) = merged(edge.gateway("a", server(80, "HTTP", "shop/b.com", "a.com", "./b.com"))).by_port.values()
    assert bound.plain_hosts == ("a.com", "b.com")


@pytest.mark.parametrize(
    ("protocol", "tls", "expected"),
    [
        ("HTTP", None, (False, False, False, True)),
        ("HTTP", {"httpsRedirect": True}, (True, False, False, True)),
        ("HTTPS", TLS, (False, True, True, True)),
        ("HTTPS", {"mode": "PASSTHROUGH"}, (True, True, False, False)),
        ("TLS", TLS, (False, True, False, False)),
        ("TCP", None, (False, False, False, False)),
    ],
)
def test_what_a_server_does_with_tls(edge, server, merged, protocol, tls, expected):
    written = server(443, protocol, **({"tls": tls} if tls else {}))
    ((bound,),) = merged(edge.gateway("a", written)).by_port.values()
    assert (bound.is_passthrough, bound.is_tls, bound.ends_https, bound.is_http) == expected
