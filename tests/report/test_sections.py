"""What the page shows beside findings and calls."""

from __future__ import annotations

import pytest
import yaml

from analyzer.base.fact import replace
from analyzer.base.place import PacketPlace
from analyzer.report.sections import SHOWN_EVENTS, sections_view
from analyzer.verdict.clocks import Skew
from analyzer.verdict.mtls import MtlsSheet, SecuredEdge
from analyzer.verdict.sheets import Sheets


@pytest.fixture(scope="module")
def page(sheeted):
    analysis, sheets = sheeted
    return sections_view(analysis, sheets, {call.id: f"g{call.id}" for call in analysis.calls}, redacted=True)


def test_a_run_without_its_captures_has_what_its_calls_tell(shop):
    page = sections_view(shop, None, {}, redacted=True)

    assert (page.journeys, page.names, page.mtls) == (None, None, None)
    assert page.timeline.events
    assert page.graph.edges


def test_events_stand_in_the_order_of_time_with_links_to_rows(page):
    clocks = [(event.day, event.clock) for event in page.timeline.events]

    assert clocks == sorted(clocks)
    assert page.timeline.events[0].links[0][1].startswith("g")


def test_of_too_many_events_no_gap_is_left_out(crowd):
    calls = tuple(replace(call, observed=replace(call.observed, status=503)) for call in crowd.calls)

    timeline = sections_view(replace(crowd, calls=calls), None, {}, redacted=True).timeline

    assert len(timeline.events) == SHOWN_EVENTS
    assert timeline.more > 0
    assert "gap" in {event.kind for event in timeline.events}


def test_a_journey_has_a_lane_for_each_leg_and_capture_within_the_call(page):
    journey = next(each for each in page.journeys if len(each.lanes) == 4)

    roles = [(lane.role, lane.capture.split(".")[0].split("_")[1]) for lane in journey.lanes]
    assert [role for role, _ in roles] == [
        "app-to-sidecar",
        "sidecar-to-upstream",
        "sidecar-to-upstream",
        "sidecar-to-app",
    ]
    assert roles[1][1] != roles[2][1]
    assert (journey.lanes[0].x, journey.lanes[0].width) == (0, 1000)
    assert all(lane.x + lane.width <= 1000 for lane in journey.lanes)
    assert all("give or take" in clock for clock in journey.clocks)


def test_calls_in_trouble_come_first(page):
    assert page.journeys[0].observed.startswith("503")


def test_a_clock_that_nothing_compares_is_said(sheeted):
    analysis, sheets = sheeted
    first = sheets.passages[0]
    apart = Skew(1_500_000, 20_000, 3)
    told = Sheets(
        sheets.mtls,
        (),
        (_with_skews(first, (("a.pcap", None), ("b.pcap", apart))),),
        1,
    )

    (journey,) = sections_view(analysis, told, {}, redacted=True).journeys

    reference = first.reference
    assert journey.clocks == (
        f"a.pcap shares no exchange with {reference}: its times are as it has them",
        f"b.pcap is 1.5 ms ahead of {reference}, give or take 20.0 µs, by 3 connections",
    )


def _with_skews(passage, skews):
    return type(passage)(passage.call, passage.moments, skews)


def test_the_draft_is_yaml_that_names_what_is_outside(page):
    drafted = [each for each in yaml.safe_load_all("\n".join(page.names.draft)) if each]

    hosts = {host for each in drafted for host in each["spec"]["hosts"]}
    outside = {name.name for name in page.names.names if not name.known and name.named_by != "-"}
    assert outside <= hosts


def test_edges_that_are_not_all_mutual_tls_come_first_with_packets_of_their_worst(sheeted):
    analysis, _ = sheeted
    place = PacketPlace("a.pcap", 7)
    edges = (
        SecuredEdge("a", "b", 80, ((place,), (), (), ())),
        SecuredEdge("a", "c", 80, ((place,), (), (PacketPlace("a.pcap", 9),), ())),
        SecuredEdge("a", "d", 443, ((), (place,), (), ()), inside=False),
    )

    sheet = Sheets(MtlsSheet(edges), (), (), 0)
    told = sections_view(analysis, sheet, {}, redacted=True).mtls.edges

    assert [(edge.server, edge.share, edge.level) for edge in told] == [
        ("c:80", "50 %", "mixed"),
        ("b:80", "100 %", "good"),
        ("d:443", "", "outside"),
    ]
    assert told[0].packets == ("a.pcap packet 9",)
