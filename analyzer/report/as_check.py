"""What suites say: as text, as JSON, or as one JSON object per case."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analyzer.base.fact import replace
from analyzer.base.secret import redact_text
from analyzer.report.as_coverage import counts_object, coverage_phrase
from analyzer.report.as_json import SCHEMA, Object, encode
from analyzer.report.facts import yaml_phrases
from analyzer.report.issues import check_headline
from analyzer.report.layout import Page
from analyzer.report.phrase import packets_phrases
from analyzer.report.wording import format_count
from analyzer.verdict.check.case import NAMED, RECORDED, Case, CheckResult


def redact_result(result: CheckResult) -> CheckResult:
    """The same without the secrets that were sent in its calls."""
    return replace(result, cases=tuple(map(_redact_case, result.cases)))


def _redact_case(case: Case) -> Case:
    blame = replace(case.blame, why=redact_text(case.blame.why))
    return replace(case, name=redact_text(case.name), got=redact_text(case.got), blame=blame)


def case_object(case: Case) -> Object:
    """One case; ``place`` is where the suite asks, ``yaml`` and ``packets`` where the calls that fail it stand."""
    packets: dict[str, list[int]] = {}
    for place in case.blame.packets:
        packets.setdefault(place.capture, []).append(place.packet)
    return {
        "name": case.name,
        "case": case.kind,
        "passed": case.passed,
        "expected": case.expected,
        "got": case.got,
        "why": case.blame.why or None,
        "place": case.place.file_line,
        "calls": case.blame.calls,
        "yaml": list(dict.fromkeys(place.file_line for place in case.blame.yaml)),
        "packets": packets,
    }


def suite_object(result: CheckResult) -> Object:
    """A suite's totals; ``coverage`` where somebody asked for it."""
    coverage = {"coverage": counts_object(result.coverage)} if result.coverage else {}
    return {
        "suite": result.suite,
        "cases": len(result.cases),
        "failures": len(result.failures),
        "calls": result.calls,
        "undetermined": result.undetermined,
        "accepted": result.accepted,
        "lacking": result.lacking,
        "notes": result.notes,
        **coverage,
    }


def check_jsonl(results: Sequence[CheckResult], *, only_failures: bool = False) -> Iterator[bytes]:
    """For each suite a line (``kind: suite``) and one per case (``kind: case``)."""
    for result in results:
        yield encode({"kind": "suite", **suite_object(result)}) + b"\n"
        for case in result.failures if only_failures else result.cases:
            yield encode({"kind": "case", "suite": result.suite, **case_object(case)}) + b"\n"


def check_json(results: Sequence[CheckResult], *, only_failures: bool = False) -> Iterator[bytes]:
    """One object, a suite with its cases per line inside it."""
    failures = sum(len(result.failures) for result in results)
    yield b'{"check":' + encode({"schema": SCHEMA, "suites": len(results), "failures": failures}) + b',\n"suites":['
    separator = b"\n"
    for result in results:
        cases = result.failures if only_failures else result.cases
        yield separator + encode({**suite_object(result), "case": [case_object(case) for case in cases]})
        separator = b",\n"
    yield b"]}\n"


def render_check(
    results: Sequence[CheckResult], *, width: int = 100, colour: bool = False, only_failures: bool = False
) -> str:
    """Suite by suite what holds and what does not; of a failure what was expected, what was found, why and where."""
    page = Page(width=width, colour=colour)
    page.prose((check_headline(results), "bold"))
    for result in results:
        if only_failures and not (result.failures or result.lacking):
            continue
        _suite(page, result, only_failures=only_failures)
    return page.render()


def _suite(page: Page, result: CheckResult, *, only_failures: bool) -> None:
    page.heading(result.suite)
    accepted = f", {result.accepted:,} accepted" if result.accepted else ""
    unsure = f", {result.undetermined:,} undetermined" if result.undetermined else ""
    page.line((f"{format_count(result.calls, 'call')}{unsure}{accepted}", "dim"), indent=2)
    for lack in result.lacking:
        page.prose(f"too little evidence: {lack}", indent=2, label=("! ", "yellow"))
    for case in result.cases:
        if not case.passed:
            _failure(page, case)
        elif not only_failures and case.kind != RECORDED:
            page.line([("✓ ", "green"), case.name], indent=2)
    recorded = sum(case.passed and case.kind == RECORDED for case in result.cases)
    if recorded and not only_failures:
        page.line([("✓ ", "green"), f"{format_count(recorded, 'recorded end')} as before"], indent=2)
    if result.coverage:
        page.prose((f"touched: {coverage_phrase(result.coverage)}", "dim"), indent=2, label=("· ", "dim"))
    for note in result.notes:
        page.prose((note, "dim"), indent=2, label=("· ", "dim"))


def _failure(page: Page, case: Case) -> None:
    page.prose((case.name, "bold"), indent=2, label=("✗ ", "red"))
    rows = [("expected", case.expected), ("got", case.got), ("why", case.blame.why), ("asked in", case.place.file_line)]
    where = [*yaml_phrases(case.blame.yaml), *packets_phrases(case.blame.packets)]
    rows += [("where", each) for each in where[:1]] + [("", each) for each in where[1:]]
    if case.blame.calls:
        more = len(case.blame.calls) - NAMED
        ids = ", ".join(case.blame.calls[:NAMED])
        rows.append(("calls", f"{ids} and {more:,} more" if more > 0 else ids))
    page.pairs([row for row in rows if row[1]], indent=6)
