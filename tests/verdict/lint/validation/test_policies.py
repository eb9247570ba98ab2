"""Security policies that admission refuses."""

from __future__ import annotations

import pytest

from analyzer.verdict.lint.validation.policies import (
    check_authorization_policy,
    check_peer_authentication,
    check_request_authentication,
)

SELECTOR = {"selector": {"matchLabels": {"app": "x"}}}
GATEWAY = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "edge"}


def what(found: list[str]) -> list[str]:
    return [each.partition(": ")[2] for each in found]


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"rules": [{}]},
        {"action": "DENY", "rules": [{"from": [{"source": {"namespaces": ["a"]}}]}]},
        {"action": "CUSTOM", "provider": {"name": "x"}, "rules": [{}]},
        {"rules": [{"to": [{"operation": {"ports": ["80"], "methods": ["GET"]}}]}]},
        {"rules": [{"when": [{"key": "request.headers[x]", "values": ["1"]}]}]},
        {"rules": [{"when": [{"key": "source.ip", "notValues": ["10.0.0.0/8"]}]}]},
        {"targetRefs": [GATEWAY]},
        {"targetRef": {"kind": "Service", "name": "a"}},
        SELECTOR,
    ],
)
def test_ordinary_authorization_policies_are_taken(refusals, spec):
    assert refusals(check_authorization_policy, "AuthorizationPolicy", **spec) == []


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"action": "DENY"}, "action DENY without rules never does anything"),
        ({"action": "CUSTOM", "rules": [{}]}, "action CUSTOM needs provider.name"),
        ({"provider": {"name": "x"}}, "action ALLOW takes no provider"),
        ({"rules": [{"from": []}]}, "`from` is empty"),
        ({"rules": [{"from": [{"source": {}}]}]}, "`source` is empty"),
        ({"rules": [{"to": [{"operation": {}}]}]}, "`operation` is empty"),
        ({"rules": [{"from": [{"source": {"principals": [""]}}]}]}, "principals has an empty value"),
        ({"rules": [{"from": [{"source": {"ipBlocks": ["x"]}}]}]}, "ipBlocks: 'x' is no address or prefix"),
        ({"rules": [{"to": [{"operation": {"notPorts": ["0"]}}]}]}, "notPorts: '0' is no port"),
        (
            {"rules": [{"from": [{"source": {"serviceAccounts": ["a/b"], "namespaces": ["c"]}}]}]},
            "serviceAccounts excludes principals and namespaces",
        ),
        ({"rules": [{"when": [{"values": ["x"]}]}]}, "a condition has no key"),
        ({"rules": [{"when": [{"key": "request.color", "values": ["x"]}]}]}, "key request.color is not known"),
        ({"rules": [{"when": [{"key": "source.ip"}]}]}, "key source.ip has neither values nor notValues"),
        ({"rules": [{"when": [{"key": "source.ip", "values": ["x"]}]}]}, "source.ip: 'x' is no address or prefix"),
        ({"rules": [{"when": [{"key": "destination.port", "values": ["x"]}]}]}, "destination.port: 'x' is no port"),
        ({"selector": {"matchLabels": {"app": "x*"}}}, "a selector takes no wildcard (app: x*)"),
        ({**SELECTOR, "targetRefs": [GATEWAY]}, "selector and targetRefs exclude each other"),
        ({"targetRefs": [{**GATEWAY, "name": ""}]}, "a targetRef has no name"),
        ({"targetRefs": [{**GATEWAY, "namespace": "a"}]}, "a targetRef must be in the policy's own namespace"),
        ({"targetRefs": [{"kind": "Pod", "name": "a"}]}, "a targetRef cannot name a Pod of group ''"),
    ],
)
def test_authorization_policies_that_make_no_sense_are_refused(refusals, spec, expected: str):
    assert what(refusals(check_authorization_policy, "AuthorizationPolicy", **spec)) == [expected]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"mtls": {"mode": "STRICT"}}, []),
        ({**SELECTOR, "portLevelMtls": {"80": {"mode": "DISABLE"}}}, []),
        ({"portLevelMtls": {"80": {"mode": "DISABLE"}}}, ["portLevelMtls needs a selector"]),
        ({**SELECTOR, "portLevelMtls": {"http": {}}}, ["port http is not in 1..65535"]),
    ],
)
def test_ports_of_a_peer_authentication_need_a_workload(refusals, spec, expected: list[str]):
    assert what(refusals(check_peer_authentication, "PeerAuthentication", **spec)) == expected


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"issuer": "a", "jwksUri": "https://a/keys"}, []),
        ({}, ["a rule needs an issuer or a jwksUri"]),
        ({"jwksUri": "a/keys"}, ["jwksUri 'a/keys' is no HTTP address"]),
        ({"issuer": "a", "fromHeaders": [{"prefix": "x"}]}, ["a header for tokens has no name"]),
    ],
)
def test_token_rules_need_an_issuer(refusals, rule, expected: list[str]):
    assert what(refusals(check_request_authentication, "RequestAuthentication", jwtRules=[rule])) == expected
