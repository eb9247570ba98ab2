"""The nouns of a decision."""

import pytest

from analyzer.verdict.decision import DROPPED, VERDICTS, Decision, Inbound, LocalResponse, Outbound, Step


def test_verdicts_stand_from_the_least_to_the_worst() -> None:
    assert VERDICTS == ("service-matched", "headless-matched", "passthrough", "dropped")


def test_a_decision_can_be_shared_by_calls_because_it_cannot_change() -> None:
    decision = Decision(DROPPED, "no-route", steps=(Step("no route matches"),))
    with pytest.raises(AttributeError):
        decision.verdict = None


def test_equal_decisions_are_one_key() -> None:
    sides = Outbound(cluster="a", response=LocalResponse(404, "NR")), Inbound("shop/reviews")
    first, second = (Decision(DROPPED, "no-route", outbound=sides[0], inbound=sides[1]) for _ in range(2))
    assert len({first, second}) == 1
