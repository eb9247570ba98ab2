"""SARIF 2.1.0: what the standard and GitHub ask of a log."""

from __future__ import annotations

import json
import re

import pytest

from analyzer.base.place import YamlPlace
from analyzer.report.as_sarif import MAX_MESSAGE, MAX_PLACES, MAX_RESULTS, render_sarif
from analyzer.report.issue import MOVED_CALL, NEW_CALL, Issue, Issues


def issue(n=0, *, code=MOVED_CALL, yaml=(), message="shop/a → b"):
    return Issue(code, message, (str(n),), tuple(yaml))


def log(*issues):
    return json.loads(b"".join(render_sarif(Issues("whatif", "2 move.", tuple(issues), file="mesh/a.yaml"))))


def test_a_log_is_one_run_of_this_tool() -> None:
    found = log()

    assert (found["version"], len(found["runs"])) == ("2.1.0", 1)
    assert found["runs"][0]["tool"]["driver"] == {"name": "meshverdict", "rules": []}


def test_results_are_there_also_where_there_is_none() -> None:
    assert log()["runs"][0]["results"] == []


def test_a_result_names_its_rule_its_line_and_its_fingerprint() -> None:
    places = [YamlPlace("git:main:deploy/a b.yaml", 7), YamlPlace("--set x=y", 1), YamlPlace("mesh/c.yaml", 0)]
    run = log(issue(code=NEW_CALL), issue(yaml=places))["runs"][0]

    first, second = run["results"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["new-call", "moved-call"]
    assert (first["ruleIndex"], first["level"], second["ruleIndex"], second["level"]) == (0, "note", 1, "error")
    assert second["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "deploy/a%20b.yaml"},
        "region": {"startLine": 7},
    }
    assert second["relatedLocations"][0]["physicalLocation"]["region"] == {"startLine": 1}
    assert re.fullmatch("[0-9a-f]{64}", second["partialFingerprints"]["meshverdict/v1"])
    assert first["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "mesh/a.yaml"


@pytest.mark.parametrize("name", ["mesh/a.yaml", "../b.yaml", "c d.yaml", "ü.yaml", "a%b#c?.yaml", "\udc80.yaml"])
def test_a_path_is_a_relative_uri(name) -> None:
    (result,) = log(issue(yaml=[YamlPlace(name, 3)]))["runs"][0]["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]

    assert re.fullmatch(r"[A-Za-z0-9._~/%-]+", uri)
    assert not uri.startswith("/")


def test_every_result_has_what_the_schema_requires() -> None:
    run = log(issue(), issue(1, yaml=[YamlPlace("a", 1)]))["runs"][0]

    assert run["columnKind"] in ("unicodeCodePoints", "utf16CodeUnits")
    assert all(result["message"]["text"] and result["ruleId"] for result in run["results"])
    assert all({"id", "shortDescription", "help"} <= rule.keys() for rule in run["tool"]["driver"]["rules"])
    assert run["invocations"][0]["executionSuccessful"] is True


def test_a_log_stays_within_what_github_shows() -> None:
    places = [YamlPlace("a.yaml", n) for n in range(1, 40)]
    run = log(*(issue(n, message="x" * 5000, yaml=places) for n in range(MAX_RESULTS + 3)))["runs"][0]

    assert len(run["results"]) == MAX_RESULTS
    assert len(run["results"][0]["message"]["text"]) == MAX_MESSAGE
    assert len(run["results"][0]["relatedLocations"]) == MAX_PLACES
    assert "3 more results" in run["invocations"][0]["toolExecutionNotifications"][1]["message"]["text"]


def test_an_issue_without_any_file_has_no_location() -> None:
    found = json.loads(b"".join(render_sarif(Issues("check", "", (issue(),)))))

    assert "locations" not in found["runs"][0]["results"][0]


def test_what_came_from_the_wire_is_made_visible() -> None:
    text = b"".join(render_sarif(Issues("whatif", "", (issue(message="a\x1b[31m\u202eb"),)))).decode()

    assert "\\\\x1b[31m\\\\u202eb" in text
