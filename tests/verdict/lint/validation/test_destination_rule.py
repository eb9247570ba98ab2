"""DestinationRules that admission refuses."""

from __future__ import annotations

import pytest

from analyzer.verdict.lint.validation.destination_rule import check_destination_rule

KIND = "DestinationRule"
FILES = {"clientCertificate": "a", "privateKey": "b", "caCertificates": "c"}


def policy(**tls):
    return {"trafficPolicy": {"tls": tls}}


@pytest.mark.parametrize(
    "spec",
    [
        {},
        policy(mode="ISTIO_MUTUAL"),
        policy(mode="MUTUAL", **FILES),
        policy(mode="MUTUAL", credentialName="x"),
        policy(mode="SIMPLE", insecureSkipVerify=True),
        {"subsets": [{"name": "v1", **policy(mode="SIMPLE")}, {"name": "v2", "labels": {}}]},
        {"trafficPolicy": {"portLevelSettings": [{"port": {"number": 80}, "tls": {"mode": "SIMPLE"}}]}},
        {"workloadSelector": {"matchLabels": {"a": "b"}}, "exportTo": ["."]},
    ],
)
def test_ordinary_ones_are_taken(refusals, spec):
    assert refusals(check_destination_rule, KIND, host="cart", **spec) == []


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"host": ""}, "host '' is no domain name"),
        ({"trafficPolicy": {}}, "a trafficPolicy is empty"),
        ({"subsets": [{"name": "a_b"}]}, "subset 'a_b' is no valid name"),
        ({"subsets": [{"name": "v1"}, {"name": "v1"}]}, "subset v1 is defined twice"),
        ({"subsets": [{"name": "v1", "trafficPolicy": {}}]}, "a trafficPolicy is empty"),
        ({"trafficPolicy": {"portLevelSettings": [{"tls": {}}]}}, "a port's policy names no port"),
        ({"trafficPolicy": {"portLevelSettings": [{"port": {"number": 1}}]}}, "a port's policy is empty"),
        (
            policy(mode="SIMPLE", credentialName="x", caCertificates="c"),
            "credentialName and caCertificates exclude each other",
        ),
        (policy(mode="MUTUAL", clientCertificate="a"), "tls mode MUTUAL needs privateKey, or credentialName"),
        (
            policy(mode="SIMPLE", insecureSkipVerify=True, subjectAltNames=["a"]),
            "insecureSkipVerify and subjectAltNames exclude each other",
        ),
        ({"workloadSelector": {}, "exportTo": ["*"]}, "with a workloadSelector it cannot be exported"),
    ],
)
def test_what_makes_no_sense_is_refused(refusals, spec, expected: str):
    found = refusals(check_destination_rule, KIND, **{"host": "cart", **spec})

    assert [each.partition(": ")[2] for each in found] == [expected]
