"""Endpoints and connections as nouns."""

from analyzer.flow.connection import Endpoint


def test_an_ipv4_endpoint_prints_as_address_and_port() -> None:
    assert str(Endpoint("10.0.0.1", 80)) == "10.0.0.1:80"


def test_an_ipv6_endpoint_prints_in_brackets() -> None:
    assert str(Endpoint("fd00::1", 80)) == "[fd00::1]:80"


def test_endpoints_order_by_address_then_port() -> None:
    assert sorted([Endpoint("b", 1), Endpoint("a", 2), Endpoint("a", 1)])[0] == Endpoint("a", 1)
