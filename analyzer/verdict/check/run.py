"""A suite held against a run: budgets, expectations, recorded ends, acceptances, and the evidence for all of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime

from analyzer.base.fact import replace
from analyzer.base.oddity import Level
from analyzer.base.place import YamlPlace
from analyzer.verdict.check.case import ACCEPTANCE, BUDGET, EXPECTATION, FINDING, NAMED, Blame, Case, CheckResult, blame
from analyzer.verdict.check.expected import RecordedCall, compare_recorded
from analyzer.verdict.check.suite import (
    DISAGREEMENT,
    UNDETERMINED,
    Acceptance,
    Budget,
    Expectation,
    LintBudget,
    Suite,
)
from analyzer.verdict.lint.finding import LintFinding
from analyzer.verdict.record import Analysis, CallRecord, MovedCall

# An expectation with such a field is about the server's sidecar.
_ABOUT_SERVER = "inbound."
_SECOND_NS = 1_000_000_000


def newest_day(analysis: Analysis) -> date:
    """The day of the newest packet, in UTC: a suite means the same whenever it runs."""
    newest = max((capture.last_ns for capture in analysis.captures), default=0)
    return datetime.fromtimestamp(newest // _SECOND_NS, UTC).date()


def run_suite(
    suite: Suite,
    analysis: Analysis,
    *,
    today: date,
    recorded: Sequence[RecordedCall] | None = None,
    findings: Sequence[LintFinding] = (),
) -> CheckResult:
    """What holds of ``suite`` in ``analysis``; ``recorded`` is what its expected file says, None where it has none.

    ``findings`` are what lint says of the mesh, for suites that ask.

    Acceptances that have expired on ``today`` fail, and accept nothing.
    """
    standing = [each for each in suite.accepted if each.until is None or today <= each.until]
    accepted = {call.id for call in analysis.calls if any(each.accepts_call(call) for each in standing)}
    cases = [
        *(_acceptance(each, today) for each in suite.accepted),
        *(_budget(each, analysis.calls, accepted) for each in suite.budgets),
        *(_expectation(each, analysis.calls) for each in suite.expectations),
        *(_findings(suite.lint, findings, standing) if suite.lint else ()),
    ]
    if recorded is not None:
        cases += compare_recorded(recorded, analysis.calls, file=suite.expected or suite.file)
    return CheckResult(
        suite=suite.file,
        cases=tuple(cases),
        calls=len(analysis.calls),
        undetermined=sum(call.decision.verdict is None for call in analysis.calls),
        accepted=len(accepted),
        lacking=tuple(_lacking(suite, analysis)),
        notes=tuple(_idle(standing, analysis.calls, findings)),
        captures=analysis.captures,
        mesh=analysis.mesh,
        limits=analysis.limits,
    )


def with_causes(result: CheckResult, calls: Iterable[CallRecord], moves: Iterable[MovedCall]) -> CheckResult:
    """``result`` whose failures name the lines that moved their calls, as ``what_if`` found them.

    ``calls`` are those of the run that was checked; they are the same connections in the run of the old mesh.
    """
    causes = {(move.call.uid, move.call.request): move.yaml for move in moves}
    lines = {call.id: causes.get((call.uid, call.request), ()) for call in calls}
    return replace(result, cases=tuple(case if case.passed else _caused(case, lines) for case in result.cases))


def _caused(case: Case, lines: Mapping[str, tuple[YamlPlace, ...]]) -> Case:
    moved = [place for call in case.blame.calls for place in lines.get(call, ())]
    if not moved:
        return case
    return replace(case, blame=replace(case.blame, yaml=tuple(dict.fromkeys(moved))[:NAMED]))


def _acceptance(acceptance: Acceptance, today: date) -> Case:
    until = acceptance.until
    expired = until is not None and today > until
    return Case(
        name=acceptance.name,
        kind=ACCEPTANCE,
        passed=not expired,
        expected=f"to hold until {until}" if until else "to hold",
        got=f"expired; it is {today}" if expired else "holds",
        place=acceptance.place,
        blame=Blame(acceptance.reason) if expired else Blame(),
    )


def _budget(budget: Budget, calls: Sequence[CallRecord], accepted: set[str]) -> Case:
    spent = [call for call in calls if call.id not in accepted and _is(call, budget.what)]
    passed = len(spent) <= budget.most.of(len(calls))
    return Case(
        name=budget.name,
        kind=BUDGET,
        passed=passed,
        expected=f"at most {budget.most} of {len(calls):,} calls",
        got=_of_all(len(spent), len(calls)),
        place=budget.place,
        blame=Blame() if passed else blame(spent),
    )


def _is(call: CallRecord, what: str) -> bool:
    if what == DISAGREEMENT:
        return call.observed.agrees is False
    return call.decision.verdict is None if what == UNDETERMINED else call.decision.verdict == what


def _of_all(count: int, total: int) -> str:
    return f"{count:,} ({100 * count / total:.3g}%)" if total else f"{count:,}"


def _expectation(expectation: Expectation, calls: Sequence[CallRecord]) -> Case:
    chosen = [call for call in calls if expectation.where(call)]
    odd = [call for call in chosen if expectation.expect is not None and not expectation.expect(call)]
    few = len(chosen) < expectation.least
    many = expectation.most is not None and len(chosen) > expectation.most
    passed = not (odd or few or many)
    inside = expectation.expect is not None and _ABOUT_SERVER in expectation.expect.text
    return Case(
        name=expectation.name,
        kind=EXPECTATION,
        passed=passed,
        expected=_expected(expectation),
        got=_got(expectation, chosen, odd),
        place=expectation.place,
        blame=Blame() if passed else blame(odd or (chosen if many else []), inside=inside),
    )


def _expected(expectation: Expectation) -> str:
    most = "" if expectation.most is None else f" and at most {expectation.most}"
    count = f"at least {expectation.least}{most} {'call' if expectation.least == 1 and not most else 'calls'}"
    return f"{count} with {expectation.expect.text}" if expectation.expect else count


def _got(expectation: Expectation, chosen: list[CallRecord], odd: list[CallRecord]) -> str:
    if not chosen:
        return f"no call that fits {expectation.where.text}"
    count = f"{len(chosen):,} {'call' if len(chosen) == 1 else 'calls'}"
    if not odd:
        return count
    ends = dict.fromkeys(f"{call.decision.verdict or 'undetermined'} ({_reason(call)})" for call in odd)
    return f"{count}, {len(odd):,} of them otherwise: {', '.join(ends)}"


def _reason(call: CallRecord) -> str:
    return call.decision.reason or ", ".join(call.decision.undetermined)


def _lacking(suite: Suite, analysis: Analysis) -> Iterator[str]:
    total = len(analysis.calls)
    if total < suite.evidence.calls:
        yield f"{total:,} calls, expected at least {suite.evidence.calls:,}"
    known = sum(call.decision.verdict is not None for call in analysis.calls)
    if total and 100 * known / total < suite.evidence.determined:
        yield f"{100 * known / total:.3g}% of the calls have a verdict, expected {suite.evidence.determined:g}%"


def _findings(budget: LintBudget, findings: Sequence[LintFinding], standing: Sequence[Acceptance]) -> Iterator[Case]:
    """A case for each finding that nobody accepts, or one that there is none."""
    minded = [each for each in findings if budget.minds(each)]
    left = [each for each in minded if not any(acceptance.accepts_finding(each) for acceptance in standing)]
    expected = f"no {' or '.join(_worse(budget.level))} of lint"
    if not left:
        accepted = len(minded) - len(left)
        got = f"none but {accepted:,} accepted" if accepted else "none"
        yield Case(expected, FINDING, passed=True, expected=expected, got=got, place=budget.place)
    for each in left:
        to_blame = Blame(each.what_to_do, yaml=each.yaml[:NAMED])
        yield Case(each.sentence, FINDING, False, expected, each.code.name, budget.place, to_blame)


def _worse(level: Level) -> Iterator[str]:
    """The names of levels, from ``level`` on."""
    levels = (Level.INFO, Level.WARNING, Level.ERROR)
    yield from (each.value for each in levels[levels.index(level) :])


def _idle(
    standing: Sequence[Acceptance], calls: Sequence[CallRecord], findings: Sequence[LintFinding]
) -> Iterator[str]:
    for each in standing:
        if each.where is not None and not any(map(each.accepts_call, calls)):
            yield f"{each.place.file_line}: accepts no call any more: {each.text}"
        if each.finding is not None and not any(map(each.accepts_finding, findings)):
            yield f"{each.place.file_line}: accepts no finding any more: {each.text}"
