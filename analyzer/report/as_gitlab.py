"""Issues as a GitLab Code Quality report (the subset of the CodeClimate specification that GitLab reads)."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.base.escape import shorten, visible
from analyzer.base.oddity import Level
from analyzer.report.as_json import encode
from analyzer.report.issue import Issue, Issues

MAX_MESSAGE = 1_000
# GitLab wants a path for every entry.
_NO_FILE = "meshverdict"

_SEVERITIES = {Level.ERROR: "major", Level.WARNING: "minor", Level.INFO: "info"}


def render_gitlab(issues: Issues) -> Iterator[bytes]:
    """One array, an entry per line."""
    yield b"["
    separator = b"\n"
    for issue in issues.issues:
        yield separator + encode(_entry(issues, issue))
        separator = b",\n"
    yield b"\n]\n"


def _entry(issues: Issues, issue: Issue) -> dict[str, object]:
    file, line = issues.place_of(issue)
    return {
        "description": shorten(visible(issue.told), MAX_MESSAGE),
        "check_name": issue.code.name,
        "fingerprint": issue.fingerprint,
        "severity": _SEVERITIES[issue.level],
        "location": {"path": visible(file) or _NO_FILE, "lines": {"begin": max(line, 1)}},
    }
