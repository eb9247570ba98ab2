"""Port names and appProtocols that are not read as they were meant."""

from __future__ import annotations

import pytest

from analyzer.verdict.lint.port_names import find_port_names


def service(make, **port):
    return make.service("shop/cart", [{"port": 80, **port}])


@pytest.mark.parametrize(
    "port",
    [
        {"name": "http"},
        {"name": "http-web"},
        {"name": "HTTP2-x"},
        {"name": "grpc-webfoo"},
        {"name": "web", "appProtocol": "http"},
        {"name": "web", "appProtocol": "kubernetes.io/ws"},
        {"name": "dns", "protocol": "UDP"},
        {"name": "mysql", "port": 3306},
        {"name": "status-port", "port": 15021},
    ],
)
def test_declared_protocols_are_fine(make, codes, port):
    assert codes(find_port_names, service(make, **port)) == []


@pytest.mark.parametrize("port", [{}, {"name": "web"}, {"name": "web", "appProtocol": "custom"}])
def test_undeclared_ports_are_sniffed(make, codes, port):
    assert codes(find_port_names, service(make, **port)) == ["undeclared-protocol"]


def test_the_undeclared_ports_of_a_service_are_one_finding(make, lint):
    found = lint(find_port_names, make.service("shop/cart", [{"port": 1}, {"name": "http", "port": 2}, {"port": 3}]))

    assert [each.sentence for each in found] == ["Service shop/cart: no protocol is declared for port 1 and 3"]


@pytest.mark.parametrize("name", ["httpapi", "http_api", "http3", "tcpdb", "api-http", "web-grpc", "mysqlish"])
def test_names_that_look_like_a_protocol_are_not_one(make, lint, name: str):
    found = lint(find_port_names, service(make, name=name))

    assert [each.code.name for each in found] == ["misread-port-name"]
    assert f"is named {name}, which is no protocol's name, so it is sniffed" in found[0].sentence


@pytest.mark.parametrize("app_protocol", ["", "custom", "http/1.1"])
def test_an_unknown_app_protocol_hides_the_name(make, codes, app_protocol: str):
    assert codes(find_port_names, service(make, name="http", appProtocol=app_protocol)) == ["app-protocol-unknown"]


def test_well_known_numbers_are_opaque(make, lint):
    found = lint(find_port_names, service(make, port=3306, name="main"), make.service("shop/b", [{"port": 25}]))

    assert [each.code.name for each in found] == ["protocol-by-number"] * 2
    assert ["named main" in each.sentence for each in found] == [True, False]


def test_a_name_can_make_a_port_udp(make, codes):
    assert codes(find_port_names, service(make, name="udp-x")) == ["port-taken-for-udp"]


def test_an_external_name_has_no_ports_to_declare(make, codes):
    alias = make.external_name("shop/a", "a.com")
    alias["spec"]["ports"] = [{"port": 80}]

    assert codes(find_port_names, alias) == []
