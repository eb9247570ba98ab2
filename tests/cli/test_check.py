"""``meshverdict check``: suites, exit codes and formats."""

from __future__ import annotations

import json
import shutil
from xml.etree import ElementTree

import pytest

HEAD = "captures: legacy_naked-0.any.pcap\nmesh: mesh\n"


@pytest.fixture
def suite(tmp_path, naked, mesh):
    """A function that writes a suite beside a small capture and its mesh."""
    shutil.copy(naked, tmp_path)
    shutil.copytree(mesh, tmp_path / "mesh")

    def write(text="budgets: {disagreement: 0}\n"):
        path = tmp_path / "a.verdict.yaml"
        path.write_text(HEAD + text)
        return path

    return write


FAILING = "budgets: {passthrough: 0, dropped: 100%}\n"


def test_a_suite_that_holds_ends_with_0(cli, suite) -> None:
    answer = cli("check", suite())

    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith("1 case holds in 1 suite.")


def test_a_failure_ends_with_1_and_tells_expected_got_why_and_where(cli, suite) -> None:
    answer = cli("check", suite(FAILING))

    assert answer.code == 1
    for word in ("expected", "got", "why", "where", "asked in", "a.verdict.yaml:3"):
        assert word in answer.out


@pytest.mark.parametrize(
    ("options", "code"),
    [((), 1), (("--fail-under", "50"), 0), (("--fail-under", "51"), 1), (("--fail-on", "none"), 0)],
)
def test_how_much_must_hold_can_be_chosen(cli, suite, options, code) -> None:
    assert cli("check", suite(FAILING), *options).code == code


def test_too_little_evidence_ends_with_5(cli, suite) -> None:
    answer = cli("check", suite(FAILING + "evidence: {calls: 1000}\n"))

    assert answer.code == 5
    assert "too little evidence" in answer.out


@pytest.mark.parametrize("output", ["text", "json", "jsonl", "markdown", "junit", "sarif", "github", "gitlab"])
@pytest.mark.parametrize(("text", "code"), [("budgets: {disagreement: 0}\n", 0), (FAILING, 1)])
def test_the_exit_code_does_not_depend_on_the_format(cli, suite, output, text, code) -> None:
    answer = cli("check", suite(text), "-o", output)

    assert answer.code == code
    assert answer.out


def test_every_format_names_the_failed_case(cli, suite) -> None:
    path = suite(FAILING)

    records = cli("check", path, "-o", "jsonl", "--only-failures").records
    whole = json.loads(cli("check", path, "-o", "json", "--only-failures").out)
    junit = ElementTree.fromstring(cli("check", path, "-o", "junit").out)
    sarif = json.loads(cli("check", path, "-o", "sarif").out)
    gitlab = json.loads(cli("check", path, "-o", "gitlab").out)

    assert [r["name"] for r in records if r["kind"] == "case"] == ["budget for passthrough"]
    assert [case["name"] for case in whole["suites"][0]["case"]] == ["budget for passthrough"]
    assert [case.get("classname") for case in junit.iter("testcase") if len(case)] == ["a.verdict.yaml"]
    assert [result["ruleId"] for result in sarif["runs"][0]["results"]] == ["over-budget"]
    assert [entry["check_name"] for entry in gitlab] == ["over-budget"]
    assert "over-budget" in cli("check", path, "-o", "markdown").out
    assert "::error" in cli("check", path, "-o", "github").out


def test_update_writes_what_then_holds(cli, suite) -> None:
    path = suite("")

    answer = cli("check", path, "--update")

    assert answer.code == 0
    assert "wrote" in answer.err
    assert path.with_name("a.expected.yaml").read_text().startswith("# Who called what")


@pytest.mark.parametrize(("today", "code"), [("2026-11-30", 0), ("2026-12-01", 1), ("now", None)])
def test_acceptances_expire_on_the_day_that_is_given(cli, suite, today, code) -> None:
    text = "budgets: {dropped: 100%}\naccepted: [{where: port == 1, owner: me, reason: r, until: 2026-11-30}]\n"

    found = cli("check", suite(text), "--today", today).code

    assert found == code if code is not None else found in (0, 1)


@pytest.mark.parametrize("form", ["junit", "markdown"])
def test_what_holds_is_left_out_of_reports_too(cli, suite, form) -> None:
    path = suite(FAILING)

    assert "budget for dropped" in cli("check", path, "-o", form).out
    assert "budget for dropped" not in cli("check", path, "-o", form, "--only-failures").out


def test_findings_of_lint_fail_where_a_suite_minds_them(cli, suite) -> None:
    answer = cli("check", suite("lint: error\n"), "-o", "github")

    assert answer.code == 1
    assert "::error file=mesh/manifests.yaml,line=947,title=unaccepted-finding" in answer.out


def test_what_is_wrong_is_a_matter_of_usage(cli, suite, tmp_path) -> None:
    assert "--today" in cli("check", suite(), "--today", "soon").err
    assert cli("check", suite("budgets: {droped: 0}\n")).code == 2
    assert cli("check", tmp_path / "ghost.yaml").code == 2
    assert cli("check", tmp_path / "mesh").code == 2


def test_what_cannot_be_read_counts_more_than_what_fails(cli, suite, tmp_path) -> None:
    path = suite(FAILING)
    (tmp_path / "mesh" / "broken.yaml").write_text("{a: [")
    broken = cli("check", path)
    (tmp_path / "legacy_naked-0.any.pcap").write_bytes((tmp_path / "legacy_naked-0.any.pcap").read_bytes()[:-3])
    (tmp_path / "mesh" / "broken.yaml").unlink()
    cut = cli("check", path)

    assert (broken.code, cut.code) == (4, 3)
    assert "broken.yaml" in broken.err
