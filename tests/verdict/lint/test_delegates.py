"""Delegation that does not work, and delegates that nobody names."""

from __future__ import annotations

import pytest

from analyzer.verdict.lint.delegates import find_delegates


def root(make, **delegate):
    return make.virtual_service("shop/root", ["cart"], [{"name": "all", "delegate": {"name": "leaf", **delegate}}])


def leaf(make, **spec):
    return make.istio("VirtualService", "shop/leaf", **{"http": [make.rule("cart")], **spec})


def test_a_delegate_that_works_says_nothing(make, codes):
    assert codes(find_delegates, root(make), leaf(make)) == []
    assert codes(find_delegates, root(make, namespace="shop"), leaf(make)) == []


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"hosts": ["x"]}, "has hosts of its own"),
        ({"exportTo": ["pay"]}, "is not exported to namespace shop"),
        ({"http": []}, "has no http rules"),
    ],
)
def test_a_delegate_that_cannot_take_the_rule_drops_it(make, lint, spec, why: str):
    found = lint(find_delegates, root(make), leaf(make, **spec))

    assert [each.code.name for each in found] == ["missing-delegate"]
    assert f"http[0] (all) is dropped: its delegate shop/leaf {why}" in found[0].sentence


def test_a_delegate_that_is_not_there_drops_the_rule(make, codes):
    assert codes(find_delegates, root(make, namespace="pay"), leaf(make)) == ["missing-delegate", "unused-delegate"]


def test_a_delegate_of_nobody_does_nothing(make, lint):
    assert [(each.code.name, each.resource) for each in lint(find_delegates, leaf(make))] == [
        ("unused-delegate", "VirtualService shop/leaf")
    ]
