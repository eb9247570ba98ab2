"""What a check says of a case and of a suite."""

from __future__ import annotations

import pytest

from analyzer.base.place import YamlPlace
from analyzer.verdict.check.case import BUDGET, NAMED, Case, CheckResult, blame, why
from analyzer.verdict.decision import Step


def case(*, passed: bool) -> Case:
    return Case("a", BUDGET, passed, "b", "c", YamlPlace("s.yaml", 1))


@pytest.mark.parametrize(("held", "share"), [((), 100.0), ((True, True), 100.0), ((True, False), 50.0)])
def test_the_share_that_passed_is_of_all_cases(held, share) -> None:
    result = CheckResult("s", tuple(case(passed=each) for each in held), 1, 0)

    assert result.share_passed == share
    assert len(result.failures) == held.count(False)


def test_why_is_the_reason_in_words(record, decision, no_route) -> None:
    assert why(record(no_route)) == "no route of the virtual host matches the request: 404"
    assert why(record(decision(None, None, undetermined=("weighted", "own")))).endswith(", own")


def test_why_a_call_arrived_is_the_step_that_chose_its_cluster(record, decision) -> None:
    steps = (
        Step("route v1 takes the request", yaml=(YamlPlace("a.yaml", 7),)),
        Step("cluster outbound|80||web has an endpoint", yaml=(YamlPlace("a.yaml", 8),)),
        Step("the server declares the port", yaml=(YamlPlace("a.yaml", 9),)),
    )
    call = record(decision(cluster="outbound|80||web", steps=steps))

    assert why(call) == "route v1 takes the request"
    assert [place.line for place in blame([call]).yaml] == [7]
    assert why(call, inside=True) == "the server declares the port"
    assert [place.line for place in blame([call], inside=True).yaml] == [9]


def test_why_a_call_that_no_sidecar_sent_arrived_is_its_last_step_that_stands_on_yaml(record, decision) -> None:
    place = (YamlPlace("a.yaml", 7),)
    steps = (Step("first", yaml=place), Step("last", yaml=place), Step("aside", yaml=place, aside=True), Step("bare"))

    assert why(record(decision(steps=steps))) == "last"
    assert why(record(decision())) == ""


def test_calls_to_blame_are_all_counted_and_the_first_are_shown(record, no_route) -> None:
    found = blame(record(no_route, id=str(n)) for n in range(NAMED + 2))

    assert len(found.calls) == NAMED + 2
    assert len(found.packets) == NAMED
    assert found.why.count("404") == 1
