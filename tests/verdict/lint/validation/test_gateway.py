"""Gateways that admission refuses."""

from __future__ import annotations

import pytest

from analyzer.verdict.lint.validation.gateway import check_gateway

HTTP = {"number": 80, "name": "http", "protocol": "HTTP"}
HTTPS = {"number": 443, "name": "https", "protocol": "HTTPS"}


def server(port=HTTP, **fields):
    return {"port": port, "hosts": ["a.com"], **fields}


@pytest.mark.parametrize(
    "each",
    [
        server(),
        server(hosts=["*", "shop/*.com", "./a.com", "*/b.com"]),
        server(tls={"httpsRedirect": True}),
        server(HTTPS, tls={"mode": "SIMPLE", "credentialName": "x"}),
        server(HTTPS, tls={"mode": "SIMPLE", "serverCertificate": "a", "privateKey": "b"}),
        server(HTTPS, tls={"mode": "MUTUAL", "credentialNames": ["x"]}),
        server(HTTPS, tls={"mode": "SIMPLE", "tlsCertificates": [{"serverCertificate": "a", "privateKey": "b"}]}),
        server(HTTPS, tls={"mode": "ISTIO_MUTUAL"}),
        server(HTTPS, tls={}),
        server({**HTTP, "number": 0}, bind="unix:///a"),
    ],
)
def test_ordinary_servers_are_taken(refusals, each):
    assert refusals(check_gateway, "Gateway", servers=[each]) == []


@pytest.mark.parametrize(
    ("each", "expected"),
    [
        (server(hosts=[]), "a server has no hosts"),
        (server(hosts=["a b"]), "host 'a b' is no domain name"),
        (server(hosts=["shop/"]), "host 'shop/' is not NAMESPACE/HOST"),
        (server(hosts=["a_b/c.com"]), "host 'a_b/c.com' is not NAMESPACE/HOST"),
        ({"hosts": ["a.com"]}, "a server has no port"),
        (server({**HTTP, "number": 0}), "port 0 is not in 1..65535"),
        (server({**HTTP, "protocol": "FTP"}), "protocol 'FTP' is not known"),
        (server({"number": 80, "protocol": "HTTP"}), "a port has no name"),
        (server(HTTPS), "protocol HTTPS needs tls settings"),
        (server(tls={"mode": "SIMPLE", "credentialName": "x"}), "protocol HTTP takes no tls settings"),
        (server({**HTTP, "protocol": "TCP"}, tls={}), "protocol TCP takes no tls settings"),
        (
            server(HTTPS, tls={"mode": "ISTIO_MUTUAL", "credentialName": "x"}),
            "tls mode ISTIO_MUTUAL takes no credentialName",
        ),
        (
            server(HTTPS, tls={"mode": "SIMPLE"}),
            "tls mode SIMPLE needs credentialName, or serverCertificate and privateKey",
        ),
        (
            server(HTTPS, tls={"mode": "MUTUAL", "serverCertificate": "a", "privateKey": "b"}),
            "tls mode MUTUAL needs credentialName, or caCertificates",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(refusals, each, expected: str):
    found = refusals(check_gateway, "Gateway", servers=[each])

    assert [entry.partition(": ")[2] for entry in found] == [expected]


def test_port_names_are_unique_and_servers_required(refusals):
    assert refusals(check_gateway, "Gateway") == ["spec.servers: it has no servers"]
    assert refusals(check_gateway, "Gateway", servers=[server(), server()]) == [
        "spec.servers[1].port.name: port name http stands there twice"
    ]


def test_the_name_is_a_label(resource):
    assert [each.what for each in check_gateway(resource("Gateway", "a.b", servers=[server()]))] == [
        "name a.b is no DNS label"
    ]
