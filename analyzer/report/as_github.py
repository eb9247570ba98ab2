"""Issues as workflow commands of GitHub Actions: annotations at the lines of YAML."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.base.escape import shorten, visible
from analyzer.base.oddity import Level
from analyzer.report.issue import Issue, Issues

# GitHub shows ten annotations of a level for a step; more are only noise in its log.
MAX_ANNOTATIONS = 50
MAX_MESSAGE = 4_000

# As the runner takes it inside a message.
_NEW_LINE = "%0A"

_COMMANDS = {Level.ERROR: "error", Level.WARNING: "warning", Level.INFO: "notice"}


def render_github(issues: Issues) -> Iterator[bytes]:
    """A line per issue, then the headline."""
    for issue in issues.issues[:MAX_ANNOTATIONS]:
        yield f"{_annotation(issues, issue)}\n".encode()
    left = len(issues.issues) - MAX_ANNOTATIONS
    more = f" {left:,} more are not shown here." if left > 0 else ""
    yield f"::notice title=meshverdict {issues.command}::{_data(issues.headline + more)}\n".encode()


def _annotation(issues: Issues, issue: Issue) -> str:
    file, line = issues.place_of(issue)
    properties = {"file": file, "line": str(line)} if file else {}
    properties["title"] = f"{issue.code.name}: {issue.code.summary}"
    told = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    lines = [*issue.lines, *([issue.advice] if issue.advice else [])]
    return f"::{_COMMANDS[issue.level]} {told}::{_NEW_LINE.join(map(_data, _fitting(lines)))}"


def _fitting(lines: list[str]) -> Iterator[str]:
    left = MAX_MESSAGE
    for line in lines:
        if left > 0:
            yield shorten(line, left)
        left -= len(line) + 1


def _data(text: str) -> str:
    """A line escaped as the runner unescapes it (actions/toolkit, command.ts), so that no command can begin in it."""
    return visible(text).replace("%", "%25")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
