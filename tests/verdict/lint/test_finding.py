"""A finding sorts by weight and place, and lists names in a readable way."""

from __future__ import annotations

from analyzer.base.oddity import Code, Family, Level
from analyzer.base.place import YamlPlace
from analyzer.verdict.lint.finding import LintFinding, counted, listing, title


def finding(level: Level, line: int = 1, advice: str = "") -> LintFinding:
    code = Code(f"a-{level.value}", Family.FINDING, level, "a", "b", "the code's advice")
    return LintFinding(code, "Service shop/cart", "a sentence", (YamlPlace("a.yaml", line),), advice)


def test_the_worst_comes_first_then_the_place():
    found = [finding(Level.INFO, 1), finding(Level.ERROR, 9), finding(Level.WARNING, 1), finding(Level.ERROR, 2)]

    ordered = sorted(found, key=lambda each: each.sort_key)

    assert [(each.level.value, each.yaml[0].line) for each in ordered] == [
        ("error", 2),
        ("error", 9),
        ("warning", 1),
        ("info", 1),
    ]


def test_its_own_advice_comes_before_the_codes():
    assert finding(Level.INFO).what_to_do == "the code's advice"
    assert finding(Level.INFO, advice="do this").what_to_do == "do this"


def test_the_name_of_the_resource_goes_without_its_kind():
    assert finding(Level.INFO).full_name == "shop/cart"


def test_names_are_listed_in_words():
    assert listing([]) == ""
    assert listing(["a"]) == "a"
    assert listing(["a", "b", "a"]) == "a and b"
    assert listing(["a", "b", "c"]) == "a, b and c"
    assert listing(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"


def test_counts_agree_with_their_nouns():
    assert counted(1, "pod") == "1 pod"
    assert counted(2, "pod") == "2 pods"
    assert counted(2, "policy", "policies") == "2 policies"


def test_a_title_is_kind_and_name(make, mesh_of):
    mesh = mesh_of(make.namespace("shop"), make.service("shop/cart"))

    assert [title(resource) for resource in mesh.resources] == ["Namespace shop", "Service shop/cart"]
