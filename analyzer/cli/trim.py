"""``meshverdict trim``: captures small enough to commit, with the verdicts that they had."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from analyzer.base.errors import UsageError
from analyzer.base.escape import visible
from analyzer.cli.options import capture_arguments, color_option, load, mesh_options, output, progress_option
from analyzer.cli.outcome import EXIT_FINDINGS, mesh_exit_code, problem_code
from analyzer.cli.progress import showing_progress
from analyzer.cli.terminal import colour, width

if TYPE_CHECKING:
    from analyzer.report.as_trim import TrimmedFile
    from analyzer.trimming import TrimmedCapture, Trimming

_NAMED_CALLS = 10


@click.command("trim")
@capture_arguments
@mesh_options
@click.option("--out", required=True, type=click.Path(), metavar="FOLDER", help="Where the captures are written.")
@click.option("--plain", is_flag=True, help="Write pcap as it is, not compressed by gzip.")
@click.option(
    "-o", "--output", "output_format", type=click.Choice(["text", "json"]), default="text", help="The format."
)
@progress_option
@color_option
def command(
    captures: tuple[str, ...],
    mesh_paths: tuple[str, ...],
    mesh_config: str | None,
    out: str,
    plain: bool,
    output_format: str,
    no_progress: bool,
    color: str,
) -> int:
    """Cut CAPTURE... to what their verdicts need: heads stay, bodies go, and what the evidence cites stays.

    The cut captures are analysed again. Where any call would be asked, decided or told otherwise nothing is written,
    and the exit code is 1.
    """
    from analyzer.report.as_trim import render_trim, trim_json
    from analyzer.trimming import trim_paths

    mesh = load(mesh_paths, mesh_config)
    if mesh is None:
        raise UsageError("trim: no mesh; give the YAML of the recording with -m")
    _refuse_inside(out, captures)
    with showing_progress(enabled=not no_progress) as progress:
        trimming = trim_paths(captures, mesh, compress=not plain, progress=progress)
    unusable = mesh_exit_code(mesh)
    for line in (*trimming.errors, *trimming.limits):
        click.echo(f"meshverdict: {visible(line)}", err=True)
    if trimming.differing:
        click.echo(f"meshverdict: trim: {_refusal(trimming)}", err=True)
        return EXIT_FINDINGS
    _write(trimming, Path(out))
    files = [_told(each) for each in trimming.captures]
    with output(None) as sink:
        if output_format == "json":
            sink.write(trim_json(files, trimming.calls))
        else:
            text = render_trim(files, trimming.calls, width=width(None), colour=colour(color, None))
            sink.write(text.encode())
    return max(unusable, problem_code(trimming.errors, (), trimming.limits))


def _told(trimmed: TrimmedCapture) -> TrimmedFile:
    from analyzer.report.as_trim import TrimmedFile

    packets = (trimmed.before_packets, trimmed.packets)
    return TrimmedFile(trimmed.source.name, trimmed.file, packets, (trimmed.before_len, len(trimmed.data)))


def _refusal(trimming: Trimming) -> str:
    ids = trimming.differing
    more = f" and {len(ids) - _NAMED_CALLS} more" if len(ids) > _NAMED_CALLS else ""
    named = f"{', '.join(ids[:_NAMED_CALLS])}{more}"
    return f"calls that would come out otherwise: {named}; nothing was written, keep the captures as they are"


def _refuse_inside(out: str, captures: tuple[str, ...]) -> None:
    """Beside the captures of a folder the cut ones would be read too, from the next time on."""
    target = os.path.realpath(out)
    for folder in map(os.path.realpath, filter(os.path.isdir, captures)):
        if os.path.commonpath((folder, target)) == folder:
            raise UsageError(f"{out}: is where the captures are, which would be read with the cut ones from then on; "
                             "give another folder with --out")  # fmt: skip


def _write(trimming: Trimming, folder: Path) -> None:
    """Writes all files, none of them over a capture that was read."""
    read = {os.path.realpath(each.source.path) for each in trimming.captures if each.source.path}
    targets = [folder / each.file for each in trimming.captures]
    over = next((target for target in targets if os.path.realpath(target) in read), None)
    if over is not None:
        raise UsageError(f"{over}: would be written over the capture itself; give another folder with --out")
    for target, each in zip(targets, trimming.captures, strict=True):
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{target.parent}: cannot be made: {error.strerror}") from None
        with output(str(target)) as sink:
            sink.write(each.data)
