"""A suite held against a run."""

from __future__ import annotations

from datetime import date

import pytest

from analyzer.base.fact import replace
from analyzer.base.place import YamlPlace
from analyzer.verdict.check.case import ACCEPTANCE, FINDING
from analyzer.verdict.check.run import newest_day, run_suite, with_causes
from analyzer.verdict.lint.finding import LintFinding
from analyzer.verdict.lint.shadowed_routes import SHADOWED_ROUTE
from analyzer.verdict.record import MovedCall

TODAY = date(2026, 11, 21)


@pytest.fixture
def held(suite, run_of):
    """A function that gives the cases of a suite over calls."""

    def tell(text, *calls, today=TODAY, recorded=None, findings=()):
        return run_suite(suite(text), run_of(*calls), today=today, recorded=recorded, findings=findings)

    return tell


def failed(result) -> list[tuple[str, str]]:
    return [(case.kind, case.got) for case in result.failures]


def test_the_day_is_that_of_the_newest_packet(run_of) -> None:
    assert newest_day(run_of()) == TODAY
    assert newest_day(replace(run_of(), captures=())) == date(1970, 1, 1)


@pytest.mark.parametrize(
    ("budget", "got"),
    [("dropped: 1", None), ("dropped: 0", "1 (50%)"), ("dropped: 50%", None), ("dropped: 49%", "1 (50%)")],
)
def test_a_budget_is_kept_or_overspent(held, record, no_route, budget, got) -> None:
    result = held(f"budgets: {{{budget}}}", record(), record(no_route))

    assert [each[1] for each in failed(result)] == ([got] if got else [])


def test_an_overspent_budget_names_the_calls_and_why(held, record, no_route) -> None:
    (case,) = held("budgets: {dropped: 0}", record(), record(no_route)).failures

    assert (case.name, case.expected, case.blame.calls) == ("budget for dropped", "at most 0 of 2 calls", ("2",))
    assert "404" in case.blame.why
    assert case.place.line == 3


def test_calls_without_a_verdict_and_disagreements_have_budgets_too(held, record, decision) -> None:
    unknown = record(decision(None, None, undetermined=("weighted",)))
    odd = record(observed=replace(record().observed, agrees=False))

    result = held("budgets: {undetermined: 0, disagreement: 0}", unknown, odd)

    assert failed(result) == [("budget", "1 (50%)"), ("budget", "1 (50%)")]
    assert result.undetermined == 1


def test_an_empty_run_keeps_its_budgets_but_is_no_evidence(held) -> None:
    result = held("budgets: {dropped: 0%}")

    assert result.failures == ()
    assert result.lacking == ("0 calls, expected at least 1",)


def test_evidence_is_calls_and_verdicts(held, record, decision) -> None:
    unknown = record(decision(None, None, undetermined=("weighted",)))

    result = held("evidence: {calls: 3, determined: 60%}", record(), unknown)

    assert result.lacking == ("2 calls, expected at least 3", "50% of the calls have a verdict, expected 60%")


@pytest.mark.parametrize(
    ("expectation", "got"),
    [
        ('where: host == "reviews"', None),
        (
            'where: host == "reviews", expect: {verdict: service-matched}',
            "2 calls, 1 of them otherwise: dropped (no-route)",
        ),
        ('where: host == "ghost"', 'no call that fits host == "ghost"'),
        ('where: host == "ghost", calls: {at_most: 0}', None),
        ('where: host == "reviews", calls: {at_most: 1}', "2 calls"),
        ('where: host == "reviews", calls: {at_least: 3}', "2 calls"),
    ],
)
def test_an_expectation_holds_or_tells_what_was_found(held, record, no_route, expectation, got) -> None:
    result = held(f"expectations: [{{{expectation}}}]", record(), record(no_route))

    assert [each[1] for each in failed(result)] == ([got] if got else [])


def test_an_expectation_says_what_it_wanted(held, record) -> None:
    result = held(
        "expectations:\n- where: port == 1\n- where: port == 2\n"
        '  expect: verdict == "dropped"\n  calls: {at_least: 2, at_most: 3}',
        record(),
    )

    assert [case.expected for case in result.failures] == [
        "at least 1 call",
        'at least 2 and at most 3 calls with verdict == "dropped"',
    ]


