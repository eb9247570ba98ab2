"""Thousands of calls become the few kinds of who calls what."""

from __future__ import annotations

from analyzer.report.grouping import group_alike


def test_every_call_is_in_exactly_one_group(shop):
    assert sorted(call.id for group in group_alike(shop) for call in group.calls) == [call.id for call in shop.calls]


def test_calls_with_another_outcome_are_not_alike(shop):
    alike = [group for group in group_alike(shop) if group.target == "reviews:9080" and group.verdict]
    assert [len(group.calls) for group in alike] == [2, 1]


def test_a_group_counts_what_went_otherwise(shop):
    alike = [group for group in group_alike(shop) if group.target == "reviews:9080" and group.verdict]
    assert [group.disagreements for group in alike] == [0, 1]


def test_ten_thousand_calls_are_as_many_groups_as_there_are_chains(many):
    assert len(group_alike(many(1100))) == 9
