"""What the HTML report shows beside findings and calls: timeline, journeys, graph, names and the mTLS sheet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from analyzer.base.fact import Fact
from analyzer.report.as_mtls import mtls_headline, percent_phrase, server_phrase
from analyzer.report.as_names import NAMED_BY, shown_name
from analyzer.report.as_service_entry import service_entries
from analyzer.report.graph import Graph, build_graph
from analyzer.report.phrase import (
    clock_phrase,
    observed_phrase,
    packets_phrases,
    sent_phrase,
    source_phrase,
    target_phrase,
    verdict_word,
)
from analyzer.report.strip import Strip, strip_of
from analyzer.report.timeline import KINDS, Event, timeline_of
from analyzer.report.wording import format_span, format_time
from analyzer.verdict.mtls import SecuredEdge
from analyzer.verdict.names import OutsideName
from analyzer.verdict.passage import REQUEST, Moment, Passage
from analyzer.verdict.record import Analysis, CallRecord
from analyzer.verdict.sheets import Sheets

# What one page holds of each.
SHOWN_EVENTS, SHOWN_EDGES, SHOWN_NAMES, SHOWN_SECURED, SHOWN_DRAFT = 120, 60, 200, 200, 400
SHOWN_PACKETS, SHOWN_LINKS = 3, 5
# The width of a bar of time, in units that the page stretches, and the least that is seen of it.
BAR_WIDTH, _LEAST = 1000, 6

Links = tuple[tuple[str, str], ...]
Anchors = Mapping[str, str]


class EventView(Fact, frozen=True):
    """An event of the timeline; ``links`` are ``(call id, anchor of its row or nothing)``."""

    day: str
    clock: str
    kind: str
    sentence: str
    links: Links
    more_calls: int
    packets: tuple[str, ...]


class TimelineView(Fact, frozen=True):
    """The events in the order of their time; ``more`` are left out, none of them a change, a restart or a gap."""

    events: tuple[EventView, ...]
    more: int
    strip: Strip | None


class LaneView(Fact, frozen=True):
    """A leg as one capture saw it; ``x`` and ``width`` are of ``BAR_WIDTH``."""

    role: str
    certain: bool
    sealed: bool
    capture: str
    ends: str
    request: str
    reply: str
    packets: str
    x: int
    width: int


class JourneyView(Fact, frozen=True):
    """A call over all captures that saw it."""

    call_id: str
    anchor: str
    title: str
    verdict: str
    observed: str
    span: str
    request_id: str
    clocks: tuple[str, ...]
    lanes: tuple[LaneView, ...]


class EdgeView(Fact, frozen=True):
    """Who calls whom, with the counts by verdict."""

    source: str
    target: str
    counts: tuple[tuple[str, int], ...]


class GraphView(Fact, frozen=True):
    """The graph that the picture shows, and its first edges as a table, the worst first."""

    graph: Graph
    edges: tuple[EdgeView, ...]
    more: int


class NameView(Fact, frozen=True):
    """One name of what no Service took."""

    workload: str
    name: str
    port: int
    protocol: str
    named_by: str
    cluster: str
    known: bool
    addresses: str
    links: Links
    more_calls: int


class NamesView(Fact, frozen=True):
    """All names, and the lines of the ServiceEntries that would make them known."""

    names: tuple[NameView, ...]
    more: int
    draft: tuple[str, ...]
    more_draft: int


class SecuredView(Fact, frozen=True):
    """One edge of the mTLS sheet; ``counts`` are Istio's mutual TLS, other TLS, plaintext, unknown."""

    client: str
    server: str
    inside: bool
    counts: tuple[int, ...]
    share: str
    level: str
    packets: tuple[str, ...]


class MtlsView(Fact, frozen=True):
    """The mTLS sheet, those edges first that are not all mutual TLS."""

    headline: str
    edges: tuple[SecuredView, ...]
    more: int


class SectionsView(Fact, frozen=True):
    """The sections; of a run without its captures ``journeys``, ``names`` and ``mtls`` are None."""

    timeline: TimelineView
    graph: GraphView
    journeys: tuple[JourneyView, ...] | None
    more_journeys: int
    names: NamesView | None
    mtls: MtlsView | None


def sections_view(analysis: Analysis, sheets: Sheets | None, anchors: Anchors, *, redacted: bool) -> SectionsView:
    """The sections of a run; ``anchors`` maps calls to the rows that have them."""
    by_id = {call.id: call for call in analysis.calls}
    passages = [each for each in sheets.passages if each.call.id in by_id] if sheets else []
    return SectionsView(
        timeline=_timeline(analysis, anchors),
        graph=_graph(analysis.calls),
        journeys=tuple(_journey(each, by_id[each.call.id], anchors) for each in passages) if sheets else None,
        more_journeys=sheets.joined - len(sheets.passages) if sheets else 0,
        names=_names(sheets.names, anchors, redacted=redacted) if sheets else None,
        mtls=_mtls(sheets) if sheets else None,
    )


