"""Things that say the same at the same time, and who took which of what they can have taken."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.verdict.rivals import MOST_RIVALS, Rivals, settle


def test_rivals_meet_in_time_however_indirectly() -> None:
    rivals = Rivals([("a", 0, 10, "one"), ("a", 8, 20, "two"), ("a", 15, 30, "three"), ("a", 31, 40, "later")])

    assert rivals.at("a", 15) == ["one", "two", "three"]
    assert rivals.at("a", 31) == ["later"]


def test_a_long_one_meets_what_begins_after_a_short_one_ended() -> None:
    rivals = Rivals([("a", 0, 100, "long"), ("a", 5, 10, "short"), ("a", 50, 60, "late")])

    assert rivals.at("a", 50) == ["long", "short", "late"]


def test_what_says_something_else_is_no_rival() -> None:
    rivals = Rivals([("a", 0, 10, "one"), ("b", 5, 10, "two")])

    assert rivals.at("a", 0) == ["one"]
    assert rivals.at("c", 0) == []


def test_of_a_crowd_nothing_is_concluded() -> None:
    crowd = Rivals([("a", 0, 10, number) for number in range(MOST_RIVALS + 1)])

    assert crowd.at("a", 0) == []


@pytest.mark.parametrize(
    ("options", "taken"),
    [
        ([["x"]], ["x"]),
        ([["x", "y"], ["x"]], ["y", "x"]),
        ([["x", "y"], ["x", "y"]], [None, None]),
        ([["x", "y"], ["y", "z"], ["y", "z"]], ["x", None, None]),
        ([["x", "y", "z"], ["y", "z"]], [None, None]),
        ([[], ["x"]], [None, "x"]),
        ([], []),
    ],
)
def test_who_has_one_option_left_takes_it_from_the_others(options, taken) -> None:
    assert settle(options) == taken


@settings(max_examples=100, deadline=None)
@given(st.permutations(range(5)), st.lists(st.sets(st.integers(0, 4)), min_size=5, max_size=5))
def test_where_everyone_could_have_taken_the_right_thing_nobody_is_said_to_have_taken_another(right, more) -> None:
    options = [sorted({own, *others}) for own, others in zip(right, more, strict=True)]

    known = settle(options)

    assert all(taken is None or taken == own for taken, own in zip(known, right, strict=True))
