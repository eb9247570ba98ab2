"""Protocol selection by names and appProtocol."""

from __future__ import annotations

import pytest

from analyzer.mesh.port_protocol import AUTO, declared_protocol, kubernetes_protocol


@pytest.mark.parametrize(
    ("name", "protocol"),
    [
        ("http", "HTTP"), ("HTTP-web", "HTTP"), ("http2-x", "HTTP2"), ("grpc", "GRPC"), ("grpc-web-x", "GRPC-Web"),
        ("grpc-webfoo", "GRPC-Web"), ("tcp-db", "TCP"), ("tls", "TLS"), ("https-x", "HTTPS"), ("mongo", "Mongo"),
        ("redis", "Redis"), ("mysql", "MySQL"), ("udp-x", "UDP"), ("httpfoo", AUTO), ("web", AUTO), ("h2c", AUTO),
        ("http3", AUTO), ("", AUTO), ("http_proxy", "HTTP_PROXY"),
    ],
)  # fmt: skip
def test_the_name_of_a_port_says_its_protocol_by_what_stands_before_the_dash(name: str, protocol: str) -> None:
    assert kubernetes_protocol(8080, name, "TCP", None) == protocol


@pytest.mark.parametrize(
    ("app_protocol", "protocol"),
    [
        ("tcp", "TCP"), ("kubernetes.io/h2c", "HTTP2"), ("kubernetes.io/ws", "HTTP"), ("kubernetes.io/wss", "HTTPS"),
        ("mystery", AUTO), ("", AUTO),
    ],
)  # fmt: skip
def test_app_protocol_hides_the_name(app_protocol: str, protocol: str) -> None:
    assert kubernetes_protocol(8080, "http", "TCP", app_protocol) == protocol


@pytest.mark.parametrize("port", [25, 53, 3306, 27017])
def test_well_known_ports_of_servers_that_speak_first_are_tcp(port: int) -> None:
    assert kubernetes_protocol(port, "web", "TCP", None) == "TCP"
    assert kubernetes_protocol(port, "http", "TCP", None) == "HTTP"


def test_a_udp_port_is_udp_whatever_its_name() -> None:
    assert kubernetes_protocol(80, "http", "UDP", "http") == "UDP"


@pytest.mark.parametrize(("text", "protocol"), [("HTTP", "HTTP"), ("http-web", AUTO), ("", AUTO), ("TLS", "TLS")])
def test_declared_protocols_are_compared_whole(text: str, protocol: str) -> None:
    assert declared_protocol(text) == protocol
