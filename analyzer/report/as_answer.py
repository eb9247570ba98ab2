"""The answer of ``route``: where an invented call would go, as a line of JSON or as text."""

from __future__ import annotations

from analyzer.report.as_chain import VERDICT_STYLES, chain_section, decision_section, undetermined_section
from analyzer.report.as_json import decision_object, encode
from analyzer.report.layout import Page
from analyzer.report.phrase import reason_word, verdict_word
from analyzer.verdict.decision import Decision


def answer_line(name: str, decision: Decision) -> bytes:
    """One line of ``route --calls``, newline included."""
    return encode({"name": name, **decision_object(decision)}) + b"\n"


def render_answer(name: str, decision: Decision, *, width: int = 100, colour: bool = False) -> str:
    """The verdict, the decision of each side and the chain; ``name`` may be empty."""
    page = Page(width=width, colour=colour)
    word = verdict_word(decision.verdict)
    named = [(f"{name}  ", "bold")] if name else []
    page.line([*named, (word, VERDICT_STYLES[decision.verdict]), f"  {reason_word(decision)}"])
    decision_section(page, decision)
    chain_section(page, decision.steps)
    undetermined_section(page, decision, {})
    return page.render()
