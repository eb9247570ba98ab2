"""Issues as JUnit XML, valid by both schemas that tools go by: Apache Ant's JUnitReport and Jenkins' own.

What only one of them has is left out: a case has no ``file`` and ``line``, they begin the text of its failure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from analyzer.base.escape import visible
from analyzer.base.oddity import Level
from analyzer.report.issue import Issue, Issues

# What XML 1.0 (2.2 Char) cannot carry and `visible` leaves.
_NO_CHARACTER = re.compile("[\ufffe\uffff]")


# Both schemas ask when and where a suite ran, and how long; a report is the same wherever and whenever it is made.
_RUN = 'timestamp="1970-01-01T00:00:00" hostname="localhost" time="0"'


def render_junit(issues: Issues) -> Iterator[bytes]:
    """One test suite: a case per issue, failed unless it is only worth knowing, and a case for everything that held.

    A case of a suite has the same names whether it holds or not, so that a history can be kept. What is only worth
    knowing is told in the output of the suite.
    """
    failures = sum(issue.level is not Level.INFO for issue in issues.issues)
    cases = [*_passed(issues), *(_case(issues, issue) for issue in issues.issues)]
    if not cases:
        cases = [_head(issues.command, issues.headline) + "/>"]
    told = [_body(issues, issue) for issue in issues.issues if issue.level is Level.INFO]
    name = f'name={_attribute(f"meshverdict {issues.command}")} package="meshverdict" id="0"'
    counts = f'tests="{len(cases)}" failures="{failures}" errors="0"'
    yield b'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n'
    yield f"<testsuite {name} {counts} {_RUN}>\n".encode()
    yield f'<properties><property name="command" value={_attribute(issues.command)}/></properties>\n'.encode()
    for case in cases:
        yield f"{case}\n".encode()
    output = "\n".join((issues.headline, *told))
    yield f"<system-out>{_text(output)}</system-out>\n<system-err/>\n".encode()
    yield b"</testsuite>\n</testsuites>\n"


def _passed(issues: Issues) -> Iterator[str]:
    for passed in issues.passed:
        yield _head(passed.group, passed.name) + "/>"


def _head(group: str, name: str) -> str:
    """The beginning of a case."""
    return f'<testcase classname={_attribute(group)} name={_attribute(name)} time="0"'


def _case(issues: Issues, issue: Issue) -> str:
    head = _head(issue.group or issue.code.name, issue.subject if issue.group else _name(issue))
    if issue.level is Level.INFO:
        return f"{head}/>"
    kind = _attribute(issue.code.name)
    body = _text(_body(issues, issue))
    return f"{head}><failure type={kind} message={_attribute(issue.told)}>{body}</failure></testcase>"


def _body(issues: Issues, issue: Issue) -> str:
    """Where it stands, what it says, further lines, and what to do."""
    file, line = issues.place_of(issue)
    first = [f"{file}:{line}"] if file else []
    places = [place.file_line for place in issue.yaml]
    further = [place for place in dict.fromkeys(places) if place not in first]
    return "\n".join([*first, *issue.lines, *further, *([issue.advice] if issue.advice else [])])


def _name(issue: Issue) -> str:
    """What stays the same from run to run, so that a history can be kept."""
    return " ".join(part for part in issue.identity if part)


def _text(text: str) -> str:
    return escape("\n".join(_NO_CHARACTER.sub("?", visible(line)) for line in text.split("\n")))


def _attribute(text: str) -> str:
    return quoteattr(_NO_CHARACTER.sub("?", visible(text)))
