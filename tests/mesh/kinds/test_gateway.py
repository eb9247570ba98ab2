"""Gateway: servers with their ports, hosts and TLS."""

from analyzer.mesh.kinds.gateway import PASSTHROUGH, Gateway


def gateway_of(world, *servers):
    return world.add("Gateway", "edge", {"selector": {"istio": "edge"}, "servers": list(servers)}).mesh().of(Gateway)[0]


def test_a_server_is_read_with_its_port_and_hosts(world):
    gateway = gateway_of(world, {"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["./a", "b"]})
    (server,) = gateway.servers
    assert gateway.full_name == "shop/edge"
    assert gateway.selector == {"istio": "edge"}
    assert (server.port, server.port_name, server.protocol, server.hosts) == (80, "http", "HTTP", ("./a", "b"))
    assert server.tls is None


def test_tls_without_a_mode_is_passthrough(world):
    (server,) = gateway_of(world, {"port": {"number": 443}, "tls": {}}).servers
    assert server.tls is not None
    assert server.tls.mode == PASSTHROUGH


def test_credentials_are_read_one_or_several(world):
    tls = {"mode": "SIMPLE", "credentialName": "a", "credentialNames": ["b"], "httpsRedirect": True}
    (server,) = gateway_of(world, {"port": {"number": 443}, "tls": tls}).servers
    assert server.tls is not None
    assert server.tls.credential_names == ("a", "b")
    assert server.tls.https_redirect