def _timeline(analysis: Analysis, anchors: Anchors) -> TimelineView:
    events = timeline_of(analysis)
    kept = sorted(events, key=_weight)[:SHOWN_EVENTS]
    shown = sorted(kept, key=lambda event: (event.time_ns, KINDS.index(event.kind), event.sentence))
    marks = [event.time_ns for event in events if event.kind in ("change", "restart")]
    return TimelineView(
        tuple(_event(event, anchors) for event in shown), len(events) - len(shown), strip_of(analysis.calls, marks)
    )


def _weight(event: Event) -> tuple[bool, int, str]:
    return event.kind not in ("change", "restart", "gap"), event.time_ns, event.sentence


def _event(event: Event, anchors: Anchors) -> EventView:
    time = format_time(event.time_ns)
    links, more = _links(event.calls, anchors)
    packets = tuple(packets_phrases(event.packets[:SHOWN_PACKETS]))
    return EventView(time[:10], time[11:23], event.kind, event.sentence, links, more, packets)


def _links(calls: Sequence[str], anchors: Anchors) -> tuple[Links, int]:
    return tuple((name, anchors.get(name, "")) for name in calls[:SHOWN_LINKS]), max(len(calls) - SHOWN_LINKS, 0)


def _graph(calls: Iterable[CallRecord]) -> GraphView:
    graph = build_graph(calls, most=SHOWN_EDGES)
    edges = [
        EdgeView(edge.source, edge.target, tuple((verdict_word(verdict), count) for verdict, count in edge.counts))
        for edge in graph.edges
    ]
    return GraphView(graph, tuple(edges), graph.left_out)


def _journey(passage: Passage, call: CallRecord, anchors: Anchors) -> JourneyView:
    lanes: dict[tuple[str, str, str, str], list[Moment]] = {}
    for moment in passage.moments:
        key = (moment.role, moment.packet.capture, str(moment.client), str(moment.server))
        lanes.setdefault(key, []).append(moment)
    begin = min((moment.time_ns for moment in passage.moments), default=0)
    span = max((moment.time_ns for moment in passage.moments), default=0) - begin
    return JourneyView(
        call_id=call.id,
        anchor=anchors.get(call.id, ""),
        title=f"{source_phrase(call)} → {target_phrase(call)}  {sent_phrase(call)}",
        verdict=verdict_word(call.decision.verdict),
        observed=observed_phrase(call.observed),
        span=format_span(span),
        request_id=passage.request_id or "",
        clocks=tuple(clock_phrase(name, passage.reference, skew) for name, skew in passage.skews),
        lanes=tuple(_lane(moments, begin, max(span, 1)) for moments in lanes.values()),
    )


def _lane(moments: Sequence[Moment], begin: int, span: int) -> LaneView:
    first, last = moments[0], moments[-1]
    at = {moment.what == REQUEST: f"+{(moment.time_ns - begin) / 1_000_000:.3f} ms" for moment in reversed(moments)}
    x = round(BAR_WIDTH * (first.time_ns - begin) / span)
    width = max(round(BAR_WIDTH * (last.time_ns - first.time_ns) / span), _LEAST)
    numbers = dict.fromkeys(str(moment.packet.packet) for moment in moments)
    return LaneView(
        role=first.role,
        certain=first.certain,
        sealed=first.sealed,
        capture=first.packet.capture,
        ends=f"{first.client} → {first.server}",
        request=at.get(True, "not seen"),
        reply=at.get(False, "not seen"),
        packets=", ".join(numbers),
        x=min(x, BAR_WIDTH - _LEAST),
        width=width,
    )


def _names(names: Sequence[OutsideName], anchors: Anchors, *, redacted: bool) -> NamesView:
    shown = []
    for each in names[:SHOWN_NAMES]:
        links, more = _links(each.calls, anchors)
        shown.append(
            NameView(
                each.workload,
                shown_name(each, redact=redacted),
                each.port,
                each.protocol,
                NAMED_BY[each.named_by],
                each.cluster,
                each.known,
                ", ".join(each.addresses[:SHOWN_PACKETS]),
                links,
                more,
            )
        )
    draft = b"".join(service_entries(names)).decode().splitlines() if names else []
    return NamesView(
        tuple(shown), len(names) - len(shown), tuple(draft[:SHOWN_DRAFT]), max(len(draft) - SHOWN_DRAFT, 0)
    )


def _mtls(sheets: Sheets) -> MtlsView:
    edges = sorted(sheets.mtls.edges, key=lambda edge: (not edge.inside, edge.share, edge.client, edge.server))
    return MtlsView(
        mtls_headline(sheets.mtls),
        tuple(map(_secured, edges[:SHOWN_SECURED])),
        max(len(edges) - SHOWN_SECURED, 0),
    )


def _secured(edge: SecuredEdge) -> SecuredView:
    """An edge with packets of its least secure kind, which are the ones to look at."""
    kind = next((kind for kind in (2, 1, 3, 0) if edge.packets[kind]), 0)
    level = "good" if edge.share == 100 else "mixed" if edge.share else "bad"
    return SecuredView(
        client=edge.client,
        server=server_phrase(edge),
        inside=edge.inside,
        counts=edge.counts,
        share=percent_phrase(edge.share) if edge.inside else "",
        level=level if edge.inside else "outside",
        packets=tuple(packets_phrases(edge.packets[kind][:SHOWN_PACKETS])),
    )
