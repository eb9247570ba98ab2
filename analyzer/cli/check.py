"""``meshverdict check``: what a team expects of its recorded calls, and whether it holds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import click

from analyzer.base.errors import UsageError
from analyzer.base.escape import visible
from analyzer.base.fact import replace
from analyzer.cli.options import (
    FORGE_NAMES,
    OFF,
    STRICT,
    MeshSource,
    also_option,
    color_option,
    load,
    out_option,
    output,
    parse_also,
    progress_option,
    redact_option,
    write_also,
)
from analyzer.cli.outcome import EXIT_FINDINGS, problem_code
from analyzer.cli.progress import showing_progress
from analyzer.cli.terminal import colour, width

if TYPE_CHECKING:
    from analyzer.verdict.check.case import CheckResult

FORMATS = ("text", "jsonl", "json", *FORGE_NAMES)
EXIT_EVIDENCE = 5


@click.command("check")
@click.argument("suites", nargs=-1, metavar="[SUITE]...", type=click.Path())
@click.option("--update", is_flag=True, help="Write how the calls end now into NAME.expected.yaml, to be reviewed.")
@click.option("--today", metavar="DAY", help="The day by which acceptances expire: 2026-12-31, or now; by default the "
              "day of the newest packet.")  # fmt: skip
@click.option("--fail-under", type=click.FloatRange(0, 100), default=100.0, show_default=True, metavar="PERCENT",
              help="Fail when fewer of all cases hold.")  # fmt: skip
@click.option("--fail-on", type=click.Choice(["any", "none"]), default="any", show_default=True)
@click.option("--only-failures", is_flag=True, help="Leave out what holds.")
@click.option("--mesh-old", "old_paths", multiple=True, type=MeshSource(), metavar="PATH",
              help="The mesh that the captures were recorded with, such as git:main...:deploy/: failures then name the "
              "lines that moved their calls; repeatable.")  # fmt: skip
@click.option("--coverage", is_flag=True, help="Also say how much of the mesh the calls touch.")
@click.option("-o", "--output", "output_format", type=click.Choice(FORMATS), default="text", help="The format.")
@out_option
@also_option
@redact_option
@progress_option
@color_option
def command(
    suites: tuple[str, ...],
    update: bool,
    today: str | None,
    fail_under: float,
    fail_on: str,
    only_failures: bool,
    old_paths: tuple[str, ...],
    coverage: bool,
    output_format: str,
    out: str | None,
    also: tuple[str, ...],
    redact: str,
    no_progress: bool,
    color: str,
) -> int:
    """Hold recorded calls against SUITE... (files *.verdict.yaml, or folders of them; by default this folder).

    A suite is YAML: captures, mesh, budgets, expectations, recorded ends and accepted calls; see docs/ci.md.
    """
    from analyzer.checking import check_suite, find_suites, update_suite
    from analyzer.report.as_check import redact_result
    from analyzer.report.issues import issues_of_check

    more = parse_also(also)
    day = _day(today)
    paths = find_suites(suites)
    old = load(old_paths, None)
    if update:
        for path in paths:
            click.echo(f"meshverdict: wrote {visible(update_suite(path).as_posix())}", err=True)
    with showing_progress(enabled=not no_progress) as progress:
        results = [
            check_suite(path, today=day, recorded_with=old, coverage=coverage, progress=progress) for path in paths
        ]
    shown = [redact_result(each) if redact != OFF else each for each in results]
    if redact == STRICT:
        from analyzer.report.strict import reduce_result

        shown = list(map(reduce_result, results))
    _write(shown, output_format, out, color, only_failures=only_failures)
    write_also(more, lambda: issues_of_check(shown))
    return _leave(results, fail_under, fail_on)


def _day(text: str | None) -> date | None:
    """The day to go by; ``now`` is the only way to the clock."""
    if text is None:
        return None
    if text == "now":
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--today: found {text!r}, expected a day such as 2026-12-31, or now") from None


def _write(
    results: Sequence[CheckResult], output_format: str, out: str | None, color: str, *, only_failures: bool
) -> None:
    from analyzer.report.as_check import check_json, check_jsonl, render_check
    from analyzer.report.forges import FORGES
    from analyzer.report.issues import issues_of_check

    with output(out) as sink:
        if output_format in FORGES:
            found = issues_of_check(results)
            sink.writelines(FORGES[output_format](replace(found, passed=()) if only_failures else found))
        elif output_format == "jsonl":
            sink.writelines(check_jsonl(results, only_failures=only_failures))
        elif output_format == "json":
            sink.writelines(check_json(results, only_failures=only_failures))
        else:
            text = render_check(results, width=width(out), colour=colour(color, out), only_failures=only_failures)
            sink.write(text.encode())


def _leave(results: Sequence[CheckResult], fail_under: float, fail_on: str) -> int:
    """The documented exit code: the highest of 3, 4 and 6, else 5 for too little evidence, else 1 for failures."""
    unread = [capture.error for result in results for capture in result.captures if capture.error]
    unusable = [error for result in results if result.mesh for error in result.mesh.errors]
    limits = [limit for result in results for limit in result.limits]
    for line in dict.fromkeys((*unread, *unusable, *limits)):
        click.echo(f"meshverdict: {visible(line)}", err=True)
    worst = problem_code(unread, unusable, limits)
    if worst:
        return worst
    if any(result.lacking for result in results):
        return EXIT_EVIDENCE
    cases = sum(len(result.cases) for result in results)
    failures = sum(len(result.failures) for result in results)
    share = 100 * (cases - failures) / cases if cases else 100.0
    return EXIT_FINDINGS if failures and share < fail_under and fail_on != "none" else 0
