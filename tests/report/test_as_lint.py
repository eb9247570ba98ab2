"""Findings of lint as text, JSON and lines of JSON."""

from __future__ import annotations

import json

from analyzer.base.oddity import Code, Family, Level
from analyzer.base.place import YamlPlace
from analyzer.report.as_lint import lint_json, lint_jsonl, render_lint
from analyzer.verdict.lint.finding import LintFinding


def finding(level: Level, name: str, *, line: int = 1, places: int = 1, sentence: str = "") -> LintFinding:
    code = Code(f"a-{level.value}", Family.FINDING, level, "a", "b", "do something about it")
    yaml = tuple(YamlPlace("mesh.yaml", line + number) for number in range(places))
    return LintFinding(code, f"Service {name}", sentence or f"Service {name}: odd", yaml)


FOUND = (
    finding(Level.ERROR, "shop/cart"),
    finding(Level.WARNING, "shop/pay", line=5, places=5),
    finding(Level.WARNING, "shop/db", line=9),
    finding(Level.INFO, "shop/web"),
)


def test_the_text_goes_by_level_and_gives_shared_advice_once():
    text = render_lint(FOUND, resources=12, hidden=2, width=90)

    assert text.splitlines()[0] == "1 error, 2 warnings, 1 thing worth knowing in 12 resources (2 findings not shown)"
    assert [line for line in text.splitlines() if line.isupper()] == ["ERRORS", "WARNINGS", "WORTH KNOWING"]
    assert text.count("do something about it") == 1
    assert "a-warning · mesh.yaml:5 · mesh.yaml:6 · mesh.yaml:7 · 2 more" in text


def test_nothing_to_say_is_one_line():
    assert render_lint((), resources=1) == "nothing surprising in 1 resource\n"


def test_lines_stay_within_the_width_and_raw_text_never_passes():
    evil = finding(Level.ERROR, "shop/x", sentence="a\x1b[31mred\u202e " + "word " * 40)

    text = render_lint([evil], resources=1, width=80)

    assert max(map(len, text.splitlines())) <= 80
    assert "\\x1b[31mred\\u202e" in text


def test_a_line_of_json_has_the_documented_fields():
    first = json.loads(next(lint_jsonl(FOUND)))

    assert first == {
        "kind": "finding",
        "code": "a-error",
        "level": "error",
        "resource": "Service shop/cart",
        "sentence": "Service shop/cart: odd",
        "yaml": ["mesh.yaml:1"],
        "advice": "do something about it",
    }
    assert len(list(lint_jsonl(FOUND))) == 4


def test_the_object_counts_by_level():
    whole = json.loads(b"".join(lint_json(FOUND, resources=12, hidden=2)))

    assert whole["lint"] == {
        "schema": "meshverdict/1",
        "resources": 12,
        "levels": {"error": 1, "warning": 2, "info": 1},
        "hidden": 2,
    }
    assert [each["level"] for each in whole["findings"]] == ["error", "warning", "warning", "info"]


def test_an_object_without_findings_is_json_too():
    assert json.loads(b"".join(lint_json((), resources=0, hidden=0)))["findings"] == []
