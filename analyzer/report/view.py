"""What the HTML report shows, as plain records: all that is decided and counted, so that templates only place it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from analyzer.base.fact import Fact
from analyzer.base.oddity import Code
from analyzer.base.place import YamlPlace
from analyzer.report.as_info import skipped_phrase
from analyzer.report.facts import Facts, call_facts, decision_sides
from analyzer.report.filter_data import MOST_CALLS, RowFacts, facts_of
from analyzer.report.grouping import Group, group_alike
from analyzer.report.journey import journey_of
from analyzer.report.ladder import Ladder, ladder_of
from analyzer.report.method import method_lines
from analyzer.report.phrase import (
    VERDICT_ORDER,
    agreement_phrase,
    headline,
    observed_phrase,
    packets_phrases,
    range_phrase,
    reason_word,
    seen_phrase,
    sent_phrase,
    verdict_word,
)
from analyzer.report.sections import SectionsView, sections_view
from analyzer.report.udp import udp_phrase
from analyzer.report.wording import format_bytes, format_count, format_span, format_time
from analyzer.verdict.decision import Candidate, Step
from analyzer.verdict.record import Analysis, CallRecord, CaptureRecord, Finding
from analyzer.verdict.sheets import Sheets

# What one page holds: rows of alike calls with their chain, and calls listed under a row; of further rows, as many as
# fit the page's size, only what stands in the table.
SHOWN_DETAILS = 250
SHOWN_MEMBERS = 25
SHOWN_FINDINGS = 200
SHOWN_OF_CODE = 4
SHOWN_CALL_LINKS = 5
# Candidates that lost, of one step: a mesh may have hundreds of routes for a host.
SHOWN_LOST = 12

Row = tuple[str, ...]
Cited = tuple[str, str]


class FindingView(Fact, frozen=True):
    """A finding; ``links`` are ``(call id, anchor)``, the anchor empty where the call's row is not on the page.

    ``advice`` is empty where an earlier finding gives the same.
    """

    sentence: str
    seen: str
    advice: str
    links: tuple[Cited, ...]
    more_calls: int
    packets: tuple[str, ...]
    yaml: tuple[Cited, ...]


class FindingsView(Fact, frozen=True):
    """The findings of a code: ``first`` are shown, ``rest`` can be opened."""

    level: str
    code: str
    calls: int
    first: tuple[FindingView, ...]
    rest: tuple[FindingView, ...]


class VerdictView(Fact, frozen=True):
    """A verdict's share: ``width`` of 1000, ``reasons`` the most frequent first."""

    word: str
    count: int
    share: str
    width: int
    reasons: tuple[tuple[str, int], ...]


class LostView(Fact, frozen=True):
    """A candidate that lost."""

    name: str
    why: str
    yaml: tuple[Cited, ...]


class StepView(Fact, frozen=True):
    """A step of a chain; ``yaml`` are ``(file:line, the line's text or nothing)``; ``more_lost`` are left out."""

    sentence: str
    packets: tuple[str, ...]
    yaml: tuple[Cited, ...]
    lost: tuple[LostView, ...]
    more_lost: int


class DetailView(Fact, frozen=True):
    """One call explained, standing for all that are alike."""

    call_id: str
    facts: Facts
    steps: tuple[StepView, ...]
    sides: list[tuple[str, Facts]]
    ladder: Ladder
    observed: str
    agreement: str
    why: str
    reason_explained: str
    missing: tuple[tuple[str, str, str], ...]


class RowView(Fact, frozen=True):
    """Alike calls as one row of the table: ``others`` counts what else was sent; ``members`` are the table's cells.

    ``detail`` is None for a row that has no chain on the page: the row is then told by the data of the page's script.
    ``facts`` are what its calls have in the fields of the filter; empty where there are too many calls.
    """

    anchor: str
    source: str
    target: str
    sent: str
    others: int
    verdict: str
    rank: int
    reason: str
    seen: str
    disagrees: bool
    count: int
    members: tuple[Row, ...]
    more_members: int
    first_call: str
    packets: str
    detail: DetailView | None
    facts: RowFacts = ()


class CaptureView(Fact, frozen=True):
    """A capture as a row."""

    name: str
    pod: str
    vantage: str
    format: str
    packets: str
    span: str
    holds: str
    udp: str
    health: str
    healthy: bool
    notes: tuple[str, ...]


class PageView(Fact, frozen=True):
    """The whole page. ``cuts`` say in words what it leaves out."""

    headline: str
    subtitle: str
    findings: tuple[FindingsView, ...]
    more_findings: int
    verdicts: tuple[VerdictView, ...]
    rows: tuple[RowView, ...]
    bare_rows: tuple[RowView, ...]
    calls: int
    captures: tuple[CaptureView, ...]
    mesh_kinds: tuple[tuple[str, int], ...] | None
    mesh_ignored: tuple[tuple[str, int], ...]
    mesh_notes: tuple[str, ...]
    mesh_errors: tuple[str, ...]
    limits: tuple[str, ...]
    cuts: tuple[str, ...]
    sections: SectionsView
    method: tuple[str, ...]


