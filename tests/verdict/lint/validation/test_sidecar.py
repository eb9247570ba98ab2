"""Sidecars that admission refuses."""

from __future__ import annotations

import pytest

from analyzer.verdict.lint.validation.sidecar import check_sidecar

ALL = {"hosts": ["*/*"]}
PORT = {"number": 80, "name": "http", "protocol": "HTTP"}


@pytest.mark.parametrize(
    "spec",
    [
        {"egress": [{"hosts": ["./*", "istio-system/a.com", "~/*", "~pay/*.com"]}]},
        {"egress": [{"port": PORT, **ALL}, ALL]},
        {"egress": [{"port": {"protocol": "HTTP"}, "bind": "unix:///a", **ALL}]},
        {"ingress": [{"port": PORT, "defaultEndpoint": "127.0.0.1:8080"}, {"port": {**PORT, "number": 81}}]},
        {"ingress": [{"port": PORT, "defaultEndpoint": "unix:///a"}]},
        {"ingress": [{"port": PORT, "defaultEndpoint": "[::1]:80"}]},
        {"outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"}},
    ],
)
def test_ordinary_ones_are_taken(refusals, spec):
    assert refusals(check_sidecar, "Sidecar", **spec) == []


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, "it configures nothing"),
        ({"egress": [ALL, {"port": PORT, **ALL}]}, "the egress listener without a port must be the last one"),
        ({"egress": [{"port": {"number": 0}, **ALL}]}, "port 0 is not in 1..65535"),
        ({"egress": [{"port": PORT, **ALL}, {"port": PORT, **ALL}]}, "two listeners have port 80"),
        ({"egress": [{}]}, "an egress listener has no hosts"),
        ({"egress": [{"hosts": ["a.com"]}]}, "egress host 'a.com' is not NAMESPACE/HOST"),
        ({"egress": [{"hosts": ["a_b/*"]}]}, "egress host 'a_b/*' names no namespace"),
        ({"egress": [{"hosts": ["./a b"]}]}, "egress host './a b' names no domain"),
        ({"ingress": [{}]}, "an ingress listener has no port"),
        ({"ingress": [{"port": PORT}, {"port": PORT}]}, "two listeners have port 80"),
        (
            {"ingress": [{"port": PORT, "defaultEndpoint": "10.0.0.1:80"}]},
            "defaultEndpoint '10.0.0.1:80' is not 127.0.0.1:PORT, 0.0.0.0:PORT or a unix socket",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(refusals, spec, expected: str):
    assert [each.partition(": ")[2] for each in refusals(check_sidecar, "Sidecar", **spec)] == [expected]
