"""``meshverdict graph``: who calls whom, coloured by verdict."""

from __future__ import annotations

import click

from analyzer.cli.options import (
    OFF,
    STRICT,
    capture_arguments,
    interval_options,
    load,
    mesh_options,
    out_option,
    output,
    parse_time,
    parse_where,
    redact_option,
    where_option,
)
from analyzer.cli.outcome import exit_code, tell_problems


@click.command("graph")
@capture_arguments
@mesh_options
@click.option(
    "-o",
    "--output",
    "output_format",
    type=click.Choice(["dot", "mermaid", "json", "svg"]),
    default="dot",
    help="The format.",
)
@out_option
@interval_options
@where_option
@redact_option
def command(
    captures: tuple[str, ...],
    mesh_paths: tuple[str, ...],
    mesh_config: str | None,
    output_format: str,
    out: str | None,
    since: str | None,
    until: str | None,
    where: str | None,
    redact: str,
) -> int:
    """Draw who calls whom in CAPTURE..., edges coloured by the worst verdict among their calls."""
    from analyzer.pipeline import Interval, analyze_paths
    from analyzer.report.as_graph import render_graph

    interval = Interval(parse_time(since, "--since"), parse_time(until, "--until"))
    run = analyze_paths(captures, load(mesh_paths, mesh_config), interval=interval, where=parse_where(where))
    if redact == STRICT:
        from analyzer.report.strict import reduce_analysis

        run = reduce_analysis(run)
    with output(out) as sink:
        sink.writelines(render_graph(run, output_format, redact=redact != OFF))
    tell_problems(run)
    return exit_code(run)
