"""Suppressions hide what they name, and a mistyped one is refused."""

from __future__ import annotations

import pytest

from analyzer.base.errors import UsageError
from analyzer.base.oddity import Code, Family, Level
from analyzer.verdict.lint.finding import LintFinding
from analyzer.verdict.lint.suppression import parse_suppression, visible_findings

CODE = Code("shadowed-route", Family.FINDING, Level.WARNING, "a", "b")
CODES = ("shadowed-route", "shadowed-match")
FOUND = tuple(LintFinding(CODE, f"VirtualService {name}", name) for name in ("shop/cart", "shop/pay", "pay/cart"))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("shadowed-route=shop/cart", ["shop/pay", "pay/cart"]),
        ("shadowed-route=shop/*", ["pay/cart"]),
        ("shadowed-*=*/cart", ["shop/pay"]),
        ("*=*", []),
        ("shadowed-match=*", ["shop/cart", "shop/pay", "pay/cart"]),
        ("*=VirtualService pay/*", ["shop/cart", "shop/pay"]),
        ("*=Service pay/*", ["shop/cart", "shop/pay", "pay/cart"]),
    ],
)
def test_wildcards_hide_by_code_and_name(text: str, left: list[str]):
    kept = visible_findings(FOUND, [parse_suppression(text, CODES)])

    assert [each.full_name for each in kept] == left


@pytest.mark.parametrize("text", ["shadowed-route", "shadowed-route=", "shadow-route=*", "=shop/cart"])
def test_what_would_hide_nothing_is_refused(text: str):
    with pytest.raises(UsageError, match="--suppress"):
        parse_suppression(text, CODES)
