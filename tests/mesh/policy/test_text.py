"""The string matchers of policies."""

import pytest

from analyzer.mesh.policy.text import (
    namespace_matches,
    path_matches,
    service_account_matches,
    text_matches,
    trust_domain_matches,
)

WEB = "cluster.local/ns/shop/sa/web"


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("*", "a", True), ("*", "", False), ("a*", "ab", True), ("a*", "ba", False), ("*b", "ab", True),
        ("*b", "ba", False), ("ab", "ab", True), ("ab", "AB", False), ("", "", True), ("a*b", "a*b", True),
    ],
)  # fmt: skip
def test_a_star_at_an_end_stands_for_anything(pattern, text, expected):
    assert text_matches(pattern, text) == expected


def test_case_may_be_ignored():
    assert text_matches("WEB*", "web.shop", ignore_case=True)


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("/a*", "/ab/c", True), ("/a/{*}", "/a/b", True), ("/a/{*}", "/a/b/c", False), ("/a/{*}/d", "/a/b/d", True),
        ("/a/{**}", "/a/b/c", True), ("/{*}/x", "//x", False), ("/a.{*}", "/aXb", False), ("/{**}/x", "/a/b/x", True),
    ],
)  # fmt: skip
def test_templates_stand_for_segments(pattern, path, expected):
    assert path_matches(pattern, path) == expected


@pytest.mark.parametrize(
    ("pattern", "expected"), [("shop", True), ("sh*", True), ("*op", True), ("s*p", True), ("pay", False), ("*", True)]
)
def test_namespaces_have_wildcards_anywhere(pattern, expected):
    assert namespace_matches(pattern, WEB) == expected


@pytest.mark.parametrize(
    ("pattern", "namespace", "expected"),
    [("web", "shop", True), ("web", "pay", False), ("shop/web", "pay", True), ("shop/we", "pay", False)],
)
def test_a_service_account_is_of_the_policys_namespace_unless_it_says_another(pattern, namespace, expected):
    assert service_account_matches(pattern, namespace, WEB) == expected


@pytest.mark.parametrize(
    ("pattern", "expected"), [("cluster.local", True), ("*", True), ("cluster*", True), ("other", False)]
)
def test_trust_domains(pattern, expected):
    assert trust_domain_matches(pattern, WEB) == expected


def test_no_identity_is_of_no_trust_domain():
    assert not trust_domain_matches("*", "")
