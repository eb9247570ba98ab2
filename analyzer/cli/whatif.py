"""``meshverdict whatif``: the same captures, another mesh: only what moves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from analyzer.base.errors import UsageError
from analyzer.base.escape import visible
from analyzer.cli.options import (
    FORGE_NAMES,
    OFF,
    STRICT,
    MeshSource,
    also_option,
    capture_arguments,
    color_option,
    interval_options,
    load,
    mesh_options,
    out_option,
    output,
    parse_also,
    parse_time,
    parse_where,
    progress_option,
    redact_option,
    where_option,
    write_also,
)
from analyzer.cli.outcome import EXIT_FINDINGS, problem_code
from analyzer.cli.progress import showing_progress
from analyzer.cli.terminal import colour, width

if TYPE_CHECKING:
    from analyzer.mesh.snapshot import MeshSnapshot
    from analyzer.verdict.record import WhatIf

FORMATS = ("text", "jsonl", "json", *FORGE_NAMES)
# What --fail-on may name: any call that moves, or one that moves to that verdict.
FAIL_ON = ("any", "none", "dropped", "passthrough", "undetermined")


@click.command("whatif")
@capture_arguments
@mesh_options
@click.option("--mesh-new", "new_paths", multiple=True, type=MeshSource(), metavar="PATH",
              help="The other mesh's YAML, as -m; git:REV:PATH reads a revision; repeatable.")  # fmt: skip
@click.option("--mesh-config-new", type=click.Path(), metavar="FILE", help="The other mesh's MeshConfig document.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE",
              help="A change without YAML: outboundTrafficPolicy=REGISTRY_ONLY, mtls=STRICT (also mtls[NS]=, "
              "mtls[NS/POD]=), sidecar[NS/POD]=none, exportTo[NS/NAME]=. ; repeatable.")  # fmt: skip
@click.option("-o", "--output", "output_format", type=click.Choice(FORMATS), default="text", help="The format.")
@out_option
@also_option
@click.option("--fail-on", default="any", show_default=True, metavar="WHAT",
              help=f"Exit with 1 when a call moves to any of these, by comma: {', '.join(FAIL_ON)}.")  # fmt: skip
@interval_options
@where_option
@redact_option
@progress_option
@color_option
def command(
    captures: tuple[str, ...],
    mesh_paths: tuple[str, ...],
    mesh_config: str | None,
    new_paths: tuple[str, ...],
    mesh_config_new: str | None,
    settings: tuple[str, ...],
    output_format: str,
    out: str | None,
    also: tuple[str, ...],
    fail_on: str,
    since: str | None,
    until: str | None,
    where: str | None,
    redact: str,
    no_progress: bool,
    color: str,
) -> int:
    """Say which calls of CAPTURE... would end elsewhere with another mesh, and which line of YAML moves each.

    -m is the mesh of the recording. The captures say what was asked and of whom; the pod that a balancer chose does
    not bind the other mesh. CAPTURE may be a run that analyze --save kept.
    """
    from analyzer.inquiry import what_if_saved
    from analyzer.pipeline import Interval, what_if_paths
    from analyzer.report.issues import issues_of_moves
    from analyzer.report.saved_run import is_saved_run

    names = _fail_on(fail_on)
    more = parse_also(also)
    interval = Interval(parse_time(since, "--since"), parse_time(until, "--until"))
    chosen = parse_where(where)
    old, new = _meshes(mesh_paths, mesh_config, new_paths, mesh_config_new, settings)
    with showing_progress(enabled=not no_progress) as progress:
        if len(captures) == 1 and is_saved_run(Path(captures[0])):
            what = what_if_saved(Path(captures[0]), old, new, interval=interval, where=chosen)
        else:
            what = what_if_paths(captures, old, new, interval=interval, where=chosen, progress=progress)
    if redact == STRICT:
        from analyzer.report.strict import reduce_moves

        what = reduce_moves(what)
    _write(what, output_format, out, color, redact=redact != OFF)
    write_also(more, lambda: issues_of_moves(what, redact=redact != OFF))
    return _leave(what, names)


def _meshes(
    mesh_paths: tuple[str, ...],
    mesh_config: str | None,
    new_paths: tuple[str, ...],
    mesh_config_new: str | None,
    settings: tuple[str, ...],
) -> tuple[MeshSnapshot, MeshSnapshot]:
    from analyzer.mesh.preset import with_settings

    old = load(mesh_paths, mesh_config)
    if old is None:
        raise UsageError("whatif: no mesh; give the YAML of the recording with -m")
    new = load(new_paths, mesh_config_new)
    if new is None and not settings:
        raise UsageError("whatif: no other mesh; give its YAML with --mesh-new, or a change with --set")
    return old, with_settings(new or old, settings)


def _write(what: WhatIf, output_format: str, out: str | None, color: str, *, redact: bool) -> None:
    from analyzer.report.as_moves import moves_json, moves_jsonl, render_moves
    from analyzer.report.forges import FORGES
    from analyzer.report.issues import issues_of_moves

    with output(out) as sink:
        if output_format in FORGES:
            sink.writelines(FORGES[output_format](issues_of_moves(what, redact=redact)))
        elif output_format == "jsonl":
            sink.writelines(moves_jsonl(what, redact=redact))
        elif output_format == "json":
            sink.writelines(moves_json(what, redact=redact))
        else:
            text = render_moves(what, width=width(out), colour=colour(color, out), redact=redact)
            sink.write(text.encode())


def _fail_on(text: str) -> set[str]:
    names = {name.strip() for name in text.split(",")}
    unknown = sorted(names - set(FAIL_ON))
    if unknown:
        raise UsageError(f"--fail-on: found {unknown[0]!r}, expected some of {', '.join(FAIL_ON)}")
    return names


def _leave(what: WhatIf, names: set[str]) -> int:
    """The exit code, after a line on standard error for everything that could not be read."""
    unread = [capture.error for capture in what.captures if capture.error]
    unusable = [error for mesh in (what.old, what.new) if mesh for error in mesh.errors]
    for line in (*unread, *dict.fromkeys(unusable), *what.limits):
        click.echo(f"meshverdict: {visible(line)}", err=True)
    worst = problem_code(unread, unusable, what.limits)
    if worst:
        return worst
    found = {(move.after and move.after.verdict) or "undetermined" for move in what.moves}
    found |= {"any"} if what.moves else set()
    return EXIT_FINDINGS if found & (names - {"none"}) else 0
