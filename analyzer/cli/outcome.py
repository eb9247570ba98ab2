"""Exit codes and the lines on standard error that explain them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import click

from analyzer.base.errors import CaptureError, MeshError, UsageError
from analyzer.base.escape import visible
from analyzer.base.oddity import Level

if TYPE_CHECKING:
    from analyzer.mesh.snapshot import MeshSnapshot
    from analyzer.verdict.record import Analysis, CallRecord

EXIT_FINDINGS = 1
EXIT_LIMIT = 6
EXIT_INTERRUPTED = 130


def _never(_: CallRecord) -> bool:
    return False


def _has_verdict(verdict: str | None, call: CallRecord) -> bool:
    return call.decision.verdict == verdict


def _disagrees(call: CallRecord) -> bool:
    return call.observed.agrees is False


# What --fail-on may name, and when a call is that; other processes find these by their names.
FAIL_ON: dict[str, Callable[[CallRecord], bool]] = {
    "none": _never,
    "dropped": partial(_has_verdict, "dropped"),
    "passthrough": partial(_has_verdict, "passthrough"),
    "undetermined": partial(_has_verdict, None),
    "disagreement": _disagrees,
}


def parse_fail_on(text: str) -> tuple[str, ...]:
    """The names that ``--fail-on`` lists; raises ``UsageError`` where one is not in ``FAIL_ON``."""
    names = tuple(name.strip() for name in text.split(","))
    unknown = [name for name in names if name not in FAIL_ON]
    if unknown:
        raise UsageError(f"--fail-on: found {unknown[0]!r}, expected some of {', '.join(FAIL_ON)}")
    return names


def exit_code(analysis: Analysis, fail_on: Iterable[str] = ()) -> int:
    """The documented exit code of a run: the highest of 3, 4 and 6, else 1 where ``fail_on`` is met; else 0."""
    unread = [capture.error for capture in analysis.captures if capture.error]
    worst = problem_code(unread, analysis.mesh.errors if analysis.mesh else (), analysis.limits)
    if worst:
        return worst
    return EXIT_FINDINGS if any(FAIL_ON[name](call) for name in fail_on for call in analysis.calls) else 0


def problem_code(unread: Sequence[str], unusable: Sequence[str], limits: Sequence[str]) -> int:
    """The code of the worst of captures not read to their end, mesh input that is unusable, and limits; else 0."""
    codes = ((limits, EXIT_LIMIT), (unusable, MeshError.exit_code), (unread, CaptureError.exit_code))
    return next((code for found, code in codes if found), 0)


def mesh_exit_code(mesh: MeshSnapshot) -> int:
    """4 where a part of the mesh could not be used, which is then told on standard error; else 0."""
    errors = [str(oddity) for oddity in mesh.oddities if oddity.code.level is Level.ERROR]
    for error in errors:
        click.echo(f"meshverdict: {visible(error)}", err=True)
    return MeshError.exit_code if errors else 0


def keep(analysis: Analysis) -> None:
    """Spare the end of the process the work of freeing a run, where the caller of the command line asked for that."""
    kept = click.get_current_context().obj
    if kept is not None:
        kept.append(analysis)


def tell_problems(analysis: Analysis) -> None:
    """One line on standard error for everything that could not be read and every limit that was hit."""
    lines = [capture.error for capture in analysis.captures if capture.error]
    lines += analysis.mesh.errors if analysis.mesh else ()
    lines += analysis.limits
    for line in lines:
        click.echo(f"meshverdict: {visible(line)}", err=True)
