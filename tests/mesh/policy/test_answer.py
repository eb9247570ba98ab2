"""Logic with three values: certain where it can be, honest where it cannot."""

from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.mesh.policy.answer import NO, YES, all_of, any_of, known, negation, unknown

answers = st.lists(st.sampled_from([YES, NO, unknown("a"), unknown("b")]), max_size=5)


def test_nothing_is_no_for_any_and_yes_for_all():
    assert any_of([]) == NO
    assert all_of([]) == YES


def test_one_that_holds_is_enough_whatever_is_unknown():
    assert any_of([unknown("a"), YES]) == YES


def test_one_that_does_not_hold_is_enough_against_all():
    assert all_of([unknown("a"), NO]) == NO


def test_what_would_decide_is_named_once():
    assert any_of([unknown("a"), NO, unknown("a", "b")]) == unknown("a", "b")


def test_the_negation_of_the_unknown_is_unknown():
    assert negation(unknown("a")) == unknown("a")


@settings(max_examples=100, deadline=None)
@given(answers)
def test_de_morgan_holds(found):
    assert negation(any_of(found)).holds == all_of(negation(each) for each in found).holds


@settings(max_examples=100, deadline=None)
@given(answers)
def test_filling_in_the_unknown_never_contradicts_a_certain_answer(found):
    filled = [known(True) if each.holds is None else each for each in found]
    for combine in (any_of, all_of):
        certain = combine(found).holds
        assert certain is None or certain == combine(filled).holds
