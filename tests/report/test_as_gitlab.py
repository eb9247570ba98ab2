"""GitLab's Code Quality report: the fields that GitLab asks for, each of its kind."""

from __future__ import annotations

import json

from analyzer.base.place import YamlPlace
from analyzer.report.as_gitlab import render_gitlab
from analyzer.report.issue import CHANGED_SHARE, MOVED_CALL, NEW_CALL, Issue, Issues


def entries(*issues, file="mesh/a.yaml"):
    return json.loads(b"".join(render_gitlab(Issues("whatif", "", tuple(issues), file=file))))


def test_nothing_is_an_empty_array() -> None:
    assert entries() == []


def test_an_entry_has_what_gitlab_asks_for() -> None:
    issue = Issue(MOVED_CALL, "a\x1bb", ("a",), (YamlPlace("git:main:x.yaml", 7),))

    (entry,) = entries(issue)

    assert entry == {
        "description": "a\\x1bb",
        "check_name": "moved-call",
        "fingerprint": issue.fingerprint,
        "severity": "major",
        "location": {"path": "x.yaml", "lines": {"begin": 7}},
    }


def test_each_level_has_its_severity() -> None:
    found = entries(*(Issue(code, "m", ("a",)) for code in (MOVED_CALL, CHANGED_SHARE, NEW_CALL)))

    assert [entry["severity"] for entry in found] == ["major", "minor", "info"]


def test_an_entry_without_a_file_has_a_path_all_the_same() -> None:
    assert entries(Issue(MOVED_CALL, "m", ("a",)), file="")[0]["location"] == {
        "path": "meshverdict",
        "lines": {"begin": 1},
    }
