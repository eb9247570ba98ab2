"""Sources that nobody has, and denials that plaintext walks around."""

from __future__ import annotations

import pytest

from analyzer.verdict.lint.policy_sources import find_policy_sources


def policy(make, source, *, action: str = "ALLOW", **spec):
    rules = [{"from": [{"source": source}]}]
    return make.policy("AuthorizationPolicy", "shop/x", action=action, rules=rules, **spec)


def test_a_principal_goes_without_its_scheme(make, lint):
    found = lint(find_policy_sources, policy(make, {"principals": ["spiffe://cluster.local/ns/a/sa/b"]}))

    assert [each.code.name for each in found] == ["principal-never-matches"]
    assert lint(find_policy_sources, policy(make, {"principals": ["cluster.local/ns/a/sa/b"]})) == []


@pytest.mark.parametrize("namespace", ["shop", "sh*", "*"])
def test_namespaces_that_exist_are_fine(make, codes, namespace: str):
    assert codes(find_policy_sources, make.namespace("shop"), policy(make, {"namespaces": [namespace]})) == []


def test_a_namespace_that_does_not_exist_matches_nobody(make, codes):
    missing = policy(make, {"notNamespaces": ["shopp"]})

    assert codes(find_policy_sources, make.namespace("shop"), missing) == ["unknown-source-namespace"]
    assert codes(find_policy_sources, missing) == []


def test_plaintext_is_not_denied_by_identity(make, lint):
    denial = policy(make, {"namespaces": ["web"]}, action="DENY")

    found = lint(find_policy_sources, make.pod("shop/p"), denial)

    assert [each.code.name for each in found] == ["denial-by-identity"]
    assert "shop/p is PERMISSIVE: plaintext is not denied" in found[0].sentence


def test_where_mutual_tls_is_required_identities_are_certain(make, codes):
    denial = policy(make, {"namespaces": ["web"]}, action="DENY")
    strict = make.policy("PeerAuthentication", "shop/s", mtls={"mode": "STRICT"})

    assert codes(find_policy_sources, make.pod("shop/p"), denial, strict) == []


@pytest.mark.parametrize("source", [{"notNamespaces": ["web"]}, {"ipBlocks": ["10.0.0.0/8"]}])
def test_denials_that_hold_for_plaintext_too_are_fine(make, codes, source):
    assert codes(find_policy_sources, make.pod("shop/p"), policy(make, source, action="DENY")) == []
