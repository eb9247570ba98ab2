"""``meshverdict diff``: run against run: what moved, what is new, what is gone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from analyzer.base.errors import CaptureError, UsageError
from analyzer.base.escape import visible
from analyzer.base.fact import replace
from analyzer.cli.options import (
    FORGE_NAMES,
    OFF,
    STRICT,
    MeshSource,
    also_option,
    color_option,
    interval_options,
    load,
    mesh_options,
    out_option,
    output,
    parse_also,
    parse_time,
    parse_where,
    redact_option,
    where_option,
    write_also,
)
from analyzer.cli.outcome import EXIT_FINDINGS, problem_code
from analyzer.cli.terminal import colour, width

if TYPE_CHECKING:
    from analyzer.mesh.snapshot import MeshSnapshot
    from analyzer.pipeline import Interval
    from analyzer.verdict.drift import RunDiff
    from analyzer.verdict.record import Analysis

FORMATS = ("text", "jsonl", "json", *FORGE_NAMES)
# What --fail-on may name: a kind of difference, or that a call ends in that verdict now.
FAIL_ON = ("any", "none", "moved", "new", "gone", "share", "dropped", "passthrough", "undetermined")


@click.command("diff")
@click.argument("before", metavar="RUN_A", type=click.Path())
@click.argument("after", metavar="RUN_B", type=click.Path())
@mesh_options
@click.option("--mesh-new", "new_paths", multiple=True, type=MeshSource(), metavar="PATH",
              help="The mesh of RUN_B, where it is another than -m; repeatable.")  # fmt: skip
@click.option("--split", metavar="T", help="Of RUN_A only calls before T, of RUN_B only calls from T on.")
@click.option("--share", "share_points", type=click.FloatRange(0, 100), default=10.0, show_default=True,
              metavar="POINTS", help="By how many percentage points a share may change.")  # fmt: skip
@click.option("-o", "--output", "output_format", type=click.Choice(FORMATS), default="text", help="The format.")
@out_option
@also_option
@click.option("--fail-on", default="any", show_default=True, metavar="WHAT",
              help=f"Exit with 1 when there is any of these, by comma: {', '.join(FAIL_ON)}.")  # fmt: skip
@interval_options
@where_option
@redact_option
@color_option
def command(
    before: str,
    after: str,
    mesh_paths: tuple[str, ...],
    mesh_config: str | None,
    new_paths: tuple[str, ...],
    split: str | None,
    share_points: float,
    output_format: str,
    out: str | None,
    also: tuple[str, ...],
    fail_on: str,
    since: str | None,
    until: str | None,
    where: str | None,
    redact: str,
    color: str,
) -> int:
    """Say what is different in RUN_B: calls matched by who calls what, not by address, port or time.

    A run is what analyze --save kept or -o json or jsonl wrote, or captures (a file or folder), which are then
    analysed with -m.
    """
    from analyzer.pipeline import Interval, what_if_paths
    from analyzer.report.issues import issues_of_diff
    from analyzer.verdict.drift import diff_runs, with_causes

    names = _fail_on(fail_on)
    at = parse_time(split, "--split")
    more = parse_also(also)
    interval = Interval(parse_time(since, "--since"), parse_time(until, "--until"))
    mesh, mesh_new = load(mesh_paths, mesh_config), load(new_paths, None)
    earlier = interval if at is None else replace(interval, until_ns=at)
    old = _run(before, mesh, earlier)
    later = interval if at is None else replace(interval, since_ns=at)
    new = _run(after, mesh_new or mesh, later)
    chosen = parse_where(where) or (lambda _: True)
    found = diff_runs(*([c for c in run.calls if chosen(c)] for run in (old, new)), share_points=share_points)
    recorded = next((source for source in (before, after) if not _is_saved(source)), None)
    if mesh is not None and mesh_new is not None and found.moves and recorded is not None:
        asked = earlier if recorded == before else later
        found = with_causes(found, what_if_paths([recorded], mesh, mesh_new, interval=asked).moves)
    meshes = tuple(each.mesh for each in (old, new) if each.mesh)
    limits = tuple(dict.fromkeys((*old.limits, *new.limits)))
    found = replace(found, captures=(*old.captures, *new.captures), meshes=meshes, limits=limits)
    if redact == STRICT:
        from analyzer.report.strict import reduce_diff

        found = reduce_diff(found)
    _write(found, output_format, out, color, redact=redact != OFF)
    write_also(more, lambda: issues_of_diff(found, redact=redact != OFF))
    return _leave(found, names)


def _run(source: str, mesh: MeshSnapshot | None, interval: Interval) -> Analysis:
    """A saved run, or the analysis of captures."""
    from analyzer.pipeline import analyze_paths
    from analyzer.report.from_json import read_run
    from analyzer.report.saved_run import is_saved_run, read_saved_run

    if not _is_saved(source):
        if mesh is None:
            raise UsageError(f"{source}: found captures and no mesh; give its YAML with -m")
        return analyze_paths([source], mesh, interval=interval)
    path = Path(source)
    run = read_saved_run(path).analysis if is_saved_run(path) else read_run(path)
    return replace(run, calls=tuple(call for call in run.calls if interval.holds(call)))


def _is_saved(source: str) -> bool:
    """Whether a run is a saved one: a capture never begins with a brace, nor as SQLite does."""
    from analyzer.report.saved_run import MAGIC

    path = Path(source)
    try:
        with path.open("rb") as file:
            begin = file.read(len(MAGIC))
            return begin[:1] == b"{" or begin == MAGIC
    except IsADirectoryError:
        return False
    except OSError as error:
        raise CaptureError(
            f"{path.name}: {error.strerror}; expected a saved run, a capture, or a folder of them"
        ) from None


def _write(diff: RunDiff, output_format: str, out: str | None, color: str, *, redact: bool) -> None:
    from analyzer.report.as_diff import diff_json, diff_jsonl, render_diff
    from analyzer.report.forges import FORGES
    from analyzer.report.issues import issues_of_diff

    with output(out) as sink:
        if output_format in FORGES:
            sink.writelines(FORGES[output_format](issues_of_diff(diff, redact=redact)))
        elif output_format == "jsonl":
            sink.writelines(diff_jsonl(diff, redact=redact))
        elif output_format == "json":
            sink.writelines(diff_json(diff, redact=redact))
        else:
            sink.write(render_diff(diff, width=width(out), colour=colour(color, out), redact=redact).encode())


def _fail_on(text: str) -> set[str]:
    names = {name.strip() for name in text.split(",")}
    unknown = sorted(names - set(FAIL_ON))
    if unknown:
        raise UsageError(f"--fail-on: found {unknown[0]!r}, expected some of {', '.join(FAIL_ON)}")
    return names


def _leave(diff: RunDiff, names: set[str]) -> int:
    """The exit code, after a line on standard error for everything that could not be read."""
    from analyzer.report.as_diff import kind_of

    unread = [capture.error for capture in diff.captures if capture.error]
    unusable = [error for mesh in diff.meshes for error in mesh.errors]
    for line in dict.fromkeys((*unread, *unusable, *diff.limits)):
        click.echo(f"meshverdict: {visible(line)}", err=True)
    worst = problem_code(unread, unusable, diff.limits)
    if worst:
        return worst
    found = {kind_of(move) for move in diff.moves} | ({"share"} if diff.shares else set())
    found |= {move.after.verdict or "undetermined" for move in diff.moves if move.after}
    return EXIT_FINDINGS if found and ("any" in names or found & names) else 0
