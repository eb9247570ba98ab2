"""Issues as SARIF 2.1.0 (OASIS), as code scanning of GitHub and others take it.

``results`` is always present, paths are relative URIs (3.4.4), fingerprints stay when lines move (3.27.17).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from analyzer.base.escape import shorten, visible
from analyzer.base.oddity import Code, Level
from analyzer.report.as_json import encode
from analyzer.report.issue import Issue, Issues, is_file, repository_path

SCHEMA_URI = "https://json.schemastore.org/sarif-2.1.0.json"
# GitHub shows the first 5,000 results of a run and refuses files with more than 25,000.
MAX_RESULTS = 5_000
MAX_MESSAGE = 1_000
MAX_PLACES = 10

_LEVELS = {Level.ERROR: "error", Level.WARNING: "warning", Level.INFO: "note"}
_FINGERPRINT = "meshverdict/v1"


def render_sarif(issues: Issues) -> Iterator[bytes]:
    """The log: one run, its rules, a result per line."""
    shown = issues.issues[:MAX_RESULTS]
    rules = list({issue.code.name: issue.code for issue in shown}.values())
    driver: dict[str, Any] = {"name": "meshverdict", "rules": [_rule(code) for code in rules]}
    notes = _notes(issues, len(shown))
    invocation = {"executionSuccessful": True, "toolExecutionNotifications": notes}
    head = encode({"$schema": SCHEMA_URI, "version": "2.1.0"})[:-1]
    yield head + b',"runs":[{"tool":' + encode({"driver": driver})
    yield b',"columnKind":"unicodeCodePoints","invocations":' + encode([invocation]) + b',"results":['
    separator = b"\n"
    index = {code.name: n for n, code in enumerate(rules)}
    for issue in shown:
        yield separator + encode(_result(issues, issue, index))
        separator = b",\n"
    yield b"]}]}\n"


def _rule(code: Code) -> dict[str, Any]:
    return {
        "id": code.name,
        "shortDescription": {"text": code.summary},
        "fullDescription": {"text": code.explanation},
        "help": {"text": code.advice or code.explanation},
        "defaultConfiguration": {"level": _LEVELS[code.level]},
    }


def _result(issues: Issues, issue: Issue, index: dict[str, int]) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": issue.code.name,
        "ruleIndex": index[issue.code.name],
        "level": _LEVELS[issue.level],
        "message": {"text": shorten(visible(issue.told), MAX_MESSAGE)},
        "partialFingerprints": {_FINGERPRINT: issue.fingerprint},
    }
    file, line = issues.place_of(issue)
    if file:
        result["locations"] = [_location(file, line)]
    places = dict.fromkeys((repository_path(p.file), p.line) for p in issue.yaml if is_file(p.file))
    related = [place for place in places if place != (file, line)]
    if related:
        result["relatedLocations"] = [_location(*place) for place in related[:MAX_PLACES]]
    return result


def _location(file: str, line: int) -> dict[str, Any]:
    uri = quote(file.encode("utf-8", "surrogateescape"), safe="/~")
    return {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": max(line, 1)}}}


def _notes(issues: Issues, shown: int) -> list[dict[str, Any]]:
    notes = [{"level": "note", "message": {"text": visible(issues.headline)}}]
    if shown < len(issues.issues):
        text = f"{len(issues.issues) - shown:,} more results are left out"
        notes.append({"level": "warning", "message": {"text": text}})
    return notes
