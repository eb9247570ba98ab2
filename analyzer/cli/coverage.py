"""``meshverdict coverage``: what of the mesh the recorded traffic never touched."""

from __future__ import annotations

import click

from analyzer.base.errors import UsageError
from analyzer.cli.options import (
    capture_arguments,
    color_option,
    interval_options,
    load,
    mesh_options,
    out_option,
    output,
    parse_time,
    parse_where,
    progress_option,
    where_option,
)
from analyzer.cli.outcome import EXIT_FINDINGS, exit_code, tell_problems
from analyzer.cli.progress import showing_progress
from analyzer.cli.terminal import colour, width


@click.command("coverage")
@capture_arguments
@mesh_options
@click.option("--all", "everything", is_flag=True, help="Show what is touched too.")
@click.option("--fail-under", type=click.FloatRange(0, 100), default=0.0, metavar="PERCENT",
              help="Exit with 1 when fewer of the routes are touched.")  # fmt: skip
@click.option(
    "-o", "--output", "output_format", type=click.Choice(["text", "json", "jsonl"]), default="text", help="The format."
)
@out_option
@interval_options
@where_option
@progress_option
@color_option
def command(
    captures: tuple[str, ...],
    mesh_paths: tuple[str, ...],
    mesh_config: str | None,
    everything: bool,
    fail_under: float,
    output_format: str,
    out: str | None,
    since: str | None,
    until: str | None,
    where: str | None,
    no_progress: bool,
    color: str,
) -> int:
    """Say which routes, hosts, subsets and policies no call in CAPTURE... touches.

    A route or policy is touched where a decision stands on its lines, a host or subset where its cluster was chosen.
    """
    from analyzer.pipeline import Interval, analyze_paths
    from analyzer.report.as_coverage import coverage_json, coverage_jsonl, render_coverage
    from analyzer.verdict.coverage import ROUTE, count_coverage, cover

    interval = Interval(parse_time(since, "--since"), parse_time(until, "--until"))
    chosen = parse_where(where)
    mesh = load(mesh_paths, mesh_config)
    if mesh is None:
        raise UsageError("coverage: no mesh; give its YAML with -m")
    with showing_progress(enabled=not no_progress) as progress:
        run = analyze_paths(captures, mesh, interval=interval, where=chosen, progress=progress)
    found = cover(mesh, run.calls)
    with output(out) as sink:
        if output_format == "jsonl":
            sink.writelines(coverage_jsonl(found))
        elif output_format == "json":
            sink.writelines(coverage_json(found))
        else:
            text = render_coverage(
                found, len(run.calls), everything=everything, width=width(out), colour=colour(color, out)
            )
            sink.write(text.encode())
    tell_problems(run)
    routes = next((each for each in count_coverage(found) if each.kind == ROUTE), None)
    few = routes is not None and 100 * routes.touched / routes.total < fail_under
    return exit_code(run) or (EXIT_FINDINGS if few else 0)
