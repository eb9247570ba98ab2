"""What can be said, explained: each ``Code`` by family, as text or as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from analyzer.base.escape import visible
from analyzer.base.oddity import Code, Family, Level
from analyzer.report.layout import Page

LEVEL_STYLES = {Level.INFO: "cyan", Level.WARNING: "yellow", Level.ERROR: "red"}

# What each family is about, as the headings say it.
FAMILY_TITLES = {
    Family.REASON: "Reasons of a verdict",
    Family.UNDETERMINED: "What is missing where there is no verdict",
    Family.FINDING: "Findings",
    Family.MESH: "Oddities of the mesh input",
    Family.CAPTURE: "Oddities of a capture",
    Family.FLOW: "Oddities of a connection",
    Family.PROTOCOL: "Oddities of what was said",
    Family.LIMIT: "Limits",
}


def render_codes(codes: Sequence[Code], *, width: int = 100, colour: bool = False, full: bool = False) -> str:
    """The codes by family and name, a line each; ``full`` explains each of them, in the order given."""
    page = Page(width=width, colour=colour)
    if full:
        for number, code in enumerate(codes):
            if number:
                page.blank()
            _explain(page, code)
        return page.render()
    for number, (family, members) in enumerate(_by_family(codes)):
        if number:
            page.blank()
        page.line((FAMILY_TITLES[family], "bold"))
        page.pairs([((code.name, LEVEL_STYLES[code.level]), code.summary) for code in members])
    return page.render()


def render_codes_markdown(codes: Sequence[Code]) -> str:
    """The page ``docs/codes.md``: a section per family, a part per code."""
    lines = [
        "# Codes",
        "",
        "What a verdict, a finding or an oddity is called, what it means, and what to do about it.",
        "",
    ]
    for family, members in _by_family(codes):
        lines += [f"## {FAMILY_TITLES[family]}", ""]
        for code in members:
            lines += [f"### `{code.name}`", "", f"{code.level.value}: {_markdown(code.summary)}", ""]
            lines += [_markdown(code.explanation), ""]
            lines += [f"*{_markdown(code.advice)}*", ""] if code.advice else []
    return "\n".join(lines).rstrip() + "\n"


def _explain(page: Page, code: Code) -> None:
    page.line([(code.name, "bold"), f"  {code.family.value}, ", (code.level.value, LEVEL_STYLES[code.level])])
    page.prose(code.summary, indent=2)
    page.blank()
    page.prose(code.explanation, indent=2)
    if code.advice:
        page.prose(code.advice, indent=2, label=("What to do: ", "bold"))


def _by_family(codes: Sequence[Code]) -> Iterator[tuple[Family, list[Code]]]:
    for family in FAMILY_TITLES:
        members = sorted((code for code in codes if code.family is family), key=lambda code: code.name)
        if members:
            yield family, members


def _markdown(text: str) -> str:
    """``text`` on one line with what starts markup escaped, but for code between backticks."""
    pieces = re.split(r"(`[^`]*`)", " ".join(visible(text).split()))
    return "".join(
        piece if piece.startswith("`") else re.sub(r"([\\*_{}\[\]<>#|])", r"\\\1", piece) for piece in pieces
    )
