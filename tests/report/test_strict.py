"""Strict redaction leaves the plain words of paths, in every place that shows one."""

from __future__ import annotations

import pytest

from analyzer.base.fact import replace
from analyzer.base.place import YamlPlace
from analyzer.report.as_json import render_jsonl
from analyzer.report.strict import reduce_analysis, reduce_call, reduce_diff, reduce_moves, reduce_result
from analyzer.verdict.check.case import Blame, Case, CheckResult
from analyzer.verdict.decision import Candidate, Step
from analyzer.verdict.drift import RunDiff
from analyzer.verdict.record import MovedCall, Observed, WhatIf

PATH = "/customers/8431-jane/orders?q=jane"


@pytest.fixture
def telling(shop):
    """A call whose path stands wherever one can stand."""
    call = shop.calls[0]
    step = Step(f"sent GET {PATH} to it", (), (), (Candidate("x", f"{PATH} is not /y"),))
    return replace(
        call,
        path=PATH,
        observed=Observed(why=f"{PATH} was answered"),
        decision=replace(call.decision, steps=(step,)),
        before=(step,),
        after=(step,),
    )


def test_a_run_tells_no_more_of_a_path_than_its_words(shop, telling):
    finding = replace(shop.findings[0], sentence=f"1 call to {PATH}")
    capture = replace(shop.captures[0], oddities=(f"two hosts in {PATH}",))
    run = reduce_analysis(replace(shop, calls=(telling,), findings=(finding,), captures=(capture,)))

    text = b"".join(render_jsonl(run))

    assert b"jane" not in text
    assert b"/customers/[redacted]/orders?[redacted]" in text
    assert run.calls[0] == reduce_call(telling)


def test_moves_and_differences_tell_no_more(telling):
    move = MovedCall(telling, telling.decision, telling.decision)

    assert "jane" not in repr(reduce_moves(WhatIf((move,), 1, 0)))
    assert "jane" not in repr(reduce_diff(RunDiff((move,), (), (1, 1))))


def test_results_of_a_check_tell_no_more():
    place = YamlPlace("suite.yaml", 3)
    case = Case(f"to {PATH}", "expectation", False, "all dropped", f"answered {PATH}", place, Blame(f"GET {PATH}"))
    result = CheckResult("suite.yaml", (case,), 1, 0)

    assert "jane" not in repr(reduce_result(result))
