"""Calls are counted by who calls what with which end."""

from __future__ import annotations

from collections import Counter

from analyzer.base.fact import replace
from analyzer.report.ends import count_calls, ranked, summary_of


def test_every_call_is_counted_once(shop):
    summary = summary_of(shop)

    assert count_calls(summary.ends.values()) == len(shop.calls)
    assert summary.verdicts == Counter(call.decision.verdict for call in shop.calls)
    assert summary.verdicts.total() == 11


def test_the_worst_verdict_comes_first_and_null_right_after(shop):
    assert list(dict.fromkeys(end.verdict for end, _ in ranked(summary_of(shop).ends))) == [
        "dropped", None, "passthrough", "headless-matched", "service-matched",
    ]  # fmt: skip


def test_more_calls_come_before_fewer(shop):
    rows = ranked(summary_of(shop).ends)
    matched = [outcomes.total() for end, outcomes in rows if end.verdict == "service-matched"]
    assert matched == sorted(matched, reverse=True)
    assert matched[0] > matched[-1]


def test_what_contradicts_the_decision_is_an_outcome_of_its_own(shop):
    rows = ranked(summary_of(shop).ends)
    fit = [[outcome.fits for outcome in sorted(outcomes)] for end, outcomes in rows if end.target == "reviews:9080"]
    assert fit == [[True], [False, True]]


def test_ten_thousand_calls_are_as_many_rows_as_there_are_ends(many):
    assert len(summary_of(many(1100)).ends) == 8


def test_the_first_call_of_those_that_ended_worst_is_named(shop):
    dropped = next(call for call in shop.calls if call.decision.verdict == "dropped")

    assert summary_of(shop).first == (dropped.id, dropped.decision.reason)
    assert summary_of(replace(shop, calls=shop.calls[:1])).first == (shop.calls[0].id, shop.calls[0].decision.reason)
    assert summary_of(replace(shop, calls=())).first is None
