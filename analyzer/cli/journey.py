"""``meshverdict journey``: one request across captures and both sidecars, on one clock."""

from __future__ import annotations

import click

from analyzer.base.errors import UsageError
from analyzer.cli.options import (
    OFF,
    capture_arguments,
    color_option,
    history_options,
    keylog_option,
    load_history,
    opener,
    out_option,
    output,
    parse_where,
    redact_option,
    where_option,
)
from analyzer.cli.outcome import exit_code, tell_problems
from analyzer.cli.terminal import colour, width


@click.command("journey")
@capture_arguments
@history_options
@click.option("--call", "call_id", metavar="ID", help="The call: its id in analyze's output.")
@click.option("--request-id", metavar="ID", help="The call: its x-request-id, wherever a capture shows it.")
@where_option
@keylog_option
@click.option("--most", type=click.IntRange(min=1), default=5, show_default=True, help="Calls that are followed.")
@click.option(
    "-o", "--output", "output_format", type=click.Choice(["text", "jsonl"]), default="text", help="The format."
)
@out_option
@redact_option
@color_option
def command(
    captures: tuple[str, ...],
    mesh_paths: tuple[str, ...],
    mesh_config: str | None,
    mesh_at: tuple[str, ...],
    call_id: str | None,
    request_id: str | None,
    where: str | None,
    keylogs: tuple[str, ...],
    most: int,
    output_format: str,
    out: str | None,
    redact: str,
    color: str,
) -> int:
    """Follow one request through CAPTURE... of both ends: which leg saw it when, and how far the clocks are apart."""
    from analyzer.inquiry import follow_paths
    from analyzer.report.as_passage import passage_json, render_passage

    if sum(each is not None for each in (call_id, request_id, where)) != 1:
        raise UsageError("journey: give one of --call ID, --request-id ID, --where EXPR")
    chosen = parse_where(where) or (lambda call: call_id is None or call.id == call_id)
    mesh = load_history(mesh_paths, mesh_config, mesh_at)
    run, passages = follow_paths(captures, mesh, chosen, open_captures=opener(keylogs))
    tell_problems(run)
    found = [each for each in passages if request_id is None or each.request_id == request_id]
    if not run.calls and exit_code(run):
        return exit_code(run)
    if not found:
        raise UsageError(f"journey: of {len(run.calls)} calls none is meant")
    hidden = redact != OFF
    with output(out) as sink:
        if output_format == "jsonl":
            sink.writelines(passage_json(each, redact=hidden) for each in found[:most])
        else:
            texts = [
                render_passage(p, width=width(out), colour=colour(color, out), redact=hidden) for p in found[:most]
            ]
            sink.write("\n".join(texts).encode())
    return exit_code(run)
