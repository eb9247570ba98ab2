"""Runs, moves, differences and suites as issues."""

from __future__ import annotations

import pytest

from analyzer.base.fact import replace
from analyzer.base.place import YamlPlace
from analyzer.report.issues import (
    check_headline,
    issues_of_check,
    issues_of_diff,
    issues_of_lint,
    issues_of_moves,
    issues_of_run,
)
from analyzer.verdict.check.case import ACCEPTANCE, BUDGET, EXPECTATION, RECORDED, Blame, Case, CheckResult
from analyzer.verdict.compare import ending_of
from analyzer.verdict.drift import EndingShare, RunDiff, ShareChange, key_of
from analyzer.verdict.lint.finding import LintFinding
from analyzer.verdict.lint.shadowed_routes import SHADOWED_ROUTE
from analyzer.verdict.record import MovedCall, WhatIf

LINE = (YamlPlace("new/a.yaml", 7),)


def case(kind, *, passed=False, name="n"):
    return Case(
        name, kind, passed, "e", "g", YamlPlace("s.yaml", 3), Blame("because", ("1",), LINE) if not passed else Blame()
    )


def names(issues) -> list[str]:
    return [issue.code.name for issue in issues.issues]


def test_the_findings_of_a_run_are_issues(shop) -> None:
    found = issues_of_run(shop)

    unread = [capture for capture in shop.captures if capture.error]
    expected = [finding.code.name for finding in shop.findings] + ["unreadable-input"] * len(unread)
    assert names(found)[: len(expected)] == expected
    assert (found.command, found.file) == ("analyze", "mesh/")
    assert found.headline.startswith("11 calls")
    assert found.issues[0].advice


def test_calls_that_move_alike_are_one_issue(shop) -> None:
    calls = shop.calls
    moves = tuple(MovedCall(call, call.decision, calls[4].decision, LINE) for call in calls[:2])

    (issue,) = issues_of_moves(WhatIf(moves, 11, 0, new=shop.mesh)).issues

    assert issue.told == (
        "shop/web-0 → reviews:9080 (GET /reviews/7): service-matched → dropped (no-route); "
        f"calls {calls[0].id}, {calls[1].id}"
    )
    assert (issue.yaml, issue.calls) == (LINE, (calls[0].id, calls[1].id))


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("new/a.yaml", None),
        ("git:main:new/a.yaml", "git:main:new/a.yaml:7 (spec.http[0])"),
        ("--set mtls=STRICT", "--set mtls=STRICT (spec.http[0])"),
    ],
)
def test_a_line_that_is_in_no_file_of_the_pull_request_is_told_in_words(shop, file: str, told: str | None) -> None:
    first = shop.calls[0]
    yaml = (YamlPlace(file, 7, 1, "spec.http[0]"),)

    (issue,) = issues_of_moves(WhatIf((MovedCall(first, first.decision, shop.calls[4].decision, yaml),), 1, 0)).issues

    assert dict(issue.details).get("moved by") == told


def test_a_move_of_the_same_verdict_says_from_where_to_where(shop) -> None:
    first = shop.calls[0]
    outbound = replace(first.decision.outbound, cluster="elsewhere")
    move = MovedCall(first, first.decision, replace(first.decision, outbound=outbound), LINE)

    (issue,) = issues_of_moves(WhatIf((move,), 1, 0)).issues

    assert "from outbound|9080||reviews.shop.svc.cluster.local to elsewhere" in issue.message


def test_secrets_are_hidden_unless_asked_for(shop) -> None:
    moves = (MovedCall(shop.calls[5], shop.calls[4].decision, shop.calls[0].decision),)
    what = WhatIf(moves, 1, 0)

    assert "CANARY" not in issues_of_moves(what).issues[0].message
    assert "CANARY" in issues_of_moves(what, redact=False).issues[0].message


def test_differences_are_issues_by_their_kind(shop) -> None:
    calls = shop.calls
    moves = (
        MovedCall(calls[0], calls[0].decision, calls[4].decision),
        MovedCall(calls[6], None, calls[6].decision),
        MovedCall(calls[7], calls[7].decision, None),
    )
    ends = (EndingShare(ending_of(calls[0].decision), 9, 1),)
    diff = RunDiff(moves, (ShareChange(key_of(calls[0]), calls[0], ends),), (3, 3), meshes=(shop.mesh,))

    found = issues_of_diff(diff)

    assert sorted(names(found)) == ["changed-share", "gone-call", "moved-call", "new-call"]
    assert found.issues[-1].message == "shop/web-0 → reviews GET /reviews/*: service-matched 9 → 1"


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (BUDGET, "over-budget"),
        (EXPECTATION, "failed-expectation"),
        (RECORDED, "recorded-differs"),
        (ACCEPTANCE, "expired-acceptance"),
    ],
)
def test_a_case_that_fails_is_an_issue_of_its_kind(kind, code) -> None:
    found = issues_of_check([CheckResult("s.yaml", (case(kind), case(kind, passed=True, name="p")), 1, 0)])

    assert names(found) == [code]
    assert found.issues[0].message == "n: expected e, got g; because"
    assert [place.file_line for place in found.issues[0].yaml] == ["new/a.yaml:7", "s.yaml:3"]
    assert [(each.group, each.name) for each in found.passed] == [("s.yaml", "p")]


def test_too_little_evidence_is_an_issue() -> None:
    found = issues_of_check([CheckResult("s.yaml", (), 0, 0, lacking=("0 calls",))])

    assert names(found) == ["too-little-evidence"]
    assert found.file == "s.yaml"


def test_what_could_not_be_read_is_an_issue_at_its_place(shop) -> None:
    broken = replace(shop.mesh, errors=("new/a.yaml:4:1: the YAML does not parse",))
    short = replace(shop.captures[0], error="a.pcap: packet 7: 3 bytes are left in the file")
    result = CheckResult("s.yaml", (), 1, 0, captures=(short,), mesh=broken, limits=("too many flows",))

    found = issues_of_check([result])

    assert names(found) == ["unreadable-input"] * 3
    assert [issue.message for issue in found.issues] == [short.error, broken.errors[0], "too many flows"]
    assert found.place_of(found.issues[1]) == ("new/a.yaml", 4)
    assert names(issues_of_moves(WhatIf((), 1, 0, old=broken, new=broken))) == ["unreadable-input"]


def test_the_headline_of_a_check_counts_cases_and_suites() -> None:
    good = CheckResult("s", (case(BUDGET, passed=True),), 1, 0)
    bad = CheckResult("t", (case(BUDGET),), 1, 0, lacking=("x",))

    assert check_headline([good]) == "1 case holds in 1 suite."
    assert check_headline([good, good]) == "2 cases hold in 2 suites."
    assert check_headline([good, bad]) == "1 of 2 cases failed in 2 suites; 1 with too little evidence."
    assert issues_of_check([]).file == ""


def test_findings_of_lint_are_issues_at_their_lines() -> None:
    finding = LintFinding(SHADOWED_ROUTE, "VirtualService shop/a", "a is shadowed", LINE)

    found = issues_of_lint([finding], headline="1 warning.", file="mesh/a.yaml")

    assert (found.command, found.headline, found.file) == ("lint", "1 warning.", "mesh/a.yaml")
    assert [(each.told, each.yaml, each.advice) for each in found.issues] == [
        ("a is shadowed", LINE, SHADOWED_ROUTE.advice)
    ]
