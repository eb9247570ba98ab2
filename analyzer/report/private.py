"""A run without the secrets that were sent in it: what every report shows unless a user asks for all."""

from __future__ import annotations

from analyzer.base.fact import replace
from analyzer.base.secret import redact_host, redact_target, redact_text
from analyzer.verdict.decision import Candidate, Decision, Step
from analyzer.verdict.record import Analysis, CallRecord, CaptureRecord, Finding, InsideRequest, Leg, Observed


def redact_analysis(analysis: Analysis) -> Analysis:
    """The same run with host, path, SNI, sentences, findings and oddities redacted; the rest stays as it is.

    Decisions that calls share stay shared.
    """
    decisions: dict[int, Decision] = {}
    calls = tuple(_redact_call(call, decisions) for call in analysis.calls)
    return replace(redact_apart_from_calls(analysis), calls=calls)


def redact_apart_from_calls(analysis: Analysis) -> Analysis:
    """The same run with findings and oddities redacted, and its calls as they are."""
    findings = tuple(map(_redact_finding, analysis.findings))
    captures = tuple(map(_redact_capture, analysis.captures))
    return replace(analysis, findings=findings, captures=captures)


def redact_call(call: CallRecord) -> CallRecord:
    """One call, as ``redact_analysis`` would show it."""
    return _redact_call(call, {})


def redact_decision(decision: Decision) -> Decision:
    """A decision whose sentences and losing candidates quote no secret."""
    steps = _redact_steps(decision.steps)
    return decision if steps is decision.steps else replace(decision, steps=steps)


def _redact_call(call: CallRecord, decisions: dict[int, Decision]) -> CallRecord:
    decision = decisions.get(id(call.decision))
    if decision is None:
        decision = decisions[id(call.decision)] = redact_decision(call.decision)
    host = redact_host(call.host) if call.host else call.host
    path = redact_target(call.path) if call.path else call.path
    sni = redact_host(call.sni) if call.sni else call.sni
    legs = tuple(map(redact_leg, call.legs))
    observed = redact_observed(call.observed)
    before, after = _redact_steps(call.before), _redact_steps(call.after)
    inside = redact_inside(call.inside)
    if (
        (host, path, sni) == (call.host, call.path, call.sni)
        and decision is call.decision
        and (before, observed, after) == (call.before, call.observed, call.after)
        and _same(legs, call.legs)
        and inside == call.inside
    ):
        return call
    return replace(
        call,
        host=host,
        path=path,
        sni=sni,
        decision=decision,
        legs=legs,
        observed=observed,
        before=before,
        after=after,
        inside=inside,
    )


def redact_inside(inside: tuple[InsideRequest, ...]) -> tuple[InsideRequest, ...]:
    """What a key log shows inside TLS, without secrets."""
    return tuple(
        replace(each, host=redact_host(each.host) if each.host else each.host, path=redact_target(each.path))
        for each in inside
    )


def _redact_steps(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    redacted = tuple(map(redact_step, steps))
    return steps if _same(redacted, steps) else redacted


def redact_step(step: Step) -> Step:
    """A step whose sentence and losing candidates quote no secret."""
    sentence = redact_text(step.sentence)
    lost = tuple(map(_redact_candidate, step.lost))
    if sentence == step.sentence and _same(lost, step.lost):
        return step
    return replace(step, sentence=sentence, lost=lost)


def _redact_candidate(candidate: Candidate) -> Candidate:
    name, why = redact_text(candidate.name), redact_text(candidate.why)
    return candidate if (name, why) == (candidate.name, candidate.why) else replace(candidate, name=name, why=why)


def redact_leg(leg: Leg) -> Leg:
    """A leg whose SNI shows no secret."""
    sni = redact_host(leg.sni) if leg.sni else leg.sni
    return leg if sni == leg.sni else replace(leg, sni=sni)


def redact_observed(observed: Observed) -> Observed:
    """What was observed, without secrets in its sentence."""
    why = redact_text(observed.why) if observed.why else observed.why
    return observed if why == observed.why else replace(observed, why=why)


def _redact_finding(finding: Finding) -> Finding:
    sentence = redact_text(finding.sentence)
    return finding if sentence == finding.sentence else replace(finding, sentence=sentence)


def _redact_capture(capture: CaptureRecord) -> CaptureRecord:
    udp = tuple(replace(flow, sni=redact_host(flow.sni)) if flow.sni else flow for flow in capture.udp)
    return replace(capture, oddities=tuple(map(redact_text, capture.oddities)), udp=udp)


def _same(new: tuple[object, ...], old: tuple[object, ...]) -> bool:
    return all(one is other for one, other in zip(new, old, strict=True))
