"""Earlier matches are found by what they begin with, and rules have names that a reader finds again."""

from __future__ import annotations

import pytest

from analyzer.mesh.kinds.virtual_service import VirtualService
from analyzer.verdict.lint.match_index import MAX_COMPARED, MatchIndex, describe, matches_of, rule_name

EVERY = {
    "uri": {"prefix": "/a"}, "method": {"exact": "GET"}, "headers": {"x": {}}, "withoutHeaders": {"y": {}},
    "queryParams": {"q": {"exact": "1"}}, "port": 80, "sourceNamespace": "pay", "sourceLabels": {"app": "z"},
}  # fmt: skip


@pytest.fixture
def rules(make, mesh_of):
    """The rules of a VirtualService that routes to ``cart``, one for each list of matches."""

    def build(*matches):
        vs = make.virtual_service("shop/r", ["cart"], [make.rule("cart", *each, name="n") for each in matches])
        mesh = mesh_of(vs)
        return mesh, mesh.of(VirtualService)[0].http

    return build


def test_a_match_is_described_by_what_it_asks_for(rules):
    _, (rule,) = rules([EVERY])

    assert describe(rule.matches[0]) == (
        "prefix /a, method GET, header x, without header y, query q, port 80, from pay, from app=z"
    )
    assert describe(None) == "everything"


def test_a_rule_without_matches_is_one_match(rules):
    _, (rule,) = rules([])

    assert [str(each) for each in matches_of(rule, "http[0]")] == ["http[0] (no match)"]


def test_the_first_that_covers_is_found(rules):
    _, (rule,) = rules([{"uri": {"exact": "/a"}}, {"uri": {"prefix": "/a"}}, {"uri": {"regex": "/[ab]"}}])
    index = MatchIndex()
    for placed in matches_of(rule, "r"):
        index.add(placed)
    _, (asked,) = rules([{"uri": {"exact": "/abc"}}, {"uri": {"exact": "/b"}}, {"uri": {"exact": "/c"}}])

    found = [index.covering(match, ("mesh",)) for match in asked.matches]

    assert [str(each) if each else None for each in found] == ["r (prefix /a)", "r (regex /[ab])", None]
    assert index.covering(None, ("mesh",)) is None


def test_a_match_is_compared_with_so_many_others_only(rules):
    headers = [{"headers": {"x": {"exact": str(number)}}} for number in range(MAX_COMPARED)]
    _, (rule,) = rules([*headers, {"headers": {"y": {}}}])
    index = MatchIndex()
    for placed in matches_of(rule, "r"):
        index.add(placed)

    assert index.covering(rule.matches[0], ("mesh",)) is not None
    assert index.covering(rule.matches[-1], ("mesh",)) is None


def test_a_rule_is_called_by_its_place_name_and_delegate(make, mesh_of, rules):
    mesh, (rule,) = rules([])
    leaf = mesh_of(make.istio("VirtualService", "shop/leaf", http=[make.rule("cart")]))

    assert rule_name(mesh, rule) == "http[0] (n)"
    assert rule_name(leaf, leaf.of(VirtualService)[0].http[0]) == "http[0] of delegate shop/leaf"
