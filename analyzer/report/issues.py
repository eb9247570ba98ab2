"""Runs, moves, differences, suites and lint as issues."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from analyzer.base.oddity import Code
from analyzer.base.place import YamlPlace
from analyzer.base.secret import redact_text
from analyzer.report.as_diff import diff_headline, kind_of, redact_diff
from analyzer.report.as_moves import moves_headline, redact_moves
from analyzer.report.issue import (
    CHANGED_SHARE,
    EXPIRED_ACCEPTANCE,
    FAILED_EXPECTATION,
    GONE_CALL,
    MOVED_CALL,
    NEW_CALL,
    OVER_BUDGET,
    RECORDED_DIFFERS,
    TOO_LITTLE_EVIDENCE,
    UNACCEPTED_FINDING,
    UNREADABLE_INPUT,
    Issue,
    Issues,
    Passed,
    is_file,
    is_of_revision,
    unique,
)
from analyzer.report.move_groups import MoveGroup, end_phrase, ends_phrase, group_moves
from analyzer.report.phrase import headline, reason_word, sent_phrase, verdict_word
from analyzer.report.private import redact_analysis
from analyzer.report.wording import format_count
from analyzer.verdict.check.case import ACCEPTANCE, BUDGET, EXPECTATION, FINDING, RECORDED, Case, CheckResult
from analyzer.verdict.decision import Decision
from analyzer.verdict.drift import RunDiff, ShareChange
from analyzer.verdict.lint.finding import LintFinding
from analyzer.verdict.record import Analysis, CaptureRecord, MeshRecord, WhatIf

# An error of YAML begins with its place.
_PLACED = re.compile(r"(.+?\.(?:ya?ml|json)):(\d+)(?=[: ])")
_MOVE_CODES = {"moved": MOVED_CALL, "new": NEW_CALL, "gone": GONE_CALL}
_CASE_CODES: dict[str, Code] = {
    BUDGET: OVER_BUDGET,
    EXPECTATION: FAILED_EXPECTATION,
    RECORDED: RECORDED_DIFFERS,
    ACCEPTANCE: EXPIRED_ACCEPTANCE,
    FINDING: UNACCEPTED_FINDING,
}


def issues_of_run(analysis: Analysis, *, redact: bool = True) -> Issues:
    """The findings of a run."""
    shown = redact_analysis(analysis) if redact else analysis
    issues = [
        Issue(f.code, f.sentence, (f.sentence,), f.yaml, f.calls, f.advice or f.code.advice) for f in shown.findings
    ]
    issues += problem_issues(shown.captures, (shown.mesh,), shown.limits)
    return Issues("analyze", headline(shown), unique(issues), file=_file_of(shown.mesh))


def issues_of_moves(what: WhatIf, *, redact: bool = True) -> Issues:
    """What another mesh moves, one issue for calls that move alike."""
    shown = redact_moves(what) if redact else what
    issues = [_move_issue(group) for group in group_moves(shown.moves)]
    issues += problem_issues(shown.captures, (shown.old, shown.new), shown.limits)
    return Issues("whatif", moves_headline(shown), unique(issues), file=_file_of(shown.new))


def issues_of_diff(diff: RunDiff, *, redact: bool = True) -> Issues:
    """What is different between two runs."""
    shown = redact_diff(diff) if redact else diff
    issues = [_move_issue(group) for group in group_moves(shown.moves)]
    issues += [_share_issue(share) for share in shown.shares]
    issues += problem_issues(shown.captures, shown.meshes, shown.limits)
    return Issues("diff", diff_headline(shown), unique(issues), file=_file_of(next(iter(diff.meshes), None)))


def issues_of_lint(findings: Sequence[LintFinding], *, headline: str, file: str) -> Issues:
    """What lint found; ``file`` is of the mesh, for findings without a line."""
    issues = [Issue(f.code, f.sentence, (f.sentence,), f.yaml, advice=f.what_to_do) for f in findings]
    return Issues("lint", headline, unique(issues), file=file)


def issues_of_check(results: Sequence[CheckResult]) -> Issues:
    """The failed cases of suites; what held is ``passed``."""
    issues = [_case_issue(result, case) for result in results for case in result.failures]
    issues += [_evidence_issue(result, lack) for result in results for lack in result.lacking]
    for result in results:
        issues += problem_issues(result.captures, (result.mesh,), result.limits)
    passed = tuple(
        Passed(result.suite, redact_text(case.name)) for result in results for case in result.cases if case.passed
    )
    return Issues("check", check_headline(results), unique(issues), passed, next((r.suite for r in results), ""))


def problem_issues(
    captures: Iterable[CaptureRecord], meshes: Iterable[MeshRecord | None], limits: Iterable[str]
) -> Iterator[Issue]:
    """What could not be read, and the limits that were hit: the exit code stands for them too."""
    unread = (capture.error for capture in captures if capture.error)
    unusable = (error for mesh in meshes if mesh for error in mesh.errors)
    for problem in (*unread, *unusable, *limits):
        place = _PLACED.match(problem)
        yaml = (YamlPlace(place[1], int(place[2])),) if place else ()
        yield Issue(UNREADABLE_INPUT, problem, (problem,), yaml, advice=UNREADABLE_INPUT.advice)


def check_headline(results: Sequence[CheckResult]) -> str:
    """How many cases of how many suites hold."""
    cases = sum(len(result.cases) for result in results)
    failed = sum(len(result.failures) for result in results)
    lacking = sum(bool(result.lacking) for result in results)
    suites = format_count(len(results), "suite")
    hold = f"{format_count(cases, 'case')} {'holds' if cases == 1 else 'hold'}"
    told = f"{failed:,} of {format_count(cases, 'case')} failed" if failed else hold
    return f"{told} in {suites}{f'; {lacking} with too little evidence' if lacking else ''}."


def _move_issue(group: MoveGroup) -> Issue:
    first = group.first
    code = _MOVE_CODES[kind_of(first)]
    subject = f"{group.source} → {group.target} ({sent_phrase(first.call)})"
    message = f"{subject}: {ends_phrase(group.before, group.after)}{_way(group.before, group.after)}"
    identity = (group.source, group.target, ends_phrase(group.before, group.after), *_ends(group))
    both = group.before is not None and group.after is not None
    return Issue(
        code, message, identity, group.yaml, tuple(m.call.id for m in group.moves), code.advice, subject,
        (*_both_ends(group), *_line_elsewhere("moved by", group.yaml)) if both else (),
    )  # fmt: skip


def _both_ends(group: MoveGroup) -> Iterator[tuple[str, str]]:
    for what, decision in (("before", group.before), ("after", group.after)):
        if decision is not None:
            words = (verdict_word(decision.verdict), reason_word(decision), end_phrase(decision))
            yield what, " · ".join(word for word in words if word)


def _line_elsewhere(what: str, yaml: Sequence[YamlPlace]) -> Iterator[tuple[str, str]]:
    """The line in its own words where no forge can show it: of a preset, or of the revision that was left."""
    if yaml and (is_of_revision(yaml[0].file) or not is_file(yaml[0].file)):
        yield what, f"{yaml[0].file_line} ({yaml[0].field})" if yaml[0].field else yaml[0].file_line


def _ends(group: MoveGroup) -> tuple[str, ...]:
    return tuple(end_phrase(each) if each else "" for each in (group.before, group.after))


def _way(before: Decision | None, after: Decision | None) -> str:
    """The reason, and the clusters where only these change."""
    last = after or before
    why = f" ({reason_word(last)})" if last else ""
    if before is None or after is None or before.verdict != after.verdict:
        return why
    return f"{why}, from {end_phrase(before) or '-'} to {end_phrase(after) or '-'}"


def _share_issue(share: ShareChange) -> Issue:
    key = share.key
    ends = ", ".join(f"{each.ending.verdict or 'undetermined'} {each.before} → {each.after}" for each in share.shares)
    who = f"{key.client} → {key.target} {key.method} {key.path}".rstrip()
    return Issue(CHANGED_SHARE, f"{who}: {ends}", (who,))


def _case_issue(result: CheckResult, case: Case) -> Issue:
    code = _CASE_CODES[case.kind]
    because = f"; {case.blame.why}" if case.blame.why else ""
    message = redact_text(f"{case.name}: expected {case.expected}, got {case.got}{because}")
    told = (("expected", case.expected), ("got", case.got), ("why", case.blame.why))
    details = (*((what, redact_text(text)) for what, text in told if text), *_line_elsewhere("where", case.blame.yaml))
    identity = (result.suite, case.kind, case.name)
    yaml = (*case.blame.yaml, case.place)
    subject = redact_text(case.name)
    return Issue(code, message, identity, yaml, case.blame.calls, code.advice, subject, details, result.suite)


def _evidence_issue(result: CheckResult, lack: str) -> Issue:
    return Issue(TOO_LITTLE_EVIDENCE, f"{result.suite}: {lack}", (result.suite,), advice=TOO_LITTLE_EVIDENCE.advice)


def _file_of(mesh: MeshRecord | None) -> str:
    return next(iter(mesh.sources), "") if mesh else ""
