"""Suites as YAML: what they may say, and where they are wrong."""

from __future__ import annotations

from datetime import date

import pytest

from analyzer.base.errors import UsageError
from analyzer.verdict.check.suite import Amount, Evidence, parse_suite

FULL = """
mesh_config: mesh.yaml
since: 1795224830.5
until: '2026-11-21T00:00:00Z'
where: namespace == "shop"
budgets: {dropped: 3, passthrough: 12.5%, disagreement: 0}
evidence: {calls: 7, determined: 95%}
expected: ends.yaml
expectations:
- where: host == "a"
- name: b
  where: host == "b"
  expect: verdict == "dropped"
  calls: {at_least: 2, at_most: 5}
- where: host == "c"
  calls: {at_most: 0}
accepted:
- {where: port == 1, owner: me, reason: because, until: 2026-12-31}
- {where: port == 2, owner: me, reason: because}
"""


def test_a_suite_says_all_that_it_may(suite) -> None:
    found = suite(FULL)

    assert (found.captures, found.mesh, found.mesh_config, found.expected) == (
        ("pods",),
        ("mesh",),
        "mesh.yaml",
        "ends.yaml",
    )
    assert (found.since, found.until) == (1_795_224_830_500_000_000, 1_795_219_200_000_000_000)
    assert found.where is not None
    assert found.where.text == 'namespace == "shop"'
    assert [(b.what, str(b.most), b.place.line) for b in found.budgets] == [
        ("dropped", "3", 8),
        ("passthrough", "12.5%", 8),
        ("disagreement", "0", 8),
    ]
    assert found.evidence == Evidence(7, 95.0)
    assert [(e.name, e.least, e.most, e.place.line) for e in found.expectations] == [
        ('host == "a"', 1, None, 12),
        ("b", 2, 5, 13),
        ('host == "c"', 0, 0, 17),
    ]
    assert [(a.owner, a.until) for a in found.accepted] == [("me", date(2026, 12, 31)), ("me", None)]


def test_captures_and_mesh_are_all_that_a_suite_needs(suite) -> None:
    found = suite()

    assert (found.budgets, found.expectations, found.accepted, found.where) == ((), (), (), None)
    assert found.evidence == Evidence(1, 0.0)


def test_several_paths_are_a_list() -> None:
    found = parse_suite("captures: [a, b]\nmesh: [c, 'git:main:d']\n", file="s.yaml")

    assert (found.captures, found.mesh) == (("a", "b"), ("c", "git:main:d"))


@pytest.mark.parametrize(
    ("expect", "text"),
    [
        ("{verdict: dropped, inbound.mtls: true}", 'verdict == "dropped" and inbound.mtls == true'),
        ("{reason: [a, 'b\"c\\d'], sni: null}", 'reason in ["a", "b\\"c\\\\d"] and sni == null'),
        ("{observed.status: 200, inbound.mtls: false}", "observed.status == 200 and inbound.mtls == false"),
        ("{observed.status: 1, request: 0}", "observed.status == 1 and request == 0"),
    ],
)
def test_fields_with_values_are_a_filter_in_other_words(suite, expect: str, text: str) -> None:
    (found,) = suite(f"expectations: [{{where: port == 1, expect: {expect}}}]").expectations

    assert found.expect.text == text


def test_a_mapping_of_fields_holds_where_each_holds(suite, record, no_route) -> None:
    (found,) = suite("expectations: [{where: port == 1, expect: {verdict: dropped, host: reviews}}]").expectations

    assert found.expect(record(no_route))
    assert not found.expect(record())


def test_a_share_is_of_all_calls_and_a_number_of_itself() -> None:
    assert (Amount(5, True).of(40), Amount(5, False).of(40)) == (2.0, 5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[a", "does not parse"),
        ("- a", "found no mapping"),
        ("", "found no mapping"),
        ("mesh: m", r"s.yaml:1:1.*expected captures: a path"),
        ("captures: c", "expected mesh: a path"),
        ("captures: 5\nmesh: m", "expected captures"),
        ("captures: []\nmesh: m", "expected captures"),
        ("captures: c\nmesh: m\nbudget: {}", r"s.yaml:3:1 \(budget\): found 'budget', which means nothing here; is it"),
        ("captures: c\nmesh: m\nqqq: {}", "expected one of captures, mesh"),
        ("captures: c\nmesh: m\nbudgets: {droped: 0}", "is it 'dropped'"),
        ("captures: c\nmesh: m\nbudgets: {dropped: few}", "found 'few', expected a number of calls or a share"),
        ("captures: c\nmesh: m\nbudgets: {dropped: 120%}", "expected a number of calls or a share"),
        ("captures: c\nmesh: m\nbudgets: {dropped: -1}", "expected a number"),
        ("captures: c\nmesh: m\nbudgets: 5", "expected a mapping"),
        ("captures: c\nmesh: m\nevidence: {calls: 5%}", "expected a number of calls"),
        ("captures: c\nmesh: m\nevidence: {determined: 5}", "expected a share such as 95%"),
        ("captures: c\nmesh: m\nwhere: host = 1", r"s.yaml:3:1 \(where\): filter, column 6"),
        ("captures: c\nmesh: m\nwhere: 5", "found 5, expected text"),
        ("captures: c\nmesh: m\nsince: [1]", "expected a time"),
        ("captures: c\nmesh: m\nsince: soon", r"s.yaml:3:1 \(since\): found 'soon', expected seconds"),
        ("captures: c\nmesh: m\nexpectations: {a: b}", "expected a list of mappings"),
        ("captures: c\nmesh: m\nexpectations: [{name: a}]", "expected where: a filter"),
        ("captures: c\nmesh: m\nexpectations: [{where: port == 1, expect: 5}]", "expected a filter, or fields"),
        ("captures: c\nmesh: m\nexpectations: [{where: port == 1, expect: {verdct: a}}]", "is it 'verdict'"),
        (
            "captures: c\nmesh: m\nexpectations: [{where: port == 1, expect: {verdict: lost}}]",
            "verdict is never 'lost'",
        ),
        ("captures: c\nmesh: m\nexpectations: [{where: port == 1, expect: {host: {a: b}}}]", "filter, column"),
        (
            "captures: c\nmesh: m\naccepted: [{where: port == 1, owner: me}]",
            "found no reason: who accepts which calls or findings, and why",
        ),
        ("captures: c\nmesh: m\naccepted: [{reason: r}]", "found no where or finding and no owner"),
        (
            "captures: c\nmesh: m\naccepted: [{where: port == 1, finding: a=b, owner: me, reason: r}]",
            "found where and finding, expected one of them",
        ),
        (
            "captures: c\nmesh: m\naccepted: [{finding: shadow=shop/*, owner: me, reason: r}]",
            r"\(accepted\[0\].finding\): finding: found 'shadow', which is no code of lint",
        ),
        ("captures: c\nmesh: m\nlint: bad", r"s.yaml:3:1 \(lint\): found 'bad', expected one of error, warning, info"),
        (
            "captures: c\nmesh: m\naccepted: [{where: port == 1, owner: me, reason: r, until: soon}]",
            "found 'soon', expected a day such as 2026-12-31",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_suite(text, file="s.yaml")


def test_findings_of_lint_may_be_minded_and_accepted(suite) -> None:
    found = suite("lint: warning\naccepted: [{finding: shadowed-route=shop/*, owner: me, reason: r}]\n")

    assert found.lint is not None
    assert (found.lint.level.value, found.lint.place.line) == ("warning", 3)
    assert found.accepted[0].name == "accepted by me: shadowed-route=shop/*"
