"""Values that an enumeration does not have."""

from __future__ import annotations

import pytest

from analyzer.verdict.lint.validation.choices import CHOICES, check_choices


@pytest.mark.parametrize(
    ("kind", "spec", "field"),
    [
        ("AuthorizationPolicy", {"action": "BLOCK"}, "spec.action"),
        ("PeerAuthentication", {"mtls": {"mode": "strict"}}, "spec.mtls.mode"),
        ("PeerAuthentication", {"portLevelMtls": {"80": {"mode": "ON"}}}, "spec.portLevelMtls.80.mode"),
        ("DestinationRule", {"trafficPolicy": {"tls": {"mode": "TLS"}}}, "spec.trafficPolicy.tls.mode"),
        (
            "DestinationRule",
            {"subsets": [{"trafficPolicy": {"loadBalancer": {"simple": "FIRST"}}}]},
            "spec.subsets[0].trafficPolicy.loadBalancer.simple",
        ),
        ("Gateway", {"servers": [{"tls": {"mode": "STRICT"}}]}, "spec.servers[0].tls.mode"),
        ("ServiceEntry", {"resolution": "STRICT_DNS"}, "spec.resolution"),
        ("Sidecar", {"egress": [{"captureMode": "ALL"}]}, "spec.egress[0].captureMode"),
    ],
)
def test_an_unknown_value_is_refused_where_it_stands(refusals, kind: str, spec, field: str):
    found = refusals(check_choices, kind, **spec)

    assert [each.partition(":")[0] for each in found] == [field]
    assert "is none of" in found[0]


@pytest.mark.parametrize("kind", [*CHOICES, "VirtualService"])
def test_absent_fields_are_fine(refusals, kind: str):
    assert refusals(check_choices, kind) == []


def test_known_values_are_fine(refusals):
    assert refusals(check_choices, "PeerAuthentication", mtls={"mode": "STRICT"}) == []
