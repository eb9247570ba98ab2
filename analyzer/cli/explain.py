"""``meshverdict explain``: the chain of reasons of one call."""

from __future__ import annotations

import click

from analyzer.base.errors import UsageError
from analyzer.cli.options import load, mesh_options, out_option, output, redact_option
from analyzer.cli.outcome import exit_code, tell_problems
from analyzer.cli.terminal import colour, width


@click.command("explain")
@click.argument("captures", nargs=-1, required=True, metavar="CAPTURE...", type=click.Path())
@mesh_options
@click.option("--call", "call_id", required=True, metavar="ID", help="The call: its id in analyze's output.")
@click.option("--packet", type=click.IntRange(min=1), metavar="N", help="Also dissect packet N of the call's capture.")
@out_option
@redact_option
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colours.")
def command(
    captures: tuple[str, ...],
    mesh_paths: tuple[str, ...],
    mesh_config: str | None,
    call_id: str,
    packet: int | None,
    out: str | None,
    redact: str,
    color: str,
) -> int:
    """Show the chain of one call: what decided it, who lost and why, with packets and lines of YAML."""
    from analyzer.pipeline import analyze_paths, dissect
    from analyzer.report.as_chain import render_chain
    from analyzer.verdict.codes import CODES

    if packet is not None and "-" in captures:
        raise UsageError("--packet: a capture from standard input cannot be read twice; save it to a file")
    analysis = analyze_paths(captures, load(mesh_paths, mesh_config))
    tell_problems(analysis)
    call = next((call for call in analysis.calls if call.id == call_id), None)
    if call is None:
        known = f"an id from 1 to {len(analysis.calls)}" if analysis.calls else "a capture with calls"
        raise UsageError(f"--call: found {call_id!r}, expected {known}")
    text = render_chain(
        call, width=width(out), colour=colour(color, out), codes=CODES.values(), redact=redact == "standard"
    )
    if packet is not None:
        text += "\n" + dissect(captures, call.legs[0].capture, packet)
    with output(out) as sink:
        sink.write(text.encode())
    return exit_code(analysis)
