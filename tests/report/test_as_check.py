"""What suites say, for people and for programs."""

from __future__ import annotations

import json

import pytest

from analyzer.base.fact import replace
from analyzer.base.place import PacketPlace, YamlPlace
from analyzer.report.as_check import check_json, check_jsonl, redact_result, render_check
from analyzer.verdict.check.case import BUDGET, EXPECTATION, RECORDED, Blame, Case, CheckResult

PLACE = YamlPlace("s.yaml", 3)


@pytest.fixture
def result():
    """One case that holds and one that fails for four calls."""
    blame = Blame(
        "no route; GET /a?token=CANARYCANARY", ("1", "2", "3", "4"), (YamlPlace("mesh/a.yaml", 7),),
        (PacketPlace("a.pcap", 5), PacketPlace("a.pcap", 9)),
    )  # fmt: skip
    cases = (
        Case("holds", EXPECTATION, True, "e", "g", PLACE),
        Case("budget for dropped", BUDGET, False, "at most 0", "4", PLACE, blame),
    )
    return CheckResult("s.yaml", cases, 9, 1, accepted=2, notes=("s.yaml:9: accepts no call any more",))


def test_a_failure_tells_expected_got_why_and_where(result) -> None:
    page = render_check([result])

    assert page.startswith("1 of 2 cases failed in 1 suite.")
    told = [
        "✓ holds", "✗ budget for dropped", "at most 0", "no route", "s.yaml:3", "mesh/a.yaml:7", "packets 5, 9",
        "1, 2, 3 and 1 more", "9 calls, 1 undetermined, 2 accepted", "accepts no call any more",
    ]  # fmt: skip
    for each in told:
        assert each in page


def test_recorded_ends_that_hold_are_only_counted(result) -> None:
    ends = tuple(replace(result.cases[0], kind=RECORDED, name=f"end {n}") for n in range(3))

    page = render_check([replace(result, cases=ends)])

    assert "✓ 3 recorded ends as before" in page
    assert "end 1" not in page


def test_what_holds_can_be_left_out(result) -> None:
    fine = CheckResult("fine.yaml", result.cases[:1], 1, 0)

    page = render_check([result, fine], only_failures=True)

    assert "holds" not in page.partition("\n")[2]
    assert "fine.yaml" not in page


def test_too_little_evidence_is_told_even_then() -> None:
    lacking = CheckResult("l.yaml", (), 0, 0, lacking=("0 calls, expected at least 1",))

    assert "too little evidence: 0 calls" in render_check([lacking], only_failures=True)


def test_each_case_is_a_line_behind_its_suite(result) -> None:
    records = [json.loads(line) for line in check_jsonl([result])]

    assert [record["kind"] for record in records] == ["suite", "case", "case"]
    assert (records[0]["failures"], records[0]["accepted"]) == (1, 2)
    assert records[2]["packets"] == {"a.pcap": [5, 9]}
    assert [r["passed"] for r in map(json.loads, check_jsonl([result], only_failures=True)) if r["kind"] == "case"] == [
        False
    ]


def test_json_is_the_same_as_one_object(result) -> None:
    whole = json.loads(b"".join(check_json([result, result])))

    assert whole["check"] == {"schema": "meshverdict/1", "suites": 2, "failures": 2}
    assert [case["name"] for case in whole["suites"][0]["case"]] == ["holds", "budget for dropped"]
    assert len(json.loads(b"".join(check_json([result], only_failures=True)))["suites"][0]["case"]) == 1


def test_secrets_are_hidden(result) -> None:
    assert "CANARY" not in render_check([redact_result(result)])
    assert "CANARY" in render_check([result])
