"""``meshverdict mtls``: which connections between pods were mutual TLS."""

from __future__ import annotations

import click

from analyzer.cli.options import capture_arguments, color_option, load, mesh_options, out_option, output
from analyzer.cli.outcome import EXIT_FINDINGS, exit_code, tell_problems
from analyzer.cli.terminal import colour, width


@click.command("mtls")
@capture_arguments
@mesh_options
@click.option(
    "-o", "--output", "output_format", type=click.Choice(["text", "jsonl", "csv"]), default="text", help="The format."
)
@click.option(
    "--require",
    type=click.FloatRange(0, 100),
    metavar="PERCENT",
    help="Exit with 1 where an edge inside the mesh has a smaller share of Istio's mutual TLS.",
)
@out_option
@color_option
def command(
    captures: tuple[str, ...],
    mesh_paths: tuple[str, ...],
    mesh_config: str | None,
    output_format: str,
    require: float | None,
    out: str | None,
    color: str,
) -> int:
    """Show per client, server and port how connections in CAPTURE... were secured, with packets to cite."""
    from analyzer.pipeline import read_paths
    from analyzer.report.as_mtls import mtls_csv, mtls_jsonl, render_mtls
    from analyzer.verdict.mtls import mtls_sheet

    mesh = load(mesh_paths, mesh_config)
    run, spoken = read_paths(captures, mesh)
    sheet = mtls_sheet(spoken, mesh)
    with output(out) as sink:
        if output_format == "text":
            sink.write(render_mtls(sheet, width=width(out), colour=colour(color, out)).encode())
        else:
            sink.writelines((mtls_jsonl if output_format == "jsonl" else mtls_csv)(sheet))
    tell_problems(run)
    below = require is not None and bool(sheet.below(require))
    return exit_code(run) or (EXIT_FINDINGS if below else 0)
