"""One call explained: the facts, the chain of steps, the way it took, what was seen, and what would settle it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from analyzer.base.oddity import Code
from analyzer.report.as_passage import ladder
from analyzer.report.display_filter import display_filter
from analyzer.report.facts import call_facts, decision_sides, yaml_phrases
from analyzer.report.journey import Journey, Link, Stop, journey_of
from analyzer.report.layout import Page, Part
from analyzer.report.phrase import (
    agreement_phrase,
    observed_phrase,
    packets_phrases,
    range_phrase,
    reason_word,
    verdict_word,
)
from analyzer.report.private import redact_call
from analyzer.verdict.decision import (
    DROPPED,
    HEADLESS_MATCHED,
    PASSTHROUGH,
    SERVICE_MATCHED,
    Candidate,
    Decision,
    Step,
)
from analyzer.verdict.passage import Passage
from analyzer.verdict.record import CallRecord

VERDICT_STYLES: dict[str | None, str] = {
    SERVICE_MATCHED: "green",
    HEADLESS_MATCHED: "cyan",
    PASSTHROUGH: "yellow",
    DROPPED: "bold red",
    None: "magenta",
}


def render_chain(
    call: CallRecord,
    *,
    width: int = 100,
    colour: bool = False,
    codes: Iterable[Code] = (),
    redact: bool = True,
    misses: Sequence[str] = (),
    passage: Passage | None = None,
) -> str:
    """The whole explanation.

    ``codes`` explain the reason, or what is missing and how to get it; ``misses`` say what would have ended better.
    ``passage`` has the packets of its request and reply on every leg, where the captures are at hand.
    """
    shown = redact_call(call) if redact else call
    known = {code.name: code for code in codes}
    page = Page(width=width, colour=colour)
    _facts_section(page, shown, known)
    chain_section(page, shown.steps)
    decision_section(page, shown.decision)
    _misses_section(page, misses)
    _journey_section(page, journey_of(shown))
    if passage is not None and passage.moments:
        page.heading("PACKETS")
        ladder(page, passage)
    _filter_section(page, shown)
    _observed_section(page, shown)
    undetermined_section(page, shown.decision, known)
    return page.render()


def chain_section(page: Page, steps: Sequence[Step]) -> None:
    """The steps, numbered; under each its packets, its lines of YAML and who lost there."""
    if not steps:
        return
    page.heading("CHAIN")
    for number, step in enumerate(steps, 1):
        page.prose(step.sentence, indent=2, label=(f"{number:>2}  ", "dim"))
        for evidence in (*packets_phrases(step.packets), *yaml_phrases(step.yaml)):
            page.prose((evidence, "dim"), indent=6)
        for candidate in step.lost:
            page.prose(_lost(candidate), indent=6, label=("not  ", "dim"))


def decision_section(page: Page, decision: Decision) -> None:
    """Each Envoy's decision in Envoy's words; nothing where no Envoy decides."""
    sides = decision_sides(decision)
    if not sides:
        return
    page.heading("DECISION")
    for title, facts in sides:
        page.line(title, indent=2)
        page.pairs(facts, indent=4)


def _misses_section(page: Page, misses: Sequence[str]) -> None:
    if misses:
        page.heading("NEAREST MISS")
    for miss in misses:
        page.prose(miss, indent=2)


def undetermined_section(page: Page, decision: Decision, codes: Mapping[str, Code]) -> None:
    """What is missing for a verdict and what would settle it; nothing where there is a verdict."""
    if decision.verdict is not None or not decision.undetermined:
        return
    page.heading("WHAT WOULD SETTLE IT")
    for name in decision.undetermined:
        code = codes.get(name)
        if code is None:
            page.prose(f"see `meshverdict codes {name}`", indent=2, label=(f"{name}  ", "magenta"))
            continue
        page.prose(code.explanation, indent=2, label=(f"{name}  ", "magenta"))
        if code.advice:
            page.prose(code.advice, indent=4)


def _facts_section(page: Page, call: CallRecord, codes: Mapping[str, Code]) -> None:
    decision = call.decision
    page.line(
        [
            (f"call {call.id}  ", "bold"),
            (verdict_word(decision.verdict), VERDICT_STYLES[decision.verdict]),
            f"  {reason_word(decision)}",
        ]
    )
    if decision.reason is not None and decision.reason in codes:
        page.prose(codes[decision.reason].explanation, indent=2, style="dim")
    page.blank()
    page.pairs(call_facts(call))


def _journey_section(page: Page, journey: Journey) -> None:
    page.heading("LEGS")
    for number, stop in enumerate(journey.stops):
        if number:
            _link_lines(page, journey.links[number - 1])
        page.line(_stop_parts(stop), indent=2)


def _stop_parts(stop: Stop) -> list[Part]:
    mark: Part = ("✗", "bold red") if stop.dropped else "●"
    parts: list[Part] = [mark, (f" {stop.place.value}  ", "dim"), stop.name]
    if stop.answer:
        parts.append((f"  {stop.answer}", "red" if stop.dropped else ""))
    elif stop.dropped:
        parts.append(("  dropped here", "red"))
    return parts


def _link_lines(page: Page, link: Link) -> None:
    if not link.legs:
        page.line([("╎ ", "dim"), (f"{link.role}: in none of these captures", "dim")], indent=2)
    for legs in link.connections:
        first = legs[0]
        sure = any(leg.certain for leg in legs)
        bar = "│" if sure else "┊"
        page.line([f"{bar} ", first.role if sure else f"{first.role}, probable"], indent=2)
        page.line((f"{bar}   {first.client} → {first.server}", "dim"), indent=2)
        for leg in legs:
            page.line((f"{bar}   {range_phrase(leg.capture, leg.first_packet, leg.last_packet)}", "dim"), indent=2)
        if first.sni is not None:
            page.line((f"{bar}   sni {first.sni}", "dim"), indent=2)


def _observed_section(page: Page, call: CallRecord) -> None:
    observed = call.observed
    page.heading("OBSERVED")
    page.line(observed_phrase(observed), indent=2)
    page.line((agreement_phrase(observed), "bold red" if observed.agrees is False else ""), indent=2)
    if observed.why:
        page.prose(observed.why, indent=2)


def _filter_section(page: Page, call: CallRecord) -> None:
    shown = display_filter(call.legs)
    if shown:
        page.heading("WIRESHARK")
        page.prose(shown, indent=2, style="dim")


def _lost(candidate: Candidate) -> list[Part]:
    places = f"  {', '.join(yaml_phrases(candidate.yaml))}" if candidate.yaml else ""
    return [candidate.name, (f"  {candidate.why}{places}", "dim")]
