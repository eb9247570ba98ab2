"""The filter chains of a port by protocol and mode: the matrix of Istio's TestInbound, and Envoy's choice."""

import pytest

from analyzer.mesh.inbound.chains import chains_for, inspects_http, inspects_tls, match_chain

MTLS_HTTP = ("istio-http/1.1", "istio", "http/1.1")
MTLS_TCP = ("istio-peer-exchange", "istio")


def taken(protocol, mode, transport, alpn=()):
    """What takes the connection: mutual TLS terminated or not, HTTP or TCP; None where nothing does."""
    chain = match_chain(chains_for(protocol, mode), transport, alpn)
    return (chain.terminates, "http" if chain.http else "tcp") if chain else None


@pytest.mark.parametrize(
    ("protocol", "mode", "transport", "alpn", "expected"),
    [
        ("TCP", "DISABLE", "raw_buffer", (), (False, "tcp")),
        ("TCP", "PERMISSIVE", "raw_buffer", (), (False, "tcp")),
        ("TCP", "PERMISSIVE", "tls", (), (False, "tcp")),
        ("TCP", "PERMISSIVE", "tls", MTLS_TCP, (True, "tcp")),
        ("TCP", "STRICT", "raw_buffer", (), None),
        ("TCP", "STRICT", "tls", (), (True, "tcp")),
        ("HTTP", "DISABLE", "raw_buffer", (), (False, "http")),
        ("HTTP", "PERMISSIVE", "raw_buffer", (), (False, "http")),
        ("HTTP", "PERMISSIVE", "tls", (), None),
        ("HTTP", "PERMISSIVE", "tls", MTLS_TCP, (True, "http")),
        ("HTTP", "STRICT", "raw_buffer", (), None),
        ("HTTP", "STRICT", "tls", (), (True, "http")),
        ("auto", "DISABLE", "raw_buffer", ("http/1.1",), (False, "http")),
        ("auto", "DISABLE", "raw_buffer", ("http/1.0",), (False, "tcp")),
        ("auto", "PERMISSIVE", "raw_buffer", ("h2c",), (False, "http")),
        ("auto", "PERMISSIVE", "raw_buffer", (), (False, "tcp")),
        ("auto", "PERMISSIVE", "tls", MTLS_HTTP, (True, "http")),
        ("auto", "PERMISSIVE", "tls", MTLS_TCP, (True, "tcp")),
        ("auto", "PERMISSIVE", "tls", ("h2", "http/1.1"), (False, "tcp")),
        ("auto", "STRICT", "tls", MTLS_HTTP, (True, "http")),
        ("auto", "STRICT", "tls", MTLS_TCP, (True, "tcp")),
        ("auto", "STRICT", "raw_buffer", ("http/1.1",), None),
    ],
)
def test_who_takes_what(protocol, mode, transport, alpn, expected):
    assert taken(protocol, mode, transport, alpn) == expected


def test_the_clients_order_of_alpn_decides():
    chains = chains_for("auto", "PERMISSIVE")
    first = match_chain(chains, "tls", ("istio", "istio-http/1.1"))
    assert first is not None
    assert not first.http


@pytest.mark.parametrize(
    ("mode", "tls", "http"), [("STRICT", True, False), ("PERMISSIVE", True, True), ("DISABLE", False, True)]
)
def test_inspectors_look_only_where_a_chain_asks(mode, tls, http):
    chains = chains_for("auto", mode)
    assert (inspects_tls(chains), inspects_http(chains)) == (tls, http)


def test_udp_ports_get_the_chains_of_tcp():
    assert chains_for("UDP", "STRICT") == chains_for("TCP", "STRICT")


def test_a_chain_says_what_it_takes():
    assert [str(chain) for chain in chains_for("TCP", "PERMISSIVE")] == [
        "mutual TLS with ALPN istio-peer-exchange, istio, istio-http/1.0, istio-http/1.1, istio-h2, TCP",
        "TLS left as it is, TCP",
        "plaintext, TCP",
    ]
