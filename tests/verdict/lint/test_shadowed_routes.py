"""Rules that can never be reached are found, and those that can are left alone."""

from __future__ import annotations

import pytest

from analyzer.verdict.lint.shadowed_routes import find_shadowed_routes

PREFIX_A = {"uri": {"prefix": "/a"}}
EXACT_AB = {"uri": {"exact": "/ab"}}


def test_rules_behind_one_without_match_are_never_reached(make, lint):
    rules = [make.rule("cart", name="all"), make.rule("cart", PREFIX_A, name="late")]

    found = lint(find_shadowed_routes, make.virtual_service("shop/r", ["cart"], rules))

    assert [each.code.name for each in found] == ["shadowed-route"]
    assert found[0].sentence == (
        "VirtualService shop/r: http[1] (late) is never reached: "
        "http[0] (all) (no match) takes its requests (prefix /a) first"
    )
    assert [place.field for place in found[0].yaml] == ["spec.http[1]", "spec.http[0]"]


def test_a_rule_whose_every_match_is_taken_is_never_reached(make, codes):
    rules = [
        make.rule("cart", PREFIX_A),
        make.rule("cart", {"uri": {"exact": "/b"}}),
        make.rule("cart", EXACT_AB, {"uri": {"exact": "/b"}}),
    ]

    assert codes(find_shadowed_routes, make.virtual_service("shop/r", ["cart"], rules)) == ["shadowed-route"]


def test_a_rule_of_which_one_match_is_left_is_reached(make, lint):
    rules = [make.rule("cart", PREFIX_A), make.rule("cart", EXACT_AB, {"uri": {"exact": "/c"}})]

    found = lint(find_shadowed_routes, make.virtual_service("shop/r", ["cart"], rules))

    assert [each.code.name for each in found] == ["shadowed-match"]
    assert "a match of http[1] is never reached: http[0] (prefix /a) takes exact /ab" in found[0].sentence.replace(
        "its requests (exact /ab)", "exact /ab"
    )


@pytest.mark.parametrize(
    "rules",
    [
        [EXACT_AB, PREFIX_A],
        [{**PREFIX_A, "method": {"exact": "GET"}}, PREFIX_A],
        [{**PREFIX_A, "headers": {"x": {"exact": "1"}}}, EXACT_AB],
        [{**PREFIX_A, "port": 80}, {**PREFIX_A, "port": 81}],
        [{**PREFIX_A, "sourceLabels": {"app": "x"}}, PREFIX_A],
        [{"uri": {"regex": "/a.*"}}, PREFIX_A],
    ],
)
def test_rules_that_leave_something_shadow_nothing(make, codes, rules):
    made = [make.rule("cart", each) for each in rules] + [make.rule("cart")]

    assert codes(find_shadowed_routes, make.virtual_service("shop/r", ["cart"], made)) == []


def test_rules_of_delegates_count_where_they_are_merged(make, lint):
    root = make.virtual_service(
        "shop/root", ["cart"], [make.rule("cart", PREFIX_A), {"match": [EXACT_AB], "delegate": {"name": "leaf"}}]
    )
    leaf = make.istio("VirtualService", "shop/leaf", http=[make.rule("cart", name="inner")])

    found = lint(find_shadowed_routes, root, leaf)

    assert [(each.code.name, each.resource) for each in found] == [("shadowed-route", "VirtualService shop/root")]


def test_opaque_rules_behind_one_that_asks_for_nothing_are_never_reached(make, lint):
    route = [{"destination": {"host": "db"}}]
    vs = make.virtual_service(
        "shop/r", ["db"], tcp=[{"match": [{"port": 1}], "route": route}, {"route": route}, {"match": [{"port": 2}]}]
    )

    assert [each.yaml[0].field for each in lint(find_shadowed_routes, vs)] == ["spec.tcp[2]"]


def test_tls_rules_with_equal_names_shadow_each_other(make, lint):
    names = {"sniHosts": ["a.com"], "port": 443}
    vs = make.virtual_service(
        "shop/r", ["a.com", "b.com"], tls=[{"match": [names]}, {"match": [{"sniHosts": ["b.com"]}]}, {"match": [names]}]
    )

    assert [each.yaml[0].field for each in lint(find_shadowed_routes, vs)] == ["spec.tls[2]"]
