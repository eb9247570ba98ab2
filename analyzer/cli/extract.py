"""``meshverdict extract``: the packets of chosen calls, as a capture of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from analyzer.base.errors import UsageError
from analyzer.cli.options import (
    OFF,
    STRICT,
    capture_arguments,
    load,
    mesh_options,
    output,
    parse_where,
    redact_option,
    where_option,
)
from analyzer.cli.outcome import exit_code, tell_problems

if TYPE_CHECKING:
    from analyzer.verdict.record import Analysis, CallRecord

UNDETERMINED = "undetermined"
VERDICTS = ("service-matched", "headless-matched", "passthrough", "dropped", UNDETERMINED)


@click.command("extract")
@capture_arguments
@mesh_options
@click.option("--call", "ids", multiple=True, metavar="ID", help="A call: its id in analyze's output; repeatable.")
@click.option(
    "--verdict", "verdicts", multiple=True, type=click.Choice(VERDICTS), help="All calls that are; repeatable."
)
@where_option
@click.option("--out", required=True, type=click.Path(), metavar="FILE", help="The pcapng file to write.")
@click.option("--profile", type=click.Path(file_okay=False), metavar="DIR",
              help="Also write a Wireshark profile that colours packets by verdict.")  # fmt: skip
@redact_option
def command(
    captures: tuple[str, ...],
    mesh_paths: tuple[str, ...],
    mesh_config: str | None,
    ids: tuple[str, ...],
    verdicts: tuple[str, ...],
    where: str | None,
    out: str,
    profile: str | None,
    redact: str,
) -> int:
    """Write the packets of chosen calls, all their legs, byte for byte as pcapng with verdicts as comments.

    Every pod and leg has its interface. The profile goes where Wireshark keeps them (Help, About, Folders: personal
    configuration, profiles); its colours, buttons and columns are about the comments.

    --redact is about the comments alone: the packets are what was captured, with whatever they hold.
    """
    from analyzer.extraction import extract_paths, pick_packets
    from analyzer.pipeline import analyze_paths
    from analyzer.report.packet_comments import comments_of
    from analyzer.report.wording import format_count

    if "-" in captures:
        raise UsageError("extract: a capture from standard input cannot be read twice; save it to a file")
    fits = parse_where(where)
    if not (ids or verdicts or fits):
        raise UsageError("extract: give the calls, with --call, --verdict or --where")
    mesh = load(mesh_paths, mesh_config)
    run = analyze_paths(captures, mesh)
    if redact == STRICT:
        from analyzer.report.strict import reduce_analysis

        run = reduce_analysis(run)
    tell_problems(run)
    calls = _chosen(run, ids, verdicts, fits)
    picked = pick_packets(captures, run, calls, comments_of(calls, redact=redact != OFF))
    if profile is not None:
        _write_profile(Path(profile))
    with output(out) as sink:
        sink.writelines(extract_paths(picked, calls, mesh))
    click.echo(f"meshverdict: {format_count(len(picked), 'packet')} of {format_count(len(calls), 'call')}", err=True)
    return exit_code(run)


def _write_profile(folder: Path) -> None:
    from analyzer.report.wireshark_profile import profile_files

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be made: {error.strerror}") from None
    for name, text in profile_files().items():
        with output(str(folder / name)) as sink:
            sink.write(text.encode())


def _chosen(
    run: Analysis, ids: Sequence[str], verdicts: Sequence[str], fits: Callable[[CallRecord], bool] | None
) -> list[CallRecord]:
    """The calls that are named or have one of the verdicts, all where neither is given; of these those that fit."""
    known = {call.id for call in run.calls}
    unknown = [name for name in ids if name not in known]
    if unknown:
        expected = f"an id from 1 to {len(run.calls)}" if run.calls else "a capture with calls"
        raise UsageError(f"--call: found {unknown[0]!r}, expected {expected}")
    named = [
        call
        for call in run.calls
        if not (ids or verdicts) or call.id in ids or (call.decision.verdict or UNDETERMINED) in verdicts
    ]
    return [call for call in named if fits is None or fits(call)]
