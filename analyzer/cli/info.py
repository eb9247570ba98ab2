"""``meshverdict info``: what captures are, before anyone asks about calls."""

from __future__ import annotations

import click

from analyzer.cli.options import capture_arguments, color_option, load, mesh_options, out_option, output
from analyzer.cli.outcome import exit_code, tell_problems
from analyzer.cli.terminal import colour, width


@click.command("info")
@capture_arguments
@mesh_options
@click.option(
    "-o", "--output", "output_format", type=click.Choice(["text", "json"]), default="text", help="The format."
)
@out_option
@color_option
def command(
    captures: tuple[str, ...],
    mesh_paths: tuple[str, ...],
    mesh_config: str | None,
    output_format: str,
    out: str | None,
    color: str,
) -> int:
    """Show what CAPTURE... are: format, link types, whose pod, which side of the sidecar, and their health."""
    from analyzer.pipeline import analyze_paths
    from analyzer.report.as_info import info_json, render_info

    analysis = analyze_paths(captures, load(mesh_paths, mesh_config))
    with output(out) as sink:
        if output_format == "json":
            sink.write(info_json(analysis.captures))
        else:
            sink.write(render_info(analysis.captures, width=width(out), colour=colour(color, out)).encode())
    tell_problems(analysis)
    return exit_code(analysis)
