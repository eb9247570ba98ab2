"""Thousands of calls become the few kinds of who calls what."""

from __future__ import annotations

from analyzer.report.grouping import group_alike, group_calls


def test_every_call_is_in_exactly_one_group(shop):
    for groups in (group_calls(shop), group_alike(shop)):
        assert sorted(call.id for group in groups for call in group.calls) == [call.id for call in shop.calls]


def test_the_worst_verdict_comes_first_and_null_right_after(shop):
    assert list(dict.fromkeys(group.verdict for group in group_calls(shop))) == [
        "dropped", None, "passthrough", "headless-matched", "service-matched",
    ]  # fmt: skip


def test_more_calls_come_before_fewer(shop):
    matched = [len(group.calls) for group in group_calls(shop) if group.verdict == "service-matched"]
    assert matched == sorted(matched, reverse=True)


def test_a_group_counts_what_went_otherwise(shop):
    assert [group.disagreements for group in group_calls(shop) if group.target == "reviews:9080"] == [0, 1]


def test_calls_with_another_outcome_are_not_alike(shop):
    alike = [group for group in group_alike(shop) if group.target == "reviews:9080" and group.verdict]
    assert [len(group.calls) for group in alike] == [2, 1]


def test_ten_thousand_calls_are_as_many_groups_as_there_are_kinds(many):
    assert len(group_calls(many(1100))) == 8
