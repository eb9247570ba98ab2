"""Markdown for a comment: nothing from the wire is markup, and it is never too large."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.place import YamlPlace
from analyzer.report.as_markdown import MAX_CHARACTERS, code, render_markdown, text
from analyzer.report.issue import MOVED_CALL, Issue, Issues, Passed


def page(*issues, passed=(), headline="2 move."):
    return b"".join(render_markdown(Issues("whatif", headline, tuple(issues), tuple(passed)))).decode()


def test_a_page_without_issues_is_its_headline_and_what_holds() -> None:
    found = page(passed=[Passed("s", "a_b")], headline="1 case holds.")

    assert found.startswith("### meshverdict whatif\n\n1 case holds.\n")
    assert "- a&#95;b\n" in found
    assert "|---|" not in found


def test_an_issue_is_a_row_with_its_lines() -> None:
    places = [YamlPlace("a.yaml", n) for n in range(1, 6)]

    found = page(Issue(MOVED_CALL, "a | b", ("a",), tuple(places), ("1", "2"), "look"))

    row = next(line for line in found.splitlines() if line.startswith("| 🔴"))
    assert "a &#124; b" in row
    assert "`a.yaml:1`<br>`a.yaml:2`<br>`a.yaml:3`<br>and 2 more | 2 |" in row
    assert "<details><summary>What this means</summary>" in found


def test_details_are_lines_of_a_cell() -> None:
    found = page(Issue(MOVED_CALL, "m", ("a",), calls=("4",), subject="a|b", details=(("before", "c|d"),)))

    assert "| **moved-call**<br>a&#124;b<br>before `c\\|d`<br>call 4 |" in found


@pytest.mark.parametrize(
    "wire",
    [
        "<script>",
        "[a](http://x)",
        "![a](x)",
        "@team",
        "#12",
        "**b**",
        "`c`",
        "a|b",
        "www.example.com",
        "https://x.y",
        ":tada:",
    ],
)
def test_what_came_from_the_wire_is_no_markup(wire) -> None:
    assert not re.search(r"[<>\[\]()@*`|]|(?<!&)#|www\.|://|:\w+:", text(wire))


def test_text_that_means_nothing_special_stays_readable() -> None:
    assert text("shop/sleep-0 → reviews, 27 of 171 calls.") == "shop/sleep-0 → reviews, 27 of 171 calls."


@pytest.mark.parametrize(
    ("wire", "shown"),
    [("a", "`a`"), ("a`b", "``a`b``"), ("`a", "`` `a ``"), ("a|b", "`a\\|b`"), ("a\nb", "`a\\x0ab`")],
)
def test_code_is_fenced_by_more_than_it_holds(wire, shown) -> None:
    assert code(wire) == shown


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=40))
def test_any_text_stays_in_its_cell(wire: str) -> None:
    rows = page(Issue(MOVED_CALL, wire, ("a",), (YamlPlace(wire, 1),))).splitlines()
    row = next(line for line in rows if line.startswith("| 🔴"))

    assert len(re.findall(r"(?<!\\)\|", row)) == 5


def test_a_page_is_never_too_large() -> None:
    many = [Issue(MOVED_CALL, "m" * 400, (str(n),)) for n in range(400)]
    passed = [Passed("s", "p" * 400) for _ in range(300)]

    found = page(*many, passed=passed)

    assert len(found) <= MAX_CHARACTERS
    assert "more issues, which would not fit here" in found
    assert "300 cases hold." in found
