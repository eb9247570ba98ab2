"""Issues as Markdown for a comment on a pull request, or the summary of a step; never larger than these may be."""

from __future__ import annotations

import re
from collections.abc import Iterator

from analyzer.base.escape import shorten, visible
from analyzer.base.oddity import Level
from analyzer.report.issue import Issue, Issues
from analyzer.report.wording import format_count

# GitHub takes comments of 65,536 characters.
MAX_CHARACTERS = 60_000
MAX_MESSAGE = 500
SHOWN_PASSED = 200
SHOWN_PLACES = 3

_MARKS = {Level.ERROR: "🔴", Level.WARNING: "🟡", Level.INFO: "🔵"}
# What GitHub's Markdown gives a meaning to inside a line, and what its links begin with: names, issues, addresses.
_SPECIAL = re.compile(r"[\\`*_{}\[\]<>()#|~@:&$]|(?<=www)\.", re.IGNORECASE)


def render_markdown(issues: Issues) -> Iterator[bytes]:
    """A headline, a table of issues, and what held, folded; what does not fit is counted."""
    head = f"### meshverdict {issues.command}\n\n{text(issues.headline)}\n"
    if not issues.issues:
        yield f"{head}{_passed(issues, MAX_CHARACTERS - len(head))}".encode()
        return
    head += "\n| | what | where | calls |\n|---|---|---|---|\n"
    rows, left = _fitting([_row(issue) for issue in issues.issues], MAX_CHARACTERS - len(head) - 200)
    body = "".join(rows)
    if left:
        body += f"\n… and {format_count(left, 'more issue')}, which would not fit here.\n"
    advice = _advice(issues, MAX_CHARACTERS - len(head) - len(body))
    passed = _passed(issues, MAX_CHARACTERS - len(head) - len(body) - len(advice))
    yield f"{head}{body}{advice}{passed}".encode()


def text(wire: str) -> str:
    """Text that somebody else wrote, so that no Markdown, HTML, mention or link comes of it."""
    return _SPECIAL.sub(lambda match: f"&#{ord(match[0])};", visible(wire))


def code(wire: str) -> str:
    """The same as code: between more backticks than it has, with the bars that would end a table's cell escaped."""
    shown = visible(wire).replace("|", "\\|")
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * (longest + 1)
    blank = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{blank}{shown}{blank}{fence}"


def _row(issue: Issue) -> str:
    places = list(dict.fromkeys(place.file_line for place in issue.yaml))
    where = "<br>".join(map(code, places[:SHOWN_PLACES]))
    more = f"<br>and {len(places) - SHOWN_PLACES} more" if len(places) > SHOWN_PLACES else ""
    calls = f"{len(issue.calls):,}" if issue.calls else ""
    what = f"**{issue.code.name}**<br>{_told(issue)}"
    return f"| {_MARKS[issue.level]} | {what} | {where}{more} | {calls} |\n"


def _told(issue: Issue) -> str:
    """The message; where it has details, a line for each, as code."""
    if not issue.details:
        return text(shorten(issue.told, MAX_MESSAGE))
    details = (f"{what} {code(shorten(value, MAX_MESSAGE))}" for what, value in issue.details)
    calls = [text(issue.named_calls)] if issue.calls else []
    return "<br>".join([text(shorten(issue.subject, MAX_MESSAGE)), *details, *calls])


def _fitting(rows: list[str], room: int) -> tuple[list[str], int]:
    """The first rows that fit, and how many are left."""
    used = 0
    for n, row in enumerate(rows):
        used += len(row)
        if used > room:
            return rows[:n], len(rows) - n
    return rows, 0


def _advice(issues: Issues, room: int) -> str:
    codes = {issue.code.name: issue for issue in issues.issues}
    lines = [f"- **{name}**: {text(issue.code.explanation)} {text(issue.advice)}\n" for name, issue in codes.items()]
    folded = f"\n<details><summary>What this means</summary>\n\n{''.join(lines)}\n</details>\n"
    return folded if len(folded) <= room else ""


def _passed(issues: Issues, room: int) -> str:
    if not issues.passed:
        return ""
    names = [f"- {text(passed.name)}\n" for passed in issues.passed[:SHOWN_PASSED]]
    summary = f"{format_count(len(issues.passed), 'case')} {'holds' if len(issues.passed) == 1 else 'hold'}"
    folded = f"\n<details><summary>{summary}</summary>\n\n{''.join(names)}\n</details>\n"
    return folded if len(folded) <= room else f"\n{summary}.\n"
