"""``meshverdict explain``: the chain of reasons of one call."""

from __future__ import annotations

from pathlib import Path

import click

from analyzer.base.errors import UsageError
from analyzer.base.fact import replace
from analyzer.cli.options import (
    OFF,
    STRICT,
    access_log_option,
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


@click.command("explain")
@click.argument("captures", nargs=-1, required=True, metavar="CAPTURE...", type=click.Path())
@history_options
@click.option("--call", "call_id", metavar="ID", help="The call: its id in analyze's output.")
@where_option
@access_log_option
@keylog_option
@click.option("--most", type=click.IntRange(min=1), default=5, show_default=True, help="Calls that --where explains.")
@click.option("--packet", type=click.IntRange(min=1), metavar="N", help="Also dissect packet N of the call's capture.")
@out_option
@redact_option
@color_option
def command(
    captures: tuple[str, ...],
    mesh_paths: tuple[str, ...],
    mesh_config: str | None,
    mesh_at: tuple[str, ...],
    call_id: str | None,
    where: str | None,
    access_logs: tuple[str, ...],
    keylogs: tuple[str, ...],
    most: int,
    packet: int | None,
    out: str | None,
    redact: str,
    color: str,
) -> int:
    """Show the chain of one call, or of those that fit: what decided it, who lost and why, by packets and YAML.

    CAPTURE may be a run that analyze --save kept.
    """
    from analyzer.extraction import dissect
    from analyzer.inquiry import explain_paths, explain_saved, read_logs
    from analyzer.report.as_chain import render_chain
    from analyzer.report.saved_run import is_saved_run
    from analyzer.report.wording import format_count
    from analyzer.verdict.codes import CODES
    from analyzer.verdict.logged import with_logs

    if packet is not None and "-" in captures:
        raise UsageError("--packet: a capture from standard input cannot be read twice; save it to a file")
    if (call_id is None) == (where is None):
        raise UsageError("explain: give either --call ID, or --where EXPR")
    chosen = parse_where(where) or (lambda call: call.id == call_id)
    mesh = load_history(mesh_paths, mesh_config, mesh_at)
    saved = Path(captures[0])
    if is_saved_run(saved):
        if len(captures) > 1 or packet is not None:
            raise UsageError(f"{saved.name}: a saved run is explained by itself, and has no packets")
        analysis, explained = explain_saved(saved, mesh, chosen, most=most)
    else:
        analysis, explained = explain_paths(captures, mesh, chosen, most=most, open_captures=opener(keylogs))
    if access_logs:
        told = with_logs([each.call for each in explained], read_logs(access_logs, mesh), mesh)
        explained = [replace(each, call=call) for each, call in zip(explained, told, strict=True)]
    tell_problems(analysis)
    calls = [call for call in analysis.calls if chosen(call)]
    if not calls and not analysis.calls and exit_code(analysis):
        return exit_code(analysis)
    if not calls:
        known = f"an id from 1 to {len(analysis.calls)}" if analysis.calls else "a capture with calls"
        raise UsageError(f"--call: found {call_id!r}, expected {known}" if where is None else "--where: no call fits")
    if redact == STRICT:
        from analyzer.report.strict import reduce_call

        explained = [replace(each, call=reduce_call(each.call)) for each in explained]
    text = "\n".join(
        render_chain(
            each.call,
            width=width(out),
            colour=colour(color, out),
            codes=CODES.values(),
            redact=redact != OFF,
            misses=[miss.sentence for miss in each.misses],
            passage=each.passage,
        )
        for each in explained
    )
    if len(calls) > most:
        text += f"\n… and {format_count(len(calls) - most, 'more call')}\n"
    if packet is not None:
        text += "\n" + dissect(captures, calls[0].legs[0].capture, packet)
    with output(out) as sink:
        sink.write(text.encode())
    return exit_code(analysis)
