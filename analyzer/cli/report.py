"""``meshverdict report``: a saved run once more, in any format."""

from __future__ import annotations

from pathlib import Path

import click

from analyzer.base.fact import replace
from analyzer.cli.analyze import FORMATS, check_format, write_page, write_run
from analyzer.cli.options import (
    OFF,
    STRICT,
    also_option,
    color_option,
    interval_options,
    out_option,
    parse_also,
    parse_time,
    parse_where,
    redact_option,
    where_option,
    write_also,
)
from analyzer.cli.outcome import FAIL_ON, exit_code, parse_fail_on, tell_problems


@click.command("report")
@click.argument("run", metavar="RUN", type=click.Path())
@click.option("-o", "--output", "output_format", type=click.Choice(FORMATS), default="text", help="The format.")
@out_option
@also_option
@click.option("--html", type=click.Path(), metavar="FILE", help="Also write the report as one HTML file.")
@click.option(
    "--fail-on",
    default="none",
    metavar="WHAT",
    help=f"Exit with 1 when there is any of these, by comma: {', '.join(FAIL_ON)}.",
)
@interval_options
@where_option
@redact_option
@color_option
def command(
    run: str,
    output_format: str,
    out: str | None,
    also: tuple[str, ...],
    html: str | None,
    fail_on: str,
    since: str | None,
    until: str | None,
    where: str | None,
    redact: str,
    color: str,
) -> int:
    """Write RUN, a run that analyze --save kept, as analyze would have written it."""
    from analyzer.pipeline import Interval
    from analyzer.report.issues import issues_of_run
    from analyzer.report.saved_run import read_saved_run

    failures = parse_fail_on(fail_on)
    check_format(output_format, out)
    more = parse_also(also)
    interval = Interval(parse_time(since, "--since"), parse_time(until, "--until"))
    chosen = parse_where(where) or (lambda _: True)
    saved = read_saved_run(Path(run)).analysis
    calls = tuple(call for call in saved.calls if interval.holds(call) and chosen(call))
    known = {call.id for call in calls}
    analysis = replace(saved, calls=calls, findings=tuple(f for f in saved.findings if known.intersection(f.calls)))
    if redact == STRICT:
        from analyzer.report.strict import reduce_analysis

        analysis = reduce_analysis(analysis)
    write_run(analysis, output_format, out, color, redact=redact != OFF)
    if html is not None:
        write_page(analysis, html, redact=redact != OFF)
    write_also(more, lambda: issues_of_run(analysis, redact=redact != OFF))
    tell_problems(analysis)
    return exit_code(analysis, failures)