def page_view(
    analysis: Analysis,
    *,
    codes: Iterable[Code],
    yaml_lines: Mapping[str, str],
    redacted: bool,
    sheets: Sheets | None = None,
) -> PageView:
    """The view of a run. ``yaml_lines`` maps ``file:line`` to that line's text, where it is to be shown.

    ``sheets`` are what only the captures know; a run that was read back has none.
    """
    known = {code.name: code for code in codes}
    groups = group_alike(analysis)
    anchors = {call.id: f"g{n}" for n, group in enumerate(groups, 1) for call in group.calls}
    asked = len(analysis.calls) <= MOST_CALLS
    rows = [_row(n, group, known, yaml_lines, asked=asked) for n, group in enumerate(groups, 1)]
    mesh = analysis.mesh
    return PageView(
        headline=headline(analysis),
        subtitle=_subtitle(analysis),
        findings=_findings(analysis, anchors, yaml_lines),
        more_findings=max(len(analysis.findings) - SHOWN_FINDINGS, 0),
        verdicts=_verdicts(analysis.calls),
        rows=tuple(rows[:SHOWN_DETAILS]),
        bare_rows=tuple(rows[SHOWN_DETAILS:]),
        calls=len(analysis.calls),
        captures=tuple(map(_capture, analysis.captures)),
        mesh_kinds=mesh.kinds if mesh else None,
        mesh_ignored=mesh.ignored if mesh else (),
        mesh_notes=mesh.oddities if mesh else (),
        mesh_errors=mesh.errors if mesh else (),
        limits=analysis.limits,
        cuts=_cuts(groups, redacted=redacted),
        sections=sections_view(analysis, sheets, anchors, redacted=redacted),
        method=method_lines(analysis),
    )


def _subtitle(analysis: Analysis) -> str:
    captures = [capture for capture in analysis.captures if capture.records]
    said = [format_count(len(analysis.captures), "capture")]
    if captures:
        first, last = min(c.first_ns for c in captures), max(c.last_ns for c in captures)
        said.append(format_count(sum(capture.records for capture in captures), "packet"))
        said.append(f"from {format_time(first)[:19]}Z over {format_span(last - first)}")
    return ", ".join(said)


def _findings(
    analysis: Analysis, anchors: Mapping[str, str], yaml_lines: Mapping[str, str]
) -> tuple[FindingsView, ...]:
    """The findings by code, in the order in which the codes first appear."""
    findings = analysis.findings[:SHOWN_FINDINGS]
    by_id = {call.id: call for call in analysis.calls}
    by_code: dict[str, list[FindingView]] = {}
    advised: set[str] = set()
    for finding in findings:
        advice = finding.advice or finding.code.advice
        seen = seen_phrase(finding, by_id)
        shown = _finding(finding, anchors, yaml_lines, seen=seen, advice="" if advice in advised else advice)
        by_code.setdefault(finding.code.name, []).append(shown)
        advised.add(advice)
    calls = {code: len({call for f in findings if f.code.name == code for call in f.calls}) for code in by_code}
    levels = {finding.code.name: finding.code.level.value for finding in findings}
    return tuple(
        FindingsView(levels[code], code, calls[code], tuple(said[:SHOWN_OF_CODE]), tuple(said[SHOWN_OF_CODE:]))
        for code, said in by_code.items()
    )


def _finding(
    finding: Finding, anchors: Mapping[str, str], yaml_lines: Mapping[str, str], *, seen: str, advice: str
) -> FindingView:
    cited = finding.calls[:SHOWN_CALL_LINKS]
    return FindingView(
        sentence=finding.sentence,
        seen=seen,
        advice=advice,
        links=tuple((call_id, anchors.get(call_id, "")) for call_id in cited),
        more_calls=len(finding.calls) - len(cited),
        packets=tuple(packets_phrases(finding.packets)),
        yaml=_cite(finding.yaml, yaml_lines),
    )


def _verdicts(calls: Sequence[CallRecord]) -> tuple[VerdictView, ...]:
    reasons: dict[str | None, Counter[str]] = {verdict: Counter() for verdict in VERDICT_ORDER}
    for call in calls:
        reasons[call.decision.verdict][reason_word(call.decision)] += 1
    views = []
    for verdict in VERDICT_ORDER:
        count = reasons[verdict].total()
        share = count / len(calls) if calls else 0.0
        ranked = sorted(reasons[verdict].items(), key=lambda item: (-item[1], item[0]))
        width = max(round(1000 * share), 3) if count else 0
        views.append(VerdictView(verdict_word(verdict), count, f"{100 * share:.1f} %", width, tuple(ranked[:6])))
    return tuple(views)


