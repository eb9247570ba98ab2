"""Calls are told in the same few words everywhere."""

from __future__ import annotations

from collections import Counter

import pytest

from analyzer.base.fact import replace
from analyzer.base.place import PacketPlace
from analyzer.report.phrase import (
    agreement_phrase,
    calls_phrase,
    clock_phrase,
    clusters_phrase,
    headline,
    observed_phrase,
    outcome_of,
    outcomes_phrase,
    packets_phrases,
    range_phrase,
    reason_word,
    request_phrase,
    seen_phrase,
    source_phrase,
    target_phrase,
)
from analyzer.verdict.clocks import Skew
from analyzer.verdict.decision import Decision, Outbound
from analyzer.verdict.findings import DROPPED_CALL
from analyzer.verdict.moved import MOVED_BY_CHANGE
from analyzer.verdict.record import Finding, Observed


@pytest.mark.parametrize(
    ("observed", "said"),
    [
        (Observed(200, "app", outcome="answered"), "200 from app"),
        (Observed(200, "app", grpc_status=5, outcome="answered"), "200 grpc 5 from app"),
        (Observed(outcome="answered"), "answered"),
        (Observed(404, "envoy", outcome="local-reply"), "404 from envoy"),
        (Observed(closed_by="server", outcome="reset"), "reset by server"),
        (Observed(outcome="closed"), "closed"),
        (Observed(outcome="refused"), "refused"),
        (Observed(outcome="no-answer"), "no answer"),
        (Observed(tls_alert="unknown_ca", outcome="tls-alert"), "TLS alert unknown_ca"),
        (Observed(outcome="open"), "open at the end"),
        (Observed(outcome="something-new"), "something-new"),
    ],
)
def test_what_was_observed_is_two_or_three_words(observed, said):
    assert observed_phrase(observed) == said


@pytest.mark.parametrize(("agrees", "word"), [(True, "agrees"), (False, "disagrees"), (None, "cannot tell")])
def test_agreement_is_said_three_ways(agrees, word):
    assert word in agreement_phrase(Observed(agrees=agrees))


def test_a_caller_is_its_pod_or_its_address(shop):
    assert [source_phrase(shop.calls[i]) for i in (0, 8)] == ["shop/web-0", "10.244.1.9"]


@pytest.mark.parametrize(
    ("index", "said"),
    [(0, "reviews:9080"), (2, "details:9080"), (6, "api.stripe.com:443"), (7, "shop/kafka-1:9092"),
     (10, "reviews.shop.svc.cluster.local:9080")],
)  # fmt: skip
def test_a_target_is_the_best_name_with_its_port(shop, index, said):
    assert target_phrase(shop.calls[index]) == said


def test_a_target_without_any_name_is_its_address(shop):
    assert target_phrase(replace(shop.calls[7], server_pod=None)) == "10.244.3.4:9092"


def test_a_request_is_its_line_or_the_name_in_it(shop):
    assert [request_phrase(shop.calls[i]) for i in (0, 6, 7)] == ["GET reviews /reviews/7", "api.stripe.com", ""]


def test_a_reason_word_is_what_is_missing_where_there_is_no_reason():
    assert reason_word(Decision("dropped", "no-route")) == "no-route"
    assert reason_word(Decision(None, None, ("a", "b"))) == "a, b"
    assert reason_word(Decision(None, None)) == "-"


def test_outcomes_of_several_calls_are_counted_and_disagreements_come_first(shop):
    outcomes = [outcome_of(call.observed) for call in shop.calls[:4]]

    assert outcomes_phrase(Counter(outcomes)) == "reset by server ×1, 200 from app ×3"
    assert outcomes_phrase(Counter(outcomes[:2])) == "200 from app"


def test_packets_are_told_by_capture():
    places = [PacketPlace("a", 5), PacketPlace("a", 6), PacketPlace("a", 7), PacketPlace("b", 1)]
    assert packets_phrases(places) == ["a packets 5–7", "b packet 1"]
    assert range_phrase("a", 1, 1) == "a packet 1"
    assert range_phrase("a", 1, 2) == "a packets 1–2"


def test_a_finding_names_its_first_calls(shop):
    finding = shop.findings[0]
    assert calls_phrase(finding) == "call 00000004"
    assert calls_phrase(replace(finding, calls=tuple("abcde"))) == "calls a, b, c and 2 more"
    assert calls_phrase(replace(finding, calls=())) == ""


def test_weights_are_shares_of_their_sum(shop):
    outbound = shop.calls[9].decision.outbound
    assert clusters_phrase(outbound) == (
        "outbound|9080|v1|reviews.shop.svc.cluster.local 90 %, outbound|9080|v2|reviews.shop.svc.cluster.local 10 %"
    )
    assert clusters_phrase(Outbound()) is None


def test_the_headline_says_what_did_not_reach_a_service(shop, empty):
    assert headline(shop) == "11 calls: 2 dropped, 2 undetermined, 1 passthrough; 3 findings."
    assert (
        headline(replace(shop, calls=shop.calls[:1], findings=()))
        == "1 call: every one matched a service; no findings."
    )
    assert headline(empty) == "No calls were found."


def finding_of(*calls, code=DROPPED_CALL):
    return Finding(code, "a sentence", tuple(call.id for call in calls))


def test_a_finding_says_since_when_and_what_the_packets_show_of_its_calls(shop):
    one, other = shop.calls[4], replace(shop.calls[4], id="other", first_ns=shop.calls[4].first_ns + 1_000_000_000)
    by_id = {call.id: call for call in (one, other)}

    assert seen_phrase(finding_of(one), by_id) == "at 2025-11-21T08:00:01.250Z; the packets show: 404 from envoy"
    assert seen_phrase(finding_of(one, other), by_id).startswith(
        "since 2025-11-21T08:00:01.250Z, last at 08:00:02.250; "
    )


def test_a_finding_of_another_day_says_the_day(shop):
    one, other = shop.calls[4], replace(shop.calls[4], id="other", first_ns=shop.calls[4].first_ns + 10**14)

    said = seen_phrase(finding_of(one, other), {call.id: call for call in (one, other)})

    assert ", last at 2025-11-22T" in said


def test_a_finding_about_a_change_tells_its_moment_itself(shop):
    call = shop.calls[4]

    said = seen_phrase(finding_of(call, code=MOVED_BY_CHANGE), {call.id: call})

    assert said == "the packets show: 404 from envoy"


def test_a_finding_without_calls_shows_nothing():
    assert seen_phrase(finding_of(), {}) == ""


@pytest.mark.parametrize(
    ("skew", "said"),
    [
        (None, "b shares no exchange with a: its times are as it has them"),
        (Skew(0, 1_000, 1), "b is as early as a, give or take 1.0 µs, by 1 connection"),
        (Skew(-2_000_000, 1_000, 2), "b is 2.0 ms behind a, give or take 1.0 µs, by 2 connections"),
    ],
)
def test_how_far_clocks_are_apart_is_a_sentence(skew, said):
    assert clock_phrase("b", "a", skew) == said
