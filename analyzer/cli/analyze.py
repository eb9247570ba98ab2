"""``meshverdict analyze``: captures and mesh in, verdicts out."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from analyzer.base.errors import UsageError
from analyzer.base.fact import replace
from analyzer.cli.follow import check_follow, follow_capture
from analyzer.cli.interrupt import interruptible
from analyzer.cli.large import FORMS, PARQUET, TEXT, Ahead, RunOn, pieces_of, reading_ahead, run_in_lots
from analyzer.cli.options import (
    FORGE_NAMES,
    OFF,
    STRICT,
    access_log_option,
    also_option,
    capture_arguments,
    cluster_option,
    color_option,
    follow_options,
    history_options,
    interval_options,
    jobs_option,
    keylog_option,
    load_history,
    opener,
    out_option,
    output,
    parse_also,
    parse_time,
    parse_where,
    processors,
    progress_option,
    redact_option,
    where_option,
    write_also,
)
from analyzer.cli.outcome import EXIT_FINDINGS, EXIT_INTERRUPTED, FAIL_ON, exit_code, keep, parse_fail_on, tell_problems
from analyzer.cli.progress import showing_progress
from analyzer.cli.terminal import colour, width

if TYPE_CHECKING:
    from analyzer.base.watch import Progress, Stop, Watch
    from analyzer.capture.sources import CaptureSource
    from analyzer.judging import SpilledRun
    from analyzer.lot import Plan
    from analyzer.mesh.history import Meshes
    from analyzer.opening import OpenAll
    from analyzer.pipeline import Interval, Where
    from analyzer.protocol.facts import Conversation
    from analyzer.report.issue import Issues
    from analyzer.verdict.judge import Asked
    from analyzer.verdict.record import Analysis
    from analyzer.verdict.sheets import Sheets
    from analyzer.verdict.wires import Wire

# Bytes that are written at once.
_BLOCK_LEN = 1 << 19
# What a run says of itself that the user ended early.
INTERRUPTED = "interrupted: this is what was known by then, not all that the captures hold"
FORMATS = (*FORMS, *FORGE_NAMES)


# docs/limits.md has the rest of it.
_LIMITS = (
    "Limits, told when hit, with exit code 6: connection-limit (250,000), udp-flows-limit (10,000), follow-limit (256 "
    "MiB), decompression-limit (16 GiB, 100-fold), too-many-interfaces (65,535), nesting-limit (4 tunnels, 256 "
    "headers), tcp-overlap-unchecked (2,000,000 repeats), http1-request-line-too-long (64 KiB), http1-head-too-large "
    "(60 KiB), http1-too-many-headers (100), h2-continuation-flood (1,024 frames), tls-client-hello-too-large (16 "
    "KiB), tls-handshake-too-large (128 KiB), tls-record-flood (4,096 records). meshverdict codes NAME explains each."
)


@click.command("analyze", epilog=_LIMITS)
@capture_arguments
@history_options
@click.option("-o", "--output", "output_format", type=click.Choice(FORMATS), default=TEXT, help="The format.")
@access_log_option
@keylog_option
@out_option
@also_option
@click.option("--save", type=click.Path(), metavar="RUN", help="Also keep the run in a file that explain, report, "
              "whatif and diff read without the captures.")  # fmt: skip
@click.option("--html", type=click.Path(), metavar="FILE", help="Also write the report as one HTML file.")
@click.option(
    "--fail-on",
    default="none",
    metavar="WHAT",
    help=f"Exit with 1 when there is any of these, by comma: {', '.join(FAIL_ON)}.",
)
@interval_options
@where_option
@redact_option
@jobs_option
@cluster_option
@follow_options
@progress_option
@color_option
def command(
    captures: tuple[str, ...],
    mesh_paths: tuple[str, ...],
    mesh_config: str | None,
    mesh_at: tuple[str, ...],
    output_format: str,
    access_logs: tuple[str, ...],
    keylogs: tuple[str, ...],
    out: str | None,
    also: tuple[str, ...],
    save: str | None,
    html: str | None,
    fail_on: str,
    since: str | None,
    until: str | None,
    where: str | None,
    redact: str,
    jobs: int | None,
    cluster: str | None,
    follow: bool,
    idle: float | None,
    no_progress: bool,
    color: str,
) -> int:
    """Say of every call in CAPTURE... (files, folders, globs, - for standard input) where the mesh sent it and why."""
    beside = (access_logs, keylogs, also, save, html)
    in_lots = output_format in FORMS and redact != STRICT and not follow and not any(beside)
    shared = jobs or processors()
    ahead = _begun(captures, jobs=shared) if in_lots and cluster is None else None
    # What takes long to import comes only now.
    from analyzer.pipeline import Interval, analyze_paths, chosen_in

    failures = parse_fail_on(fail_on)
    check_format(output_format, out)
    more = parse_also(also)
    interval = Interval(parse_time(since, "--since"), parse_time(until, "--until"))
    chosen = parse_where(where)
    mesh = load_history(mesh_paths, mesh_config, mesh_at)
    if follow:
        others = {
            "--access-log": access_logs, "--keylog": keylogs, "--save": save, "--html": html, "--cluster": cluster,
            "--also": also,
        }  # fmt: skip
        source = check_follow(captures, output_format, redact, others)
        analysis, interrupted = follow_capture(
            source, mesh, chosen_in(interval, chosen), idle=idle, out=out, output_format=output_format,
            redact=redact != OFF,
        )  # fmt: skip
        tell_problems(analysis)
        return EXIT_INTERRUPTED if interrupted else exit_code(analysis, failures)
    sheets = None
    with (
        interruptible() as stop,
        showing_progress(enabled=not no_progress) as progress,
        _helped(cluster, shared, keylogs) as help_,
    ):
        how = _How(interval, chosen, progress, help_.open_captures, stop)
        if in_lots:
            run, how = _judged_in_lots(
                captures, mesh, how, failures, ahead=ahead, run_on=help_.run_on, redact=redact != OFF, jobs=shared,
                output_format=output_format,
            )  # fmt: skip
            if run is not None:
                return _write_spilled(run, output_format, out, color, redact=redact != OFF)
        if save is not None or html is not None:
            analysis, sheets = _analyzed_with_questions(captures, mesh, how, save=save, html=html, redact=redact)
        else:
            analysis = _marked(analyze_paths(captures, mesh, jobs=shared, **how._asdict()), how)
    if access_logs:
        from analyzer.inquiry import read_logs, with_access_logs

        analysis = with_access_logs(analysis, read_logs(access_logs, mesh), mesh)
    keep(analysis)
    if redact == STRICT:
        from analyzer.report.strict import reduce_analysis

        analysis = reduce_analysis(analysis)
    redacted = redact != OFF
    write_run(analysis, output_format, out, color, redact=redacted, jobs=shared)
    if html is not None:
        write_page(analysis, html, redact=redacted, sheets=sheets)
    write_also(more, lambda: _issues(analysis, redact=redacted))
    tell_problems(analysis)
    return EXIT_INTERRUPTED if INTERRUPTED in analysis.limits else exit_code(analysis, failures)


def _begun(captures: tuple[str, ...], *, jobs: int) -> Ahead | None:
    """The reading of a large capture, begun before the rooms that judge it are there; the command's end ends it."""
    return click.get_current_context().with_resource(reading_ahead(captures, jobs=jobs))


