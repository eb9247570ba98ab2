"""Gateways without pods or ports, servers that lose, VirtualServices that do not reach their gateway."""

from __future__ import annotations

import pytest

from analyzer.verdict.lint.gateways import find_gateways

HTTP = {"number": 80, "name": "http", "protocol": "HTTP"}


def gateway(make, *hosts: str, port=HTTP, name: str = "edge/g", created: int = 1, **server):
    servers = [{"port": port, "hosts": list(hosts) or ["*"], **server}]
    return make.istio("Gateway", name, selector={"istio": "edge"}, servers=servers, created=created)


def edge(make):
    return [make.pod("edge/e", router=True, istio="edge"), make.service("edge/e", istio="edge")]


def vs(make, *hosts: str, bound: str = "edge/g"):
    return make.virtual_service("shop/r", list(hosts), [make.rule("cart")], gateways=[bound])


def test_a_gateway_that_works_says_nothing(make, codes):
    assert codes(find_gateways, *edge(make), gateway(make), vs(make, "shop.com")) == []


def test_a_selector_that_fits_no_pod_serves_nobody(make, lint):
    found = lint(find_gateways, gateway(make), make.pod("other/p", router=True, istio="x"))

    assert [each.code.name for each in found] == ["gateway-without-pods"]
    assert "no pod has the labels istio=edge" in found[0].sentence


def test_gateway_pods_that_the_input_does_not_show_are_not_missed(make, codes):
    assert codes(find_gateways, gateway(make), make.pod("shop/p")) == []
    assert codes(find_gateways, gateway(make), make.pod("edge/e", sidecar=False, istio="edge")) == []


def test_a_port_that_no_service_offers_cannot_be_reached(make, codes):
    assert codes(find_gateways, *edge(make), gateway(make, port={**HTTP, "number": 81})) == ["gateway-port-unreachable"]


def test_a_server_that_loses_its_port_is_rejected(make, lint):
    tcp = gateway(make, port={"number": 80, "name": "tcp", "protocol": "TCP"}, name="edge/late", created=2)

    found = lint(find_gateways, *edge(make), gateway(make), tcp)

    assert [(each.code.name, each.resource) for each in found] == [("gateway-server-rejected", "Gateway edge/late")]
    assert "is left out: port 80 already speaks HTTP" in found[0].sentence


def test_a_gateway_that_is_not_there_binds_nothing(make, codes):
    assert codes(find_gateways, *edge(make), gateway(make), vs(make, "a.com", bound="g")) == ["unknown-gateway"]
    assert codes(find_gateways, vs(make, "a.com", bound="elsewhere/g")) == []


def test_a_gateway_of_the_gateway_api_counts(make, codes):
    api = make.resource("gateway.networking.k8s.io/v1", "Gateway", "edge/g", {"gatewayClassName": "istio"})

    assert codes(find_gateways, api, vs(make, "a.com")) == []


@pytest.mark.parametrize("offered", ["b.com", "*.a.com", "pay/a.com", "./a.com"])
def test_a_host_that_no_server_takes_is_not_served(make, codes, offered: str):
    assert codes(find_gateways, *edge(make), gateway(make, offered), vs(make, "a.com")) == ["host-not-in-gateway"]


@pytest.mark.parametrize("offered", ["a.com", "*.com", "shop/a.com", "*/a.com", "*"])
def test_hosts_that_meet_are_served(make, codes, offered: str):
    assert codes(find_gateways, *edge(make), gateway(make, offered), vs(make, "a.com")) == []


def test_the_namespace_is_named_where_only_that_differs(make, lint):
    found = lint(find_gateways, *edge(make), gateway(make, "pay/a.com"), vs(make, "a.com"))

    assert found[0].sentence.endswith("serves pay/a.com, but not a.com of namespace shop")
