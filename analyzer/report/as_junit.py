"""Issues as JUnit XML, as Jenkins, GitLab and others take it (the schema of Apache Ant's JUnitReport)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from analyzer.base.escape import visible
from analyzer.base.oddity import Level
from analyzer.report.issue import Issue, Issues

# What XML 1.0 (2.2 Char) cannot carry and `visible` leaves.
_NO_CHARACTER = re.compile("[\ufffe\uffff]")


def render_junit(issues: Issues) -> Iterator[bytes]:
    """One test suite: a case per issue, failed unless it is only worth knowing, and a case for everything that held."""
    failures = sum(issue.level is not Level.INFO for issue in issues.issues)
    cases = [*_passed(issues), *(_case(issues, issue) for issue in issues.issues)]
    if not cases:
        cases = [f"<testcase classname={_attribute(issues.command)} name={_attribute(issues.headline)}/>"]
    counts = f'tests="{len(cases)}" failures="{failures}" errors="0"'
    yield b'<?xml version="1.0" encoding="UTF-8"?>\n'
    yield f'<testsuites name="meshverdict" {counts}>\n'.encode()
    yield f'<testsuite name={_attribute(f"meshverdict {issues.command}")} {counts} skipped="0">\n'.encode()
    for case in cases:
        yield f"{case}\n".encode()
    yield b"</testsuite>\n</testsuites>\n"


def _passed(issues: Issues) -> Iterator[str]:
    for passed in issues.passed:
        yield f"<testcase classname={_attribute(passed.group)} name={_attribute(passed.name)}/>"


def _case(issues: Issues, issue: Issue) -> str:
    file, line = issues.place_of(issue)
    where = f" file={_attribute(file)} line={_attribute(str(line))}" if file else ""
    head = f"<testcase classname={_attribute(issue.code.name)} name={_attribute(_name(issue))}{where}>"
    body = "\n".join(
        [issue.told, *(place.file_line for place in issue.yaml), *([issue.advice] if issue.advice else [])]
    )
    if issue.level is Level.INFO:
        return f"{head}<system-out>{_text(body)}</system-out></testcase>"
    kind = _attribute(issue.code.name)
    return f"{head}<failure type={kind} message={_attribute(issue.told)}>{_text(body)}</failure></testcase>"


def _name(issue: Issue) -> str:
    """What stays the same from run to run, so that a history can be kept."""
    return " ".join(part for part in issue.identity if part)


def _text(text: str) -> str:
    return escape("\n".join(_NO_CHARACTER.sub("?", visible(line)) for line in text.split("\n")))


def _attribute(text: str) -> str:
    return quoteattr(_NO_CHARACTER.sub("?", visible(text)))
