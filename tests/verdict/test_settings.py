"""Settings beside the model make the verdict of the calls that meet them null, and of no others."""

from __future__ import annotations

import pytest

from analyzer.verdict.decide import decide
from analyzer.verdict.question import Question

GATEWAY = {
    "selector": {"app": "gateway-0"},
    "servers": [{"port": {"number": 80, "protocol": "HTTP", "name": "http"}, "hosts": ["*"]}],
}
TO_REVIEWS = {"destination": {"host": "reviews.shop.svc.cluster.local", "port": {"number": 9080}}}


@pytest.fixture
def edge(shop, resource):
    """What the mesh's gateway does with a request, where the mesh's proxies have these settings."""
    istio = "networking.istio.io/v1"
    gateway = resource(istio, "Gateway", "edge/gw", GATEWAY)
    spec = {"hosts": ["*"], "gateways": ["gw"], "http": [{"route": [TO_REVIEWS]}]}
    told = (gateway, resource(istio, "VirtualService", "edge/vs", spec))

    def ask(settings, port=80, **fields):
        values = {"address": "10.244.3.5", "host": "a.com", "peer": "shop/sleep-0", **fields}
        mesh = shop(*told, f"\nrootNamespace: istio-system\ndefaultConfig: {settings}\n")
        return decide(mesh, Question("edge", "gateway-0", direction="gateway", port=port, **values))

    return ask


def test_whether_a_connection_begins_with_a_proxy_header_is_not_known(edge):
    found = edge({"gatewayTopology": {"proxyProtocol": {}}})
    assert (found.verdict, found.undetermined) == (None, ("setting",))
    assert found.gateway.cluster == "outbound|9080||reviews.shop.svc.cluster.local"
    assert found.steps[-1].yaml[0].field.endswith("gatewayTopology.proxyProtocol")


def test_a_gateway_that_wants_no_proxy_header_is_judged_as_ever(edge):
    assert edge({"gatewayTopology": {"numTrustedProxies": 1}}).verdict == "service-matched"


def test_a_port_without_a_listener_wants_no_proxy_header(edge):
    assert edge({"gatewayTopology": {"proxyProtocol": {}}}, 81).undetermined == ("no-listener",)


@pytest.mark.parametrize(("port", "missing"), [(8080, ("setting",)), (8081, ())])
def test_an_ingress_listener_with_a_socket_of_its_own_is_not_followed(market, port, missing):
    listener = {"port": {"number": port, "protocol": "HTTP"}, "captureMode": "NONE", "defaultEndpoint": "127.0.0.1:1"}
    market.rule("Sidecar", "shop/in", workloadSelector={"labels": {"app": "web"}}, ingress=[listener])
    found = market.ask("shop/sleep-0", "10.9.0.1:80", "web")
    assert found.undetermined == missing
    assert found.outbound.cluster == "outbound|80||web.shop.svc.cluster.local"


@pytest.mark.parametrize(
    ("name", "request_of"),
    [
        ("httpMergeSlashes", {"path": "/a//b"}),
        ("httpPathWithEscapedSlashesAction", {"path": "/a%2Fb"}),
        ("httpHeadersWithUnderscoresAction", {"headers": (("x_a", "1"),)}),
    ],
)
@pytest.mark.parametrize("where", ["sidecar", "gateway"])
def test_requests_that_connection_settings_touch_are_not_decided(market, edge, name, request_of, where):
    def verdict(name, **asked):
        settings = {"connectionSettings": {name: "X"}}
        if where == "gateway":
            return edge(settings, **asked).undetermined
        return market.settings(defaultConfig=settings).ask("shop/sleep-0", "10.9.0.1:80", "web", **asked).undetermined

    assert verdict(name) == ()
    assert verdict("httpIdleTimeout", **request_of) == ()
    assert verdict(name, **request_of) == ("setting",)


def test_the_edge_profile_is_for_gateways(market, edge):
    settings = {"connectionSettings": {"profile": "EDGE"}}
    assert edge(settings, path="/a//b").undetermined == ("setting",)
    found = market.settings(defaultConfig=settings).ask("shop/sleep-0", "10.9.0.1:80", "web", path="/a//b")
    assert found.undetermined == ()


def test_an_arrival_that_connection_settings_touch_is_not_decided(market):
    market.settings(defaultConfig={"connectionSettings": {"httpMergeSlashes": True}})
    found = market.ask("shop/web-0", "10.1.0.2:8080", "web", path="/a//b", direction="inbound")
    assert found.undetermined == ("setting",)


@pytest.mark.parametrize(("ips", "missing"), [(("10.1.0.1", "fd00::1"), ("setting",)), (("fd00::1",), ())])
def test_ipv6_of_a_pod_with_both_families_is_not_decided(market, ips, missing):
    market.service("shop/six", "fd00::9", ("tcp:99:99",), selector={"app": "none"})
    status = next(each for each in market.documents if each["metadata"]["name"] == "sleep-0")["status"]
    status |= {"podIP": ips[0], "podIPs": [{"ip": ip} for ip in ips]}
    found = market.ask("shop/sleep-0", "fd00::7:99", protocol="tcp")
    assert found.undetermined == missing
    assert market.ask("shop/sleep-0", "10.9.0.2:6379", protocol="tcp").undetermined == ()


def test_ipv6_that_reaches_a_pod_with_both_families_is_not_decided(market):
    pod = next(each for each in market.documents if each["metadata"]["name"] == "web-0")
    pod["status"]["podIPs"] = [{"ip": "10.1.0.2"}, {"ip": "fd00::2"}]
    assert market.ask("shop/web-0", "fd00::2:8080", "web", direction="inbound").undetermined == ("setting",)
    assert market.ask("shop/web-0", "10.1.0.2:8080", "web", direction="inbound").undetermined == ()


@pytest.mark.parametrize(("host", "missing"), [("web", ("setting",)), ("web.shop:8080", ("setting",)), ("one", ())])
def test_which_port_a_rule_holds_for_through_an_http_proxy_is_chance(market, host, missing):
    market.settings(proxyHttpPort=3128).service("shop/web", "10.9.0.1", ports=("http:80:8080", "http-b:8080:8080"))
    market.service("shop/one", "10.9.0.8", selector={"app": "web"})
    for name in ("web", "one"):
        market.rule(
            "VirtualService", f"shop/{name}", hosts=[name], http=[{"route": [{"destination": {"host": "one"}}]}]
        )
    asked = market.ask("shop/sleep-0", "127.0.0.1:3128", host, path=f"http://{host}/")
    assert asked.undetermined == missing
    assert market.ask("shop/sleep-0", "10.9.0.1:80", "web").undetermined == ()
