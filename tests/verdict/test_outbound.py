"""The sieve of a sidecar's way out."""

from __future__ import annotations

import pytest

from analyzer.verdict.outbound import decide_outbound, first_bytes
from analyzer.verdict.question import Question

SUFFIX = ".svc.cluster.local"


def decided(town, address="10.9.0.1", port=80, **question):
    mesh, proxy = town.proxy("shop/sleep-0")
    return decide_outbound(mesh, proxy, Question("shop", "sleep-0", address=address, port=port, **question))


def test_http_goes_to_the_chain_for_http(market) -> None:
    found = decided(market, host="web")
    assert (found.outbound.listener, found.outbound.filter_chain) == ("0.0.0.0_80", None)
    assert found.outbound.route_config == "80"


def test_other_bytes_go_to_the_default_chain(market) -> None:
    found = decided(market, protocol="tcp")
    assert (found.outbound.filter_chain, found.outbound.cluster) == ("PassthroughFilterChain", "PassthroughCluster")


def test_tcp_goes_to_the_services_chain(market) -> None:
    found = decided(market, "10.9.0.2", 6379, protocol="tcp")
    assert (found.outbound.listener, found.outbound.cluster) == ("10.9.0.2_6379", f"outbound|6379||cache.shop{SUFFIX}")


def test_every_step_says_what_it_stands_on(market) -> None:
    sidecar = decided(market.rule("Sidecar", "shop/sc", egress=[{"hosts": ["*/*"]}]), host="web")
    scope, listener, chain, host, route, cluster = sidecar.steps
    assert "Sidecar shop/sc" in scope.sentence
    assert scope.yaml[0].file_line == "town.yaml:19"
    assert "listener 0.0.0.0_80" in listener.sentence
    assert "http goes to the HTTP filter chain of" in chain.sentence
    assert f"virtual host web.shop{SUFFIX}:80" in host.sentence
    assert "route default" in route.sentence
    assert "2 healthy endpoints of 2, mtls" in cluster.sentence
    assert cluster.yaml[0].line == 9


def test_a_step_names_who_lost(town) -> None:
    town.pod("shop/sleep-0").entry("shop/a", ["a.com"], ["t:5432:TCP"]).entry("shop/b", ["b.com"], ["t:5432:TCP"])
    town.service("shop/x", "10.9.0.9", ports=("http:5432:1",))
    step = decided(town, "192.0.2.1", 5432, protocol="tcp").steps[2]
    assert "(the default)" in step.sentence
    assert {each.name: each.why for each in step.lost} == {
        "b.com": "an older service has the same match",
        f"x.shop{SUFFIX}": "takes plaintext HTTP only",
    }


def test_tls_is_told_apart_where_a_chain_asks_for_names(town) -> None:
    town.pod("shop/sleep-0").entry("shop/a", ["a.com"], ["t:443:TLS"], resolution="DNS")
    found = decided(town, "192.0.2.1", 443, protocol="http", tls="tls", sni="a.com")
    assert "TLS for a.com" in found.steps[2].sentence
    other = decided(town, "192.0.2.1", 443, protocol="http", tls="tls", sni="b.com")
    assert other.outbound.cluster == "PassthroughCluster"
    assert other.steps[2].lost[0].why == "does not match address or server name"


def test_an_inspector_waits_for_a_client_that_waits_for_the_server(market) -> None:
    found = decided(market, protocol="tcp", server_first=True)
    assert (found.verdict, found.undetermined) == (None, ("protocol-detection",))


def test_without_an_inspector_nobody_waits(market) -> None:
    assert decided(market, "10.9.0.2", 6379, protocol="tcp", server_first=True).verdict == "service-matched"


def test_with_a_timeout_silence_is_other_bytes(market) -> None:
    market.settings(protocolDetectionTimeout="0.3s")
    assert decided(market, protocol="tcp", client_silent=True).outbound.cluster == "PassthroughCluster"


def test_weights_of_tcp_give_alternatives(market) -> None:
    route = [{"destination": {"host": "cache"}, "weight": 50}, {"destination": {"host": "gone"}, "weight": 50}]
    market.rule("VirtualService", "shop/vs", hosts=["cache"], tcp=[{"route": route}])
    found = decided(market, "10.9.0.2", 6379, protocol="tcp")
    assert (found.undetermined, len(found.alternatives)) == (("weighted",), 2)


def test_first_bytes_are_what_inspectors_can_see() -> None:
    assert first_bytes(Question("a", protocol="http2")).http == "h2c"
    assert first_bytes(Question("a", protocol="tcp")).http == ""
    assert first_bytes(Question("a", inspected="tcp")).http == ""
    assert first_bytes(Question("a", protocol="tcp", inspected="http/1.0")).http == "http/1.0"
    hello = first_bytes(Question("a", tls="tls", sni="x", alpn=("h2",)))
    assert (hello.tls, hello.sni, hello.alpn, hello.http) == (True, "x", ("h2",), "")


@pytest.mark.parametrize(
    ("ports", "address", "undetermined"),
    [
        (("tcp:9000:9000",), "10.9.0.7", ("service-address-unknown",)),
        (("own:9000:9000",), "10.9.0.7", ("service-address-unknown",)),
        (("http:9000:9000",), "10.9.0.7", ()),  # HTTP has a listener for all addresses
        (("tcp:9001:9001",), "10.9.0.7", ()),
        (("tcp:9000:9000",), "10.1.0.77", ()),  # a pod's
        (("tcp:9000:9000",), "10.9.0.8", ()),  # another Service's
        (("tcp:9000:9000",), "10.7.0.1", ()),  # an endpoint's
    ],
)
def test_a_call_may_be_to_a_service_whose_address_the_input_does_not_show(town, ports, address, undetermined) -> None:
    town.pod("shop/sleep-0").pod("shop/other-0", "10.1.0.77").service("shop/web", ports=ports)
    town.service("shop/known", "10.9.0.8").entry(
        "shop/e", ["a.com"], ["t:1:TCP"], resolution="STATIC", endpoints=[{"address": "10.7.0.1"}]
    )
    found = decided(town, address, 9000, protocol="tcp")

    assert found.undetermined == undetermined
    assert (found.verdict is None) == bool(undetermined)


def test_a_service_that_the_client_is_not_told_of_is_not_meant(town) -> None:
    town.pod("shop/sleep-0").service("pay/web", ports=("tcp:9000:9000",))
    town.rule("Sidecar", "shop/sc", egress=[{"hosts": ["./*"]}])
    assert decided(town, "10.9.0.7", 9000, protocol="tcp").verdict == "passthrough"


def test_a_listener_that_envoy_refuses_decides_nothing(town) -> None:
    town.pod("shop/sleep-0").entry("shop/a", ["a.com"], ["t:443:TLS"], resolution="DNS")
    town.entry("shop/b", ["*-b.com"], ["t:443:TLS"], resolution="NONE")
    found = decided(town, "192.0.2.1", 443, protocol="tcp", tls="tls", sni="a.com")

    assert (found.verdict, found.undetermined) == (None, ("listener-refused",))
    assert "asks for a server name that Envoy does not know" in found.steps[-1].sentence
    assert found.steps[-1].yaml
