"""A run of which strict redaction leaves the words of paths alone: for a report that goes to strangers.

Applied before any format, whose own redaction comes on top.
"""

from __future__ import annotations

from analyzer.base.fact import replace
from analyzer.base.secret import reduce_target, reduce_text
from analyzer.report.as_check import redact_result
from analyzer.report.private import redact_call, redact_inside
from analyzer.verdict.check.case import CheckResult
from analyzer.verdict.decision import Candidate, Decision, Step
from analyzer.verdict.drift import RunDiff
from analyzer.verdict.record import Analysis, CallRecord, MovedCall, WhatIf


def reduce_analysis(analysis: Analysis) -> Analysis:
    """The same run with reduced paths in calls, chains, findings and oddities. Shared decisions stay shared."""
    decisions: dict[int, Decision] = {}
    findings = tuple(replace(each, sentence=reduce_text(each.sentence)) for each in analysis.findings)
    captures = tuple(replace(each, oddities=tuple(map(reduce_text, each.oddities))) for each in analysis.captures)
    calls = tuple(reduce_call(call, decisions) for call in analysis.calls)
    return replace(analysis, calls=calls, findings=findings, captures=captures)


def reduce_moves(what: WhatIf) -> WhatIf:
    """The same moves with reduced paths."""
    return replace(what, moves=tuple(map(_reduce_move, what.moves)))


def reduce_diff(diff: RunDiff) -> RunDiff:
    """The same difference with reduced paths."""
    shares = tuple(replace(share, first=reduce_call(share.first)) for share in diff.shares)
    return replace(diff, moves=tuple(map(_reduce_move, diff.moves)), shares=shares)


def reduce_result(result: CheckResult) -> CheckResult:
    """The same result with reduced paths in names, in what was got and in the blame."""
    shown = redact_result(result)
    cases = (
        replace(
            case,
            name=reduce_text(case.name),
            got=reduce_text(case.got),
            blame=replace(case.blame, why=reduce_text(case.blame.why)),
        )
        for case in shown.cases
    )
    return replace(shown, cases=tuple(cases))


def _reduce_move(move: MovedCall) -> MovedCall:
    before, after = (_reduce_decision(each) if each else None for each in (move.before, move.after))
    return replace(move, call=reduce_call(move.call), before=before, after=after)


def reduce_call(call: CallRecord, decisions: dict[int, Decision] | None = None) -> CallRecord:
    """The same call with a reduced path; ``decisions`` are those that were reduced already, by ``id``."""
    known = {} if decisions is None else decisions
    decision = known.get(id(call.decision))
    if decision is None:
        decision = known[id(call.decision)] = _reduce_decision(call.decision)
    return replace(
        redact_call(call),
        path=reduce_target(call.path) if call.path else call.path,
        decision=decision,
        observed=replace(call.observed, why=reduce_text(call.observed.why)),
        before=_reduce_steps(call.before),
        after=_reduce_steps(call.after),
        inside=tuple(replace(each, path=reduce_target(each.path)) for each in redact_inside(call.inside)),
    )


def _reduce_decision(decision: Decision) -> Decision:
    return replace(decision, steps=_reduce_steps(decision.steps))


def _reduce_steps(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    return tuple(
        replace(step, sentence=reduce_text(step.sentence), lost=tuple(map(_reduce_candidate, step.lost)))
        for step in steps
    )


def _reduce_candidate(candidate: Candidate) -> Candidate:
    return replace(candidate, name=reduce_text(candidate.name), why=reduce_text(candidate.why))
