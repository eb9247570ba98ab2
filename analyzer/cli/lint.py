"""``meshverdict lint``: what in the mesh is surprising without any traffic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from analyzer.base.errors import MeshError, UsageError
from analyzer.base.escape import visible
from analyzer.base.oddity import Level
from analyzer.cli.options import (
    FORGE_NAMES,
    also_option,
    color_option,
    load,
    mesh_options,
    out_option,
    output,
    parse_also,
    write_also,
)
from analyzer.cli.outcome import EXIT_FINDINGS
from analyzer.cli.terminal import colour, width

if TYPE_CHECKING:
    from analyzer.mesh.snapshot import MeshSnapshot
    from analyzer.report.issue import Issues
    from analyzer.verdict.lint.finding import LintFinding

FORMATS = ("text", "json", "jsonl", *FORGE_NAMES)
# What --show and --fail-on may name, with the levels that this means.
THRESHOLDS = {
    "none": frozenset[Level](),
    "error": frozenset({Level.ERROR}),
    "warning": frozenset({Level.ERROR, Level.WARNING}),
    "info": frozenset(Level),
}


@click.command("lint")
@mesh_options
@click.option("-o", "--output", "output_format", type=click.Choice(FORMATS), default="text", help="The format.")
@out_option
@also_option
@click.option("--fail-on", type=click.Choice(list(THRESHOLDS)), default="warning", show_default=True,
              help="Exit with 1 when there is a finding of this level or a worse one.")  # fmt: skip
@click.option("--show", type=click.Choice(["error", "warning", "info"]), default="info", help="From which level on.")
@click.option(
    "--suppress",
    "suppressed",
    multiple=True,
    metavar="CODE=NS/NAME",
    help="Findings to leave out; * in either part, repeatable.",
)
@color_option
def command(
    mesh_paths: tuple[str, ...],
    mesh_config: str | None,
    output_format: str,
    out: str | None,
    also: tuple[str, ...],
    fail_on: str,
    show: str,
    suppressed: tuple[str, ...],
    color: str,
) -> int:
    """Say what in the mesh is surprising: shadowed routes, conflicts, TLS that cannot work, policies without effect."""
    from analyzer.verdict.lint.analysers import CODES, lint
    from analyzer.verdict.lint.suppression import parse_suppression, visible_findings

    more = parse_also(also)
    suppressions = [parse_suppression(text, CODES) for text in suppressed]
    mesh = load(mesh_paths, mesh_config)
    if mesh is None:
        raise UsageError("lint: no mesh; give its YAML with -m")
    found = lint(mesh)
    kept = visible_findings(found, suppressions)
    shown = [finding for finding in kept if finding.level in THRESHOLDS[show]]
    hidden = len(found) - len(shown)
    _write(mesh, shown, hidden, output_format=output_format, out=out, color=color)
    write_also(more, lambda: _issues(mesh, shown, hidden))
    unusable = _unusable(mesh)
    if unusable:
        click.echo(f"meshverdict: {visible(unusable)}", err=True)
        return MeshError.exit_code
    return EXIT_FINDINGS if any(finding.level in THRESHOLDS[fail_on] for finding in kept) else 0


def _write(
    mesh: MeshSnapshot, shown: Sequence[LintFinding], hidden: int, *, output_format: str, out: str | None, color: str
) -> None:
    from analyzer.report.as_lint import lint_json, lint_jsonl, render_lint
    from analyzer.report.forges import FORGES

    resources = len(mesh.resources)
    with output(out) as sink:
        if output_format in FORGES:
            sink.writelines(FORGES[output_format](_issues(mesh, shown, hidden)))
        elif output_format == "jsonl":
            sink.writelines(lint_jsonl(shown))
        elif output_format == "json":
            sink.writelines(lint_json(shown, resources=resources, hidden=hidden))
        else:
            text = render_lint(shown, resources=resources, hidden=hidden, width=width(out), colour=colour(color, out))
            sink.write(text.encode())


def _issues(mesh: MeshSnapshot, shown: Sequence[LintFinding], hidden: int) -> Issues:
    from analyzer.report.as_lint import lint_headline
    from analyzer.report.issues import issues_of_lint

    headline = f"{lint_headline(shown, len(mesh.resources), hidden)}."
    return issues_of_lint(shown, headline=headline[0].upper() + headline[1:], file=next(iter(mesh.sources), ""))


def _unusable(mesh: MeshSnapshot) -> str:
    """Why the mesh cannot be judged as a whole: nothing was found in it, or a part of it could not be read."""
    errors = [str(oddity) for oddity in mesh.oddities if oddity.code.level is Level.ERROR]
    if errors:
        return f"{errors[0]} (and {len(errors) - 1} more)" if len(errors) > 1 else errors[0]
    return "" if mesh.resources else f"no resource was found in {', '.join(mesh.sources) or 'the mesh input'}"
