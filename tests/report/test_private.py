"""No report shows a secret, and what holds none is not touched."""

from __future__ import annotations

from analyzer.base.fact import replace
from analyzer.base.place import PacketPlace
from analyzer.report.as_json import render_jsonl
from analyzer.report.private import redact_analysis, redact_call, redact_decision
from analyzer.verdict.decision import Candidate, Decision, Step
from analyzer.verdict.record import Observed

SECRET_TARGET = "http://u:CANARY@h/?token=CANARY"


def test_secrets_are_gone_wherever_a_call_can_carry_them(shop):
    call = shop.calls[0]
    step = Step(
        f"Path {SECRET_TARGET} matches.", (PacketPlace("a", 1),), (), (Candidate("x", f"{SECRET_TARGET} is not /y"),)
    )
    leg = replace(call.legs[1], sni="u:CANARY@h")
    leaky = replace(
        call,
        host="u:CANARY@h",
        path=SECRET_TARGET,
        sni="u:CANARY@h",
        legs=(leg,),
        observed=Observed(why=SECRET_TARGET),
        decision=replace(call.decision, steps=(step,)),
    )
    finding = replace(shop.findings[0], sentence=f"1 call to {SECRET_TARGET}")
    capture = replace(shop.captures[0], oddities=(f"two hosts in {SECRET_TARGET}",))
    run = redact_analysis(replace(shop, calls=(leaky,), findings=(finding,), captures=(capture,)))
    assert b"CANARY" not in b"".join(render_jsonl(run))
    assert run.calls[0] == redact_call(leaky)


def test_what_holds_no_secret_is_the_same_object(shop):
    assert redact_call(shop.calls[0]) is shop.calls[0]
    assert redact_decision(shop.calls[0].decision) is shop.calls[0].decision


def test_decisions_that_calls_share_stay_shared(shop):
    shared = Decision(None, None, steps=(Step("see /?token=CANARY"),))
    run = redact_analysis(replace(shop, calls=tuple(replace(call, decision=shared) for call in shop.calls)))
    assert len({id(call.decision) for call in run.calls}) == 1
