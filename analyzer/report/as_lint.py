"""The findings of ``lint``: as text by level and place, as JSON, or as one JSON object per line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

from analyzer.base.oddity import Level
from analyzer.report.as_codes import LEVEL_STYLES
from analyzer.report.as_json import SCHEMA, Object, encode
from analyzer.report.layout import Page
from analyzer.report.wording import format_count
from analyzer.verdict.lint.finding import LEVELS, LintFinding

SHOWN_PLACES = 3
_TITLES = {Level.ERROR: "ERRORS", Level.WARNING: "WARNINGS", Level.INFO: "WORTH KNOWING"}
# Where a sentence begins: after the mark of its level.
_INDENT = 4


def finding_object(finding: LintFinding) -> Object:
    """One finding; ``resource`` is ``Kind namespace/name``, ``yaml`` are ``file:line``."""
    return {
        "code": finding.code.name,
        "level": finding.level.value,
        "resource": finding.resource,
        "sentence": finding.sentence,
        "yaml": [place.file_line for place in finding.yaml],
        "advice": finding.what_to_do,
    }


def lint_jsonl(findings: Sequence[LintFinding]) -> Iterator[bytes]:
    """A line per finding."""
    for finding in findings:
        yield encode({"kind": "finding", **finding_object(finding)}) + b"\n"


def lint_json(findings: Sequence[LintFinding], *, resources: int, hidden: int) -> Iterator[bytes]:
    """One object, a finding per line inside it; ``hidden`` findings were suppressed or are below the level shown."""
    counts = Counter(finding.level for finding in findings)
    head = {
        "schema": SCHEMA,
        "resources": resources,
        "levels": {level.value: counts[level] for level in LEVELS},
        "hidden": hidden,
    }
    yield b'{"lint":' + encode(head) + b',\n"findings":['
    separator = b"\n"
    for finding in findings:
        yield separator + encode(finding_object(finding))
        separator = b",\n"
    yield b"]}\n"


def render_lint(
    findings: Sequence[LintFinding], *, resources: int, hidden: int = 0, width: int = 100, colour: bool = False
) -> str:
    """The findings in ``width`` columns (60 at least), the worst first; advice that many share is given once."""
    page = Page(width=width, colour=colour)
    page.prose((lint_headline(findings, resources, hidden), "bold"))
    advised: set[str] = set()
    for level, members in groupby(findings, key=lambda finding: finding.level):
        page.heading(_TITLES[level])
        for finding in members:
            _finding(page, finding, advice="" if finding.what_to_do in advised else finding.what_to_do)
            advised.add(finding.what_to_do)
    if findings:
        page.blank()
        page.line((f"meshverdict codes {findings[0].code.name}   what it means", "dim"))
    return page.render()


def _finding(page: Page, finding: LintFinding, *, advice: str) -> None:
    page.prose(finding.sentence, indent=2, label=("● ", LEVEL_STYLES[finding.level]))
    places = [place.file_line for place in finding.yaml]
    more = [f"{len(places) - SHOWN_PLACES} more"] if len(places) > SHOWN_PLACES else []
    page.items([finding.code.name, *dict.fromkeys(places[:SHOWN_PLACES]), *more], indent=_INDENT, style="dim")
    if advice:
        page.prose(advice, indent=_INDENT, label="→ ")


def lint_headline(findings: Sequence[LintFinding], resources: int, hidden: int = 0) -> str:
    """How many findings of each level there are, in how many resources."""
    counts = Counter(finding.level for finding in findings)
    levels = [
        format_count(counts[Level.ERROR], "error"),
        format_count(counts[Level.WARNING], "warning"),
        f"{format_count(counts[Level.INFO], 'thing')} worth knowing",
    ]
    said = [text for text in levels if not text.startswith("0 ")]
    rest = f" ({format_count(hidden, 'finding')} not shown)" if hidden else ""
    return f"{', '.join(said) or 'nothing surprising'} in {format_count(resources, 'resource')}{rest}"