def _judged_in_lots(
    captures: tuple[str, ...],
    mesh: Meshes | None,
    how: _How,
    failures: tuple[str, ...],
    *,
    ahead: Ahead | None,
    run_on: RunOn | None,
    redact: bool,
    jobs: int,
    output_format: str,
) -> tuple[SpilledRun | None, _How]:
    """A run that was judged in lots, if it can be; and how others go on from there."""
    from analyzer.pipeline import Interval, chosen_in

    everything = how.where is None and how.interval == Interval()
    run, read = run_in_lots(
        captures, mesh, ahead=ahead, run_on=run_on,
        keep=None if everything else chosen_in(how.interval, how.where), failures=failures, redact=redact,
        jobs=jobs, form=FORMS[output_format], progress=how.progress, stop=how.stop,
    )  # fmt: skip
    if run is not None:
        return replace(run, analysis=_marked(run.analysis, how)), how
    return None, how._replace(open_captures=read or how.open_captures)


def _write_spilled(run: SpilledRun, output_format: str, out: str | None, color: str, *, redact: bool) -> int:
    """Write a run that is not in memory, as lines or as a summary; gives its exit code."""
    keep(run.analysis)
    with output(out) as sink:
        if output_format == TEXT:
            from analyzer.report.as_text import render_summary

            summary = run.summary(redact=redact)
            sink.write(render_summary(summary, width=width(out), colour=colour(color, out)).encode())
        else:
            from analyzer.base.ahead import made_ahead
            from analyzer.base.pages import write_large

            write_large(sink, made_ahead(pieces_of(run, output_format, redact=redact)))
    tell_problems(run.analysis)
    found = EXIT_FINDINGS if run.met else 0
    return EXIT_INTERRUPTED if INTERRUPTED in run.analysis.limits else exit_code(run.analysis) or found


