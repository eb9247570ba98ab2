"""Requests as routes see them."""

from __future__ import annotations

import pytest

from analyzer.mesh.outbound.request import HttpRequest, refused_upgrade, strip_port


@pytest.mark.parametrize(
    ("authority", "host"),
    [
        ("Web:80", "web"),
        ("web", "web"),
        ("[fd::1]:80", "[fd::1]"),
        ("[fd::1]", "[fd::1]"),
        ("web:", "web"),
        ("web:x", "web"),
        ("fd::1", "fd:"),
    ],
)
def test_the_port_is_stripped_and_case_is_folded(authority: str, host: str) -> None:
    assert HttpRequest(authority).host == host
    assert strip_port("A:b") == "A"


def test_path_and_query_are_told_apart() -> None:
    request = HttpRequest("web", "/a/b?c=d?e#f")
    assert (request.path_only, request.query) == ("/a/b", "c=d?e")


def test_values_of_a_header_are_joined() -> None:
    assert HttpRequest("web", headers=(("a", "1"), ("b", "2"), ("a", "3"))).header("a") == "1,3"
    assert HttpRequest("web").header("a") is None


@pytest.mark.parametrize(
    ("name", "value"),
    [(":method", "PUT"), (":authority", "Web:80"), ("host", "Web:80"), (":scheme", "http"), (":path", "/x?y")],
)
def test_pseudo_headers_are_headers(name: str, value: str) -> None:
    assert HttpRequest("Web:80", "/x?y", "PUT").header(name) == value


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({"connection": "Upgrade", "upgrade": "SPDY/3.1"}, "SPDY/3.1"),
        ({"connection": "keep-alive, upgrade", "upgrade": "tcp"}, "tcp"),
        ({"connection": "Upgrade", "upgrade": "WebSocket"}, ""),
        ({"connection": "Upgrade, HTTP2-Settings", "upgrade": "h2c"}, ""),
        ({"connection": "keep-alive", "upgrade": "tcp"}, ""),
        ({"connection": "upgrade"}, ""),
        ({}, ""),
    ],
)
def test_only_an_upgrade_to_a_websocket_is_allowed(headers, refused):
    assert refused_upgrade(headers.items()) == refused


def test_a_connect_has_no_path_unless_it_names_a_protocol():
    assert HttpRequest("a.example:443", method="CONNECT").connects
    assert not HttpRequest("a.example", method="CONNECT", headers=((":protocol", "websocket"),)).connects
