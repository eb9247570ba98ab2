"""What changed when: the mesh, restarts, first failures by edge, bursts, resets and by whom, gaps in the evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from analyzer.base.fact import Fact
from analyzer.base.place import PacketPlace
from analyzer.report.phrase import observed_phrase, reason_word, source_phrase, target_phrase
from analyzer.report.restarts import find_restarts
from analyzer.report.wording import format_bytes, format_count, format_span, format_time
from analyzer.verdict.decision import DROPPED
from analyzer.verdict.moved import MOVED_BY_CHANGE
from analyzer.verdict.parting import OTHER_CONFIGURATION
from analyzer.verdict.record import Analysis, CallRecord, CaptureRecord, Finding, FlowRecord

# Failures of one edge belong to one burst while no more than this lies between two of them.
BURST_PAUSE_NS = 1_000_000_000
# Fewer failures in a row are told as single ones.
BURST_CALLS = 3
# A capture that shows nothing for so long while others do may not have run then; a pod is often quiet for less.
GAP_NS = 10_000_000_000

# As events of one moment follow each other.
KINDS = ("change", "restart", "first-failure", "burst", "reset", "gap")
_FAILED_OUTCOMES = frozenset({"reset", "refused", "no-answer", "tls-alert"})


class Event(Fact, frozen=True):
    """Something at ``time_ns``; ``kind`` is one of ``KINDS``."""

    time_ns: int
    kind: str
    sentence: str
    calls: tuple[str, ...] = ()
    packets: tuple[PacketPlace, ...] = ()


def timeline_of(analysis: Analysis) -> list[Event]:
    """All events of a run in the order of their time; of one moment in the order of kind and sentence."""
    edges: dict[tuple[str, str], list[CallRecord]] = {}
    for call in analysis.calls:
        edges.setdefault((source_phrase(call), target_phrase(call)), []).append(call)
    events = [*_changes(analysis.findings), *_gaps(analysis.captures), *_losses(analysis.flows)]
    events += [Event(r.time_ns, "restart", r.sentence) for r in find_restarts(analysis.calls, analysis.flows)]
    for (source, target), calls in edges.items():
        edge = f"{source} → {target}"
        events += [*_failures(edge, calls), *_resets(edge, calls)]
    return sorted(events, key=lambda event: (event.time_ns, KINDS.index(event.kind), event.sentence))


def _changes(findings: Iterable[Finding]) -> Iterator[Event]:
    """What a change of the mesh moved, and where packets and mesh part."""
    for finding in findings:
        if finding.code in (MOVED_BY_CHANGE, OTHER_CONFIGURATION):
            yield Event(finding.first_ns, "change", finding.sentence, finding.calls, finding.packets)


def has_failed(call: CallRecord) -> bool:
    """Whether a call came to nothing: dropped, cut off, unanswered, or answered with a 5xx.

    The packets have the last word: what the mesh would drop and an application answered well has not failed.
    """
    observed = call.observed
    dropped = call.decision.verdict == DROPPED and observed.agrees is not False
    return dropped or observed.outcome in _FAILED_OUTCOMES or (observed.status or 0) >= 500


def _failures(edge: str, calls: Sequence[CallRecord]) -> Iterator[Event]:
    failed = sorted((call for call in calls if has_failed(call)), key=lambda call: call.first_ns)
    if not failed:
        return
    first = failed[0]
    before = sum(call.first_ns < first.first_ns for call in calls)
    history = f"; after {format_count(before, 'call')} that did not fail" if before else ""
    total = f"{len(failed):,} of {len(calls):,} calls fail" if len(calls) > 1 else "the only call"
    yield Event(first.first_ns, "first-failure", f"{edge}: {_what(first)}{history}; {total}", (first.id,), _at([first]))
    for burst in _bursts(failed):
        whats = ", ".join(f"{what} ×{count:,}" for what, count in sorted(Counter(map(_what, burst)).items()))
        span = format_span(burst[-1].first_ns - first_ns(burst))
        sentence = f"{edge}: {format_count(len(burst), 'failure')} within {span}: {whats}"
        yield Event(first_ns(burst), "burst", sentence, tuple(call.id for call in burst), _at(burst))


def first_ns(calls: Sequence[CallRecord]) -> int:
    """When the first of several calls began."""
    return min(call.first_ns for call in calls)


def _bursts(failed: Sequence[CallRecord]) -> Iterator[list[CallRecord]]:
    run: list[CallRecord] = []
    for call in failed:
        if run and call.first_ns - run[-1].first_ns > BURST_PAUSE_NS:
            if len(run) >= BURST_CALLS:
                yield run
            run = []
        run.append(call)
    if len(run) >= BURST_CALLS:
        yield run


def _resets(edge: str, calls: Iterable[CallRecord]) -> Iterator[Event]:
    by_whom: dict[str, list[CallRecord]] = {}
    for call in calls:
        if call.observed.outcome == "reset":
            by_whom.setdefault(call.observed.closed_by or "nobody knows whom", []).append(call)
    for whom, reset in sorted(by_whom.items()):
        sentence = f"{edge}: {format_count(len(reset), 'call')} reset by {whom}, the last at {_clock(reset[-1])}"
        yield Event(first_ns(reset), "reset", sentence, tuple(call.id for call in reset), _at(reset))


def _gaps(captures: Sequence[CaptureRecord]) -> Iterator[Event]:
    """Where a capture sees less time than the others do, or is not whole."""
    seen = [capture for capture in captures if capture.records]
    begin, end = min((c.first_ns for c in seen), default=0), max((c.last_ns for c in seen), default=0)
    for capture in seen:
        late, early = capture.first_ns - begin, end - capture.last_ns
        if late > GAP_NS:
            yield Event(capture.first_ns, "gap", f"{capture.name} shows nothing before this, {format_span(late)} long")
        if early > GAP_NS:
            yield Event(capture.last_ns, "gap", f"{capture.name} shows nothing after this, {format_span(early)} long")
        if not capture.complete:
            yield Event(capture.last_ns, "gap", f"{capture.name} breaks off here: what follows could not be read")


def _losses(flows: Iterable[FlowRecord]) -> Iterator[Event]:
    """Where connections in a capture lack bytes that were sent."""
    lossy: dict[str, list[FlowRecord]] = {}
    for flow in flows:
        if flow.missed_bytes:
            lossy.setdefault(flow.capture, []).append(flow)
    for capture, found in sorted(lossy.items()):
        missed = sum(flow.missed_bytes for flow in found)
        sentence = f"{capture} lacks {format_bytes(missed)} of {format_count(len(found), 'connection')} from this on"
        yield Event(min(flow.first_ns for flow in found), "gap", sentence)


def _what(call: CallRecord) -> str:
    if call.decision.verdict == DROPPED and call.observed.agrees is not False:
        return f"dropped, {reason_word(call.decision)} ({observed_phrase(call.observed)})"
    return observed_phrase(call.observed)


def _clock(call: CallRecord) -> str:
    return format_time(call.first_ns)[11:19]


def _at(calls: Iterable[CallRecord]) -> tuple[PacketPlace, ...]:
    """The first packet of each call where its own connection was captured."""
    places = []
    for call in calls:
        own = call.legs[0].capture if call.legs else None
        places += [PacketPlace(capture, first) for capture, first, _ in call.packets if capture == own]
    return tuple(places)