def test_too_many_calls_are_blamed_and_too_few_are_nobodys(held, record) -> None:
    many = held('expectations: [{where: host == "reviews", calls: {at_most: 0}}]', record())
    few = held("expectations: [{where: port == 1}]", record())

    assert [case.blame.calls for case in (*many.failures, *few.failures)] == [("1",), ()]


ACCEPTED = "budgets: {dropped: 0}\naccepted: [{where: 'reason == \"no-route\"', owner: me, reason: planned, until: %s}]"


def test_what_is_accepted_is_not_counted(held, record, no_route) -> None:
    result = held(ACCEPTED % "2026-11-21", record(no_route))

    assert (result.failures, result.accepted) == ((), 1)


def test_an_acceptance_that_expired_fails_and_accepts_nothing(held, record, no_route) -> None:
    result = held(ACCEPTED % "2026-11-20", record(no_route))

    assert failed(result) == [("acceptance", "expired; it is 2026-11-21"), ("budget", "1 (100%)")]
    assert result.failures[0].blame.why == "planned"


def test_an_acceptance_without_a_day_stands_for_ever_and_idles_in_a_note(held, record) -> None:
    result = held("accepted: [{where: port == 1, owner: me, reason: r}]", record())

    assert result.failures == ()
    assert result.notes == ("shop.verdict.yaml:3: accepts no call any more: port == 1",)


def test_recorded_ends_are_cases_too(held, record) -> None:
    (case,) = held("", record(), recorded=()).failures

    assert (case.kind, case.place.file_line) == ("recorded", "shop.verdict.yaml:1")


def test_failures_name_the_lines_that_moved_their_calls_where_these_are_known(held, run_of, record, no_route) -> None:
    dropped, other = replace(record(no_route), uid="a"), replace(record(no_route), uid="b")
    result = held(
        'budgets: {dropped: 0}\nexpectations: [{where: uid == "b", expect: {verdict: passthrough}}]', dropped, other
    )
    line = YamlPlace("m.yaml", 7)

    found = with_causes(result, run_of(dropped, other).calls, [MovedCall(dropped, None, None, (line, line))])

    assert [case.blame.yaml for case in found.cases] == [(line,), result.cases[1].blame.yaml]
    assert [case.passed for case in found.cases] == [False, False]


LINT = "lint: warning\naccepted: [{finding: shadowed-route=shop/a, owner: me, reason: r, until: 2026-11-30}]"


def finding(name="a", code=SHADOWED_ROUTE):
    return LintFinding(code, f"VirtualService shop/{name}", f"{name} is shadowed", (YamlPlace("mesh.yaml", 7),))


def test_findings_that_nobody_accepts_are_cases_that_fail_at_their_lines(held, record) -> None:
    result = held(LINT, record(), findings=[finding(), finding("b")])

    (case,) = result.failures
    assert (case.name, case.expected, case.got) == ("b is shadowed", "no warning or error of lint", SHADOWED_ROUTE.name)
    assert (case.blame.yaml, case.blame.why) == ((YamlPlace("mesh.yaml", 7),), SHADOWED_ROUTE.advice)


def test_without_a_finding_that_is_minded_one_case_says_so(held, record) -> None:
    result = held(LINT, record(), findings=[finding()])

    assert [(case.name, case.got) for case in result.cases if case.kind == FINDING] == [
        ("no warning or error of lint", "none but 1 accepted")
    ]


def test_a_finding_whose_acceptance_expired_fails_again(held, record) -> None:
    result = held(LINT, record(), today=date(2026, 12, 1), findings=[finding()])

    assert [case.kind for case in result.failures] == [ACCEPTANCE, FINDING]


def test_an_acceptance_of_a_finding_that_is_gone_idles_in_a_note(held, record) -> None:
    result = held(LINT, record())

    assert result.failures == ()
    assert result.notes[0].endswith("accepts no finding any more: shadowed-route=shop/a")


def test_milder_findings_are_not_minded(held, record) -> None:
    assert held("lint: error", record(), findings=[finding()]).failures == ()
