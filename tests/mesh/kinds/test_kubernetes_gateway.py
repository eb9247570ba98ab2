"""Gateways of the Gateway API: listeners, who may attach, and validation of clients."""

from analyzer.mesh.kinds.kubernetes_gateway import FROM_SAME, KubernetesGateway

API = "gateway.networking.k8s.io/v1"


def gateway_of(world, spec):
    return world.add("Gateway", "edge", {"gatewayClassName": "istio", **spec}, api=API).mesh().of(KubernetesGateway)[0]


def test_a_listener_takes_routes_of_its_own_namespace_by_default(world):
    gateway = gateway_of(world, {"listeners": [{"name": "web", "port": 80, "protocol": "HTTP"}]})
    (listener,) = gateway.listeners
    assert (listener.namespaces_from, listener.namespace_selector, listener.kinds) == (FROM_SAME, None, ())
    assert listener.tls is None


def test_selectors_kinds_and_tls_are_read(world):
    allowed = {
        "namespaces": {"from": "Selector", "selector": {"matchLabels": {"team": "a"}}},
        "kinds": [{"kind": "HTTPRoute"}, {"group": "g", "kind": "K"}],
    }
    tls = {"certificateRefs": [{"name": "cert"}], "options": {"k": "v"}}
    listener = {"name": "s", "port": 443, "protocol": "HTTPS", "hostname": "a", "allowedRoutes": allowed, "tls": tls}
    (found,) = gateway_of(world, {"listeners": [listener]}).listeners
    assert found.namespace_selector is not None
    assert found.namespace_selector.matches({"team": "a"})
    assert found.kinds == (("gateway.networking.k8s.io", "HTTPRoute"), ("g", "K"))
    assert found.tls is not None
    assert (found.tls.mode, found.tls.options) == ("Terminate", {"k": "v"})
    assert [(each.kind, each.namespace, each.name) for each in found.tls.certificates] == [("Secret", "", "cert")]


def test_validation_of_clients_is_read_by_port(world):
    validation = {"validation": {"caCertificateRefs": [{"name": "ca"}]}}
    insecure = {"validation": {"caCertificateRefs": [{"name": "ca"}], "mode": "AllowInsecureFallback"}}
    frontend = {"default": validation, "perPort": [{"port": 8443, "tls": insecure}, {"port": 9443, "tls": {}}]}
    found = gateway_of(world, {"tls": {"frontend": frontend}}).client_validation
    assert found == {0: "AllowValidOnly", 8443: "AllowInsecureFallback", 9443: ""}


def test_addresses_are_read(world):
    found = gateway_of(world, {"addresses": [{"type": "Hostname", "value": "edge.shop"}, {"value": "192.0.2.1"}]})
    assert found.addresses == (("Hostname", "edge.shop"), ("", "192.0.2.1"))
    assert found.client_validation == {}
