"""The summary of a run for a terminal: findings first, then verdicts, then who calls what, then the input's health."""

from __future__ import annotations

from collections import Counter
from itertools import groupby

from analyzer.report.as_chain import VERDICT_STYLES
from analyzer.report.as_codes import LEVEL_STYLES
from analyzer.report.as_info import health_part
from analyzer.report.ends import End, Summary, count_calls, ranked, summary_of
from analyzer.report.layout import Column, Long, Page, Part
from analyzer.report.phrase import (
    VERDICT_ORDER,
    Outcome,
    calls_phrase,
    outcomes_phrase,
    packets_phrases,
    run_headline,
    seen_phrase,
    verdict_word,
)
from analyzer.report.private import redact_analysis
from analyzer.report.udp import udp_phrase
from analyzer.report.wording import format_count, format_span
from analyzer.verdict.record import Analysis, CaptureRecord, Finding

# How many of each a summary shows; the other formats have all.
SHOWN_FINDINGS = 12
SHOWN_ENDS = 30
SHOWN_CAPTURES = 12
SHOWN_ODDITIES = 8
SHOWN_PLACES = 3

# Records that every capture has and nobody misses.
_HARMLESS_FATES = frozenset({"decoded", "not-ip", "other-transport"})

_BAR_WIDTH = 24
# Where a finding's sentence begins: after the longest level and a gap.
_FINDING_INDENT = 11
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def render_text(analysis: Analysis, *, width: int = 100, colour: bool = False, redact: bool = True) -> str:
    """The summary in ``width`` columns (60 at least); the same run and width give the same text."""
    shown = redact_analysis(analysis) if redact else analysis
    return render_summary(summary_of(shown), width=width, colour=colour)


def render_summary(summary: Summary, *, width: int = 100, colour: bool = False) -> str:
    """As ``render_text``, of a run that need not have its calls."""
    page, run = Page(width=width, colour=colour), summary.analysis
    page.prose((run_headline(summary.verdicts, len(run.findings)), "bold"))
    _findings_section(page, summary)
    _verdicts_section(page, summary.verdicts)
    _calls_section(page, summary)
    _captures_section(page, run)
    _mesh_section(page, run)
    _limits_section(page, run)
    _next_section(page, summary)
    return page.render()


def bar(part: int, whole: int, width: int = _BAR_WIDTH) -> str:
    """A bar of block characters, eighths included; whatever is more than nothing shows."""
    eighths = max(round(8 * width * part / whole), 1) if part else 0
    return _EIGHTHS[8] * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def _findings_section(page: Page, summary: Summary) -> None:
    findings = summary.analysis.findings
    if not findings:
        return
    page.heading("FINDINGS")
    advised: set[str] = set()
    for finding in findings[:SHOWN_FINDINGS]:
        advice = finding.advice or finding.code.advice
        seen = seen_phrase(finding, summary.found)
        _finding(page, finding, seen=seen, advice="" if advice in advised else advice)
        advised.add(advice)
    _and_more(page, len(findings) - SHOWN_FINDINGS, "finding")


def _finding(page: Page, finding: Finding, *, seen: str, advice: str) -> None:
    level = finding.code.level
    page.prose(finding.sentence, indent=2, label=(f"{level.value:<9}", LEVEL_STYLES[level]))
    if seen:
        page.prose(seen, indent=_FINDING_INDENT)
    places = [place.file_line for place in finding.yaml[:SHOWN_PLACES]]
    packets = packets_phrases(finding.packets[:SHOWN_PLACES])
    stands = [finding.code.name, calls_phrase(finding), *places, *packets]
    page.items([word for word in stands if word], indent=_FINDING_INDENT, style="dim")
    if advice:
        page.prose(advice, indent=_FINDING_INDENT, label="→ ")


def _verdicts_section(page: Page, counts: Counter[str | None]) -> None:
    total = counts.total()
    if not total:
        return
    page.heading("VERDICTS")
    rows: list[list[Part]] = []
    for verdict in VERDICT_ORDER:
        count, style = counts[verdict], VERDICT_STYLES[verdict]
        share = f"{100 * count / total:.1f} %" if count else ""
        name: Part = _verdict_part(verdict) if count else (verdict_word(verdict), "dim")
        rows.append([name, f"{count:,}" if count else ("0", "dim"), share, (bar(count, total), style)])
    page.table([Column(""), Column("", right=True), Column("", right=True), Column("", least=8)], rows)


def _calls_section(page: Page, summary: Summary) -> None:
    rows = ranked(summary.ends)
    if not rows:
        return
    page.heading("CALLS")
    columns = [
        Column("FROM", 8),
        Column("TO", 14),
        Column("CALLS", right=True),
        Column("WHY", 8),
        Column("SEEN", 9, style="dim", long=Long.CUT_END),
    ]
    sections: list[tuple[Part, list[list[Part]]]] = [
        (_verdict_part(verdict), [_end_row(*row) for row in members])
        for verdict, members in groupby(rows[:SHOWN_ENDS], key=lambda row: row[0].verdict)
    ]
    page.sections(columns, sections)
    rest = rows[SHOWN_ENDS:]
    calls = format_count(count_calls(outcomes for _, outcomes in rest), "call")
    _and_more(page, len(rest), f"row of {calls}", f"rows of {calls}")


