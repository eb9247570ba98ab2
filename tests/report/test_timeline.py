"""What changed when."""

from __future__ import annotations

import pytest

from analyzer.base.fact import replace
from analyzer.base.place import PacketPlace
from analyzer.report.timeline import KINDS, has_failed, timeline_of
from analyzer.verdict.moved import MOVED_BY_CHANGE
from analyzer.verdict.parting import OTHER_CONFIGURATION
from analyzer.verdict.record import Finding, Observed

SECOND = 1_000_000_000


@pytest.fixture
def told(shop):
    """A run of calls of one edge, each told as seconds after the first and what was observed."""

    def build(*calls):
        fine = next(call for call in shop.calls if call.decision.verdict == "service-matched")
        made = (
            replace(fine, id=str(n), observed=observed, first_ns=fine.first_ns + int(at * SECOND))
            for n, (at, observed) in enumerate(calls, 1)
        )
        return replace(shop, calls=tuple(made), captures=())

    return build


FINE, FAILED, RESET = (
    Observed(200, "app", outcome="answered"),
    Observed(503, "app", outcome="answered"),
    Observed(closed_by="server", outcome="reset"),
)


def test_the_first_failure_of_an_edge_is_told_with_what_was_before_it(told):
    events = timeline_of(told((0, FINE), (1, FAILED), (5, FAILED), (6, FINE)))

    assert [event.kind for event in events] == ["first-failure"]
    assert "503 from app; after 1 call that did not fail; 2 of 4 calls fail" in events[0].sentence
    assert events[0].calls == ("2",)
    assert events[0].packets == (PacketPlace("shop_web-0.any.pcap", 11),)


def test_an_edge_of_one_call_says_so(told):
    (event,) = timeline_of(told((0, FAILED)))

    assert event.sentence.endswith("503 from app; the only call")


def test_failures_close_together_are_a_burst(told):
    events = timeline_of(
        told((0, FAILED), (0.5, FAILED), (1, FAILED), (9, FAILED), (20, FAILED), (20, FAILED), (20, FAILED))
    )

    bursts = [event.calls for event in events if event.kind == "burst"]
    assert bursts == [("1", "2", "3"), ("5", "6", "7")]


def test_resets_are_told_by_whom(told):
    events = timeline_of(told((0, RESET), (5, RESET), (9, replace(RESET, closed_by=None))))

    resets = [event.sentence for event in events if event.kind == "reset"]
    assert "2 calls reset by server" in resets[0]
    assert "1 call reset by nobody knows whom" in resets[1]


def test_a_run_without_failures_has_no_events(told):
    assert timeline_of(told((0, FINE))) == []


@pytest.mark.parametrize(
    ("observed", "failed"),
    [
        (FINE, False), (FAILED, True), (RESET, True), (Observed(404, "app", outcome="answered"), False),
        (Observed(outcome="no-answer"), True), (Observed(outcome="open"), False),
    ],
)  # fmt: skip
def test_what_came_to_nothing_has_failed(told, observed, failed):
    (call,) = told((0, observed)).calls

    assert has_failed(call) is failed


def test_captures_that_see_less_are_gaps(shop):
    whole = replace(shop.captures[0], complete=True, first_ns=0, last_ns=100 * SECOND, records=9)
    part = replace(whole, name="part.pcap", first_ns=20 * SECOND, last_ns=80 * SECOND, complete=False)
    none = replace(whole, name="none.pcap", records=0, first_ns=0, last_ns=0)

    events = timeline_of(replace(shop, calls=(), captures=(whole, part, none)))

    assert [(event.time_ns // SECOND, event.sentence.partition(" ")[0]) for event in events] == [
        (20, "part.pcap"), (80, "part.pcap"), (80, "part.pcap"),
    ]  # fmt: skip


def test_events_are_in_the_order_of_their_time(shop):
    events = timeline_of(shop)

    assert events == sorted(events, key=lambda event: (event.time_ns, KINDS.index(event.kind), event.sentence))
    assert any(event.kind == "first-failure" for event in events)


@pytest.mark.parametrize("code", [MOVED_BY_CHANGE, OTHER_CONFIGURATION])
def test_what_a_change_of_the_mesh_did_is_told_when_it_began(told, code):
    run = told((0, FINE), (1, FINE))
    finding = Finding(code, "it moved", ("2",), first_ns=run.calls[1].first_ns)

    (event,) = timeline_of(replace(run, findings=(finding,)))

    assert (event.kind, event.time_ns, event.calls) == ("change", run.calls[1].first_ns, ("2",))


def test_a_pod_at_a_new_address_is_told(told):
    run = told((0, FINE), (5, FINE))
    moved = replace(run.calls[1], client=replace(run.calls[1].client, ip="10.9.9.9"))

    (event,) = timeline_of(replace(run, calls=(run.calls[0], moved)))

    assert event.kind == "restart"


def test_connections_that_lack_bytes_are_gaps(told, shop):
    lossy = tuple(replace(flow, missed_bytes=100) for flow in shop.flows[:2])

    (event,) = timeline_of(replace(told((0, FINE)), flows=lossy))

    assert event.kind == "gap"
    assert "lacks 200 B of 2 connections" in event.sentence


def test_what_the_mesh_would_drop_and_an_application_answered_has_not_failed(shop):
    call = shop.calls[4]
    answered = replace(call, observed=Observed(200, "app", outcome="answered", agrees=False))

    assert has_failed(call)
    assert not has_failed(answered)
