"""``meshverdict names``: who stands behind PassthroughCluster and BlackHoleCluster."""

from __future__ import annotations

import click

from analyzer.base.errors import UsageError
from analyzer.cli.options import (
    OFF,
    capture_arguments,
    color_option,
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
from analyzer.cli.terminal import colour, width


@click.command("names")
@capture_arguments
@mesh_options
@click.option(
    "-o", "--output", "output_format", type=click.Choice(["text", "jsonl"]), default="text", help="The format."
)
@click.option("--draft", type=click.Choice(["serviceentry"]), help="Print YAML that would make the names known.")
@out_option
@interval_options
@where_option
@redact_option
@color_option
def command(
    captures: tuple[str, ...],
    mesh_paths: tuple[str, ...],
    mesh_config: str | None,
    output_format: str,
    draft: str | None,
    out: str | None,
    since: str | None,
    until: str | None,
    where: str | None,
    redact: str,
    color: str,
) -> int:
    """Name what calls in CAPTURE... went to that no Service took: by Host, SNI, or the DNS answers of the captures."""
    from analyzer.extraction import dns_paths
    from analyzer.pipeline import Interval, analyze_paths
    from analyzer.report.as_names import names_jsonl, render_names
    from analyzer.report.as_service_entry import service_entries
    from analyzer.verdict.names import outside_names

    if "-" in captures:
        raise UsageError("names: a capture from standard input cannot be read twice; save it to a file")
    interval = Interval(parse_time(since, "--since"), parse_time(until, "--until"))
    mesh = load(mesh_paths, mesh_config)
    if mesh is None:
        raise UsageError("names: no mesh; give its YAML with -m")
    run = analyze_paths(captures, mesh, interval=interval, where=parse_where(where))
    names = outside_names(run.calls, dns_paths(captures), mesh)
    hidden = redact != OFF
    with output(out) as sink:
        if draft:
            sink.writelines(service_entries(names))
        elif output_format == "jsonl":
            sink.writelines(names_jsonl(names, redact=hidden))
        else:
            text = render_names(names, width=width(out), colour=colour(color, out), redact=hidden)
            sink.write(text.encode())
    tell_problems(run)
    return exit_code(run)