class _How(NamedTuple):
    """What a run is given by the names that the pipeline has for it."""

    interval: Interval
    where: Where | None
    progress: Progress | None
    open_captures: OpenAll
    stop: Stop


def _marked(analysis: Analysis, how: _How) -> Analysis:
    """The run, which says so where the user ended it."""
    return replace(analysis, limits=(*analysis.limits, INTERRUPTED)) if how.stop() else analysis


def _analyzed_with_questions(
    captures: tuple[str, ...],
    mesh: Meshes | None,
    how: _How,
    *,
    save: str | None,
    html: str | None,
    redact: str,
) -> tuple[Analysis, Sheets | None]:
    """A run that is saved, or told on a page: then with what the page has beside it."""
    from analyzer.pipeline import analyze_and_ask

    analysis, asked, spoken = analyze_and_ask(captures, mesh, **how._asdict())
    analysis = _marked(analysis, how)
    if save is not None:
        _save(save, analysis, asked, redact=redact)
    return analysis, _sheets(captures, mesh, asked, spoken) if html is not None else None


def _sheets(
    captures: tuple[str, ...],
    mesh: Meshes | None,
    asked: Sequence[Asked],
    spoken: Sequence[tuple[Wire, Conversation]],
) -> Sheets:
    from analyzer.extraction import sheets_for

    return sheets_for(captures, mesh, asked, spoken)


class _Help(NamedTuple):
    """What opens captures, and what makes the run over a very large one where that is not done here."""

    open_captures: OpenAll
    run_on: RunOn | None = None


@contextmanager
def _helped(cluster: str | None, jobs: int, keylogs: tuple[str, ...]) -> Iterator[_Help]:
    """This process, or the workers of a cluster."""
    if cluster is None:
        yield _Help(opener(keylogs))
    elif keylogs:
        raise UsageError("--keylog: keys do not leave this machine; leave --cluster out")
    else:
        from analyzer.cluster import connected, open_on

        with connected(cluster, jobs) as client:
            yield _Help(open_on(client), partial(_run_on, client))


def _run_on(client: object, source: CaptureSource, plan: Plan, watch: Watch) -> SpilledRun | None:
    # Only a very large capture is worth these rooms.
    from analyzer.cluster_lots import run_on

    return run_on(client, source, plan, watch)


def _save(path: str, analysis: Analysis, asked: Sequence[Asked], *, redact: str) -> None:
    from analyzer.report.saved_run import write_saved_run

    if redact == STRICT:
        raise UsageError("--save: a run without the words of its paths cannot be asked again; save it with standard")
    write_saved_run(Path(path), analysis, asked, redact=redact != OFF)


def check_format(output_format: str, out: str | None) -> None:
    """Raises ``UsageError`` where a run could not be written so, before it is made."""
    if output_format != PARQUET:
        return
    from analyzer.report.as_parquet import require_pyarrow

    require_pyarrow()
    if out is None and sys.stdout.isatty():
        raise UsageError("-o parquet: standard output is a terminal; expected --out FILE, or a pipe")


def write_run(
    analysis: Analysis, output_format: str, out: str | None, color: str, *, redact: bool, jobs: int = 1
) -> None:
    """Write a run in one of ``FORMATS``."""
    with output(out) as sink:
        if output_format in FORGE_NAMES:
            from analyzer.report.forges import FORGES

            sink.writelines(FORGES[output_format](_issues(analysis, redact=redact)))
        elif output_format == TEXT:
            from analyzer.report.as_text import render_text

            sink.write(render_text(analysis, width=width(out), colour=colour(color, out), redact=redact).encode())
        else:
            from analyzer.report.formats import renderer

            sink.writelines(_in_blocks(renderer(output_format, jobs)(analysis, redact=redact)))


def _in_blocks(pieces: Iterator[bytes | memoryview]) -> Iterator[bytes]:
    """The same bytes in fewer pieces: each piece is a write of its own."""
    held: list[bytes | memoryview] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= _BLOCK_LEN:
            yield b"".join(held)
            held, size = [], 0
    yield b"".join(held)


def _issues(analysis: Analysis, *, redact: bool) -> Issues:
    from analyzer.report.issues import issues_of_run

    return issues_of_run(analysis, redact=redact)


def write_page(analysis: Analysis, html: str, *, redact: bool, sheets: Sheets | None = None) -> None:
    """Write the report of a run as one HTML file; a run that was read back has no ``sheets``."""
    from analyzer.pipeline import cited_lines
    from analyzer.report.as_html import render_html
    from analyzer.verdict.codes import CODES

    page = render_html(analysis, codes=CODES.values(), yaml_lines=cited_lines(analysis), redact=redact, sheets=sheets)
    with output(html) as sink:
        sink.write(page)
