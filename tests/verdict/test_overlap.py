"""Spans are counted where they meet."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.verdict.overlap import Overlap

SPANS = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)).map(lambda pair: tuple(sorted(pair))))


def test_nothing_overlaps_where_nothing_is() -> None:
    assert Overlap([]).count("a", 0, 9) == 0


def test_spans_that_only_touch_meet() -> None:
    assert Overlap([("a", 0, 5)]).count("a", 5, 9) == 1


def test_another_kind_is_not_counted() -> None:
    assert Overlap([("a", 0, 5), ("b", 0, 5)]).count("a", 1, 2) == 1


def test_a_span_that_ends_before_it_begins_is_a_moment() -> None:
    overlap = Overlap([("a", 7, 3)])

    assert [overlap.count("a", at, at) for at in (3, 7, 8)] == [0, 1, 0]


@settings(max_examples=100, deadline=None)
@given(SPANS, st.integers(0, 30), st.integers(0, 30))
def test_the_count_is_what_looking_at_every_span_gives(spans, one, other) -> None:
    begin, end = sorted((one, other))

    counted = Overlap(("a", *span) for span in spans).count("a", begin, end)

    assert counted == sum(first <= end and last >= begin for first, last in spans)