def _row(
    number: int, group: Group, codes: Mapping[str, Code], yaml_lines: Mapping[str, str], *, asked: bool
) -> RowView:
    first = group.calls[0]
    paths = len({(call.method, call.path) for call in group.calls})
    return RowView(
        anchor=f"g{number}",
        source=group.source,
        target=group.target,
        sent=sent_phrase(first),
        others=paths - 1,
        verdict=verdict_word(group.verdict),
        rank=VERDICT_ORDER.index(group.verdict),
        reason=group.reason,
        seen=observed_phrase(first.observed),
        disagrees=group.disagreements > 0,
        count=len(group.calls),
        members=tuple(map(_member, group.calls[:SHOWN_MEMBERS])) if number <= SHOWN_DETAILS else (),
        more_members=max(len(group.calls) - SHOWN_MEMBERS, 0),
        first_call=first.id,
        packets="; ".join(range_phrase(*packets) for packets in first.packets),
        detail=_detail(first, codes, yaml_lines) if number <= SHOWN_DETAILS else None,
        facts=facts_of(group.calls) if asked else (),
    )


def _member(call: CallRecord) -> Row:
    packets = "; ".join(range_phrase(*packets) for packets in call.packets)
    place = f" (request {call.request:,})" if call.request > 1 else ""
    return (call.id, format_time(call.first_ns)[11:-4], f"{sent_phrase(call)}{place}", str(call.client), packets)


def _detail(call: CallRecord, codes: Mapping[str, Code], yaml_lines: Mapping[str, str]) -> DetailView:
    decision = call.decision
    reason = codes.get(decision.reason or "")
    missing = decision.undetermined if decision.verdict is None else ()
    return DetailView(
        call_id=call.id,
        facts=call_facts(call),
        steps=tuple(_step(step, yaml_lines) for step in call.steps),
        sides=decision_sides(decision),
        ladder=ladder_of(journey_of(call)),
        observed=observed_phrase(call.observed),
        agreement=agreement_phrase(call.observed),
        why=call.observed.why,
        reason_explained=reason.explanation if reason else "",
        missing=tuple(_missing(name, codes) for name in missing),
    )


def _missing(name: str, codes: Mapping[str, Code]) -> tuple[str, str, str]:
    code = codes.get(name)
    return (name, code.explanation, code.advice) if code else (name, "", "")


def _step(step: Step, yaml_lines: Mapping[str, str]) -> StepView:
    lost = tuple(_lost(candidate, yaml_lines) for candidate in step.lost[:SHOWN_LOST])
    packets = tuple(packets_phrases(step.packets))
    return StepView(step.sentence, packets, _cite(step.yaml, yaml_lines), lost, max(len(step.lost) - SHOWN_LOST, 0))


def _lost(candidate: Candidate, yaml_lines: Mapping[str, str]) -> LostView:
    return LostView(candidate.name, candidate.why, _cite(candidate.yaml, yaml_lines))


def _cite(places: Iterable[YamlPlace], yaml_lines: Mapping[str, str]) -> tuple[Cited, ...]:
    lines = dict.fromkeys(place.file_line for place in places)
    return tuple((line, yaml_lines.get(line, "").strip()) for line in lines)


def _capture(capture: CaptureRecord) -> CaptureView:
    skipped = skipped_phrase(capture)
    return CaptureView(
        name=capture.name,
        pod=capture.pod or "not known",
        vantage=capture.vantage or "not known",
        format=", ".join((capture.format, *capture.link_types)),
        packets=f"{format_count(capture.records)}, {format_bytes(capture.bytes)}",
        span=format_span(capture.last_ns - capture.first_ns),
        holds=f"{format_count(capture.connections, 'connection')}, {format_count(capture.calls, 'call')}",
        udp=udp_phrase([capture]),
        health=capture.error or ("whole" if capture.complete else "cut short"),
        healthy=capture.complete and not capture.error,
        notes=((f"not used: {skipped}",) if skipped else ()) + capture.oddities,
    )


def _cuts(groups: Sequence[Group], *, redacted: bool) -> tuple[str, ...]:
    said = [
        "Calls that are alike (same source, target, decision and outcome) share a row; the chain is that of the first."
    ]
    if len(groups) > SHOWN_DETAILS:
        said.append(
            f"The first {SHOWN_DETAILS:,} of {len(groups):,} rows have their chain here; the others name the call for "
            "`meshverdict explain`."
        )
    if any(len(group.calls) > SHOWN_MEMBERS for group in groups):
        said.append(f"At most {SHOWN_MEMBERS} calls are listed under a row.")
    if redacted:
        said.append("Credentials in hosts, paths and sentences are replaced by [redacted].")
    return tuple(said)
