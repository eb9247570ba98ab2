"""``meshverdict timeline``: what failed since when, and where the evidence has gaps."""

from __future__ import annotations

import click

from analyzer.cli.options import (
    OFF,
    STRICT,
    capture_arguments,
    color_option,
    history_options,
    interval_options,
    load_history,
    out_option,
    output,
    parse_time,
    parse_where,
    redact_option,
    where_option,
)
from analyzer.cli.outcome import exit_code, tell_problems
from analyzer.cli.terminal import colour, width


@click.command("timeline")
@capture_arguments
@history_options
@click.option(
    "-o", "--output", "output_format", type=click.Choice(["text", "jsonl"]), default="text", help="The format."
)
@out_option
@interval_options
@where_option
@redact_option
@color_option
def command(
    captures: tuple[str, ...],
    mesh_paths: tuple[str, ...],
    mesh_config: str | None,
    mesh_at: tuple[str, ...],
    output_format: str,
    out: str | None,
    since: str | None,
    until: str | None,
    where: str | None,
    redact: str,
    color: str,
) -> int:
    """Tell what changed when in CAPTURE...: the mesh, restarts, failures, bursts, resets and by whom, gaps."""
    from analyzer.pipeline import Interval, analyze_paths
    from analyzer.report.as_timeline import render_timeline, timeline_jsonl
    from analyzer.report.private import redact_analysis
    from analyzer.report.timeline import timeline_of

    interval = Interval(parse_time(since, "--since"), parse_time(until, "--until"))
    run = analyze_paths(
        captures, load_history(mesh_paths, mesh_config, mesh_at), interval=interval, where=parse_where(where)
    )
    if redact == STRICT:
        from analyzer.report.strict import reduce_analysis

        run = reduce_analysis(run)
    events = timeline_of(redact_analysis(run) if redact != OFF else run)
    with output(out) as sink:
        if output_format == "jsonl":
            sink.writelines(timeline_jsonl(events))
        else:
            sink.write(render_timeline(events, width=width(out), colour=colour(color, out)).encode())
    tell_problems(run)
    return exit_code(run)