def _verdict_part(verdict: str | None) -> Part:
    return (verdict_word(verdict), VERDICT_STYLES[verdict])


def _end_row(end: End, outcomes: Counter[Outcome]) -> list[Part]:
    seen = outcomes_phrase(outcomes)
    mark: Part = seen if all(outcome.fits for outcome in outcomes) else (f"! {seen}", "red")
    return [end.source, end.target, f"{outcomes.total():,}", end.reason, mark]


def _captures_section(page: Page, analysis: Analysis) -> None:
    if not analysis.captures:
        return
    page.heading("CAPTURES")
    worst_first = sorted(analysis.captures, key=lambda capture: (capture.error is None, capture.complete))
    shown = worst_first[:SHOWN_CAPTURES]
    columns = [
        Column("", 10),
        Column("", 8),
        Column("", 8, long=Long.CUT_END),
        Column("", right=True),
        Column("", right=True),
    ]
    page.table(columns, [_capture_row(capture) for capture in shown])
    for capture in shown:
        for trouble in _troubles(capture):
            page.prose([f"{capture.name}: ", trouble], indent=2, label=("! ", "yellow"))
    _and_more(page, len(worst_first) - SHOWN_CAPTURES, "capture")
    past = udp_phrase(analysis.captures)
    if past:
        page.prose(f"UDP past the mesh, which redirects TCP alone: {past}", indent=2)


def _capture_row(capture: CaptureRecord) -> list[Part]:
    span = format_span(capture.last_ns - capture.first_ns)
    return [capture.name, capture.pod or "-", capture.vantage or "-", format_count(capture.records, "packet"), span]


def _troubles(capture: CaptureRecord) -> list[Part]:
    """What a reader should know before believing the rest: why it ends early, and what could not be decoded."""
    lost = ", ".join(f"{count:,} {fate}" for fate, count in capture.fates if count and fate not in _HARMLESS_FATES)
    said = [f"not decoded: {lost}"] if lost else []
    if capture.oddities:
        # What is odd about the whole capture comes first, such as packets that were dropped while it was taken.
        first, *others = capture.oddities
        more = (
            f" (and {format_count(len(others), 'more oddity', 'more oddities')}: `meshverdict info`)" if others else ""
        )
        said.append(f"{first.removeprefix(f'{capture.name}: ')}{more}")
    health = [] if capture.complete and not capture.error else [health_part(capture)]
    return [*health, *(["; ".join(said)] if said else [])]


def _mesh_section(page: Page, analysis: Analysis) -> None:
    if analysis.mesh is None:
        return
    page.heading("MESH")
    for error in analysis.mesh.errors:
        page.prose((error, "red"), indent=2, label=("! ", "red"))
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in analysis.mesh.kinds)
    page.prose(kinds or "no resource that matters", indent=2)
    if analysis.mesh.ignored:
        ignored = ", ".join(f"{count:,} {kind}" for kind, count in analysis.mesh.ignored)
        page.prose((f"not used: {ignored}", "dim"), indent=2)
    for oddity in analysis.mesh.oddities[:SHOWN_ODDITIES]:
        page.prose((oddity, "yellow"), indent=2, label=("! ", "yellow"))
    _and_more(page, len(analysis.mesh.oddities) - SHOWN_ODDITIES, "oddity", "oddities")


def _limits_section(page: Page, analysis: Analysis) -> None:
    if not analysis.limits:
        return
    page.heading("LIMITS")
    for limit in analysis.limits:
        page.prose((limit, "yellow"), indent=2, label=("! ", "yellow"))


def _next_section(page: Page, summary: Summary) -> None:
    """What to type next, for the worst there is; the arguments of this run stand for themselves."""
    if summary.first is None:
        return
    call_id, code = summary.first
    finding = next((finding for finding in summary.analysis.findings if finding.calls), None)
    if finding:
        call_id, code = finding.calls[0], finding.code.name
    hints = [(f"meshverdict explain … --call {call_id}", "why it went there")]
    if summary.analysis.mesh is None:
        hints.append(("meshverdict analyze … -m MESH", "for verdicts"))
    else:
        hints.append((f"meshverdict codes {code}", "what it means"))
    hints.append(("meshverdict analyze … --html FILE", "all of it, to read"))
    page.heading("NEXT")
    page.table([Column("", 30), Column("", 12, style="dim")], [list(hint) for hint in hints])


def _and_more(page: Page, count: int, noun: str, plural: str = "") -> None:
    if count > 0:
        page.line((f"… and {format_count(count, f'more {noun}', f'more {plural}' if plural else '')}", "dim"), indent=2)
