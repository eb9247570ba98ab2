"""``analyze --follow``: a capture that is still written, told call by call."""

from __future__ import annotations

import select
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from analyzer.base.errors import CaptureError, UsageError
from analyzer.cli.options import STRICT, output
from analyzer.cli.terminal import width

if TYPE_CHECKING:
    from analyzer.capture.growing import GrowingFile, GrowingPipe
    from analyzer.capture.sources import CaptureSource
    from analyzer.following import Follower
    from analyzer.mesh.history import Meshes
    from analyzer.pipeline import Where
    from analyzer.verdict.record import Analysis, CallRecord

FORMATS = ("text", "jsonl")
# Looks are at least so far apart, and so many times as far as the last one took: they leave most of a core to others.
PAUSE_SECONDS, SHARE = 1.0, 4.0
# So long without news, calls that ended are told whatever may come.
QUIET_SECONDS = 2.0
# What is waited for at a time.
NAP_SECONDS = 0.2

Write = Callable[[Sequence["CallRecord"]], None]


def check_follow(
    captures: Sequence[str], output_format: str, redact: str, others: Mapping[str, object]
) -> CaptureSource:
    """The one capture to follow; raises ``UsageError`` for what cannot be had of a growing one."""
    from analyzer.capture.sources import find_captures

    sources = find_captures(captures)
    if len(sources) != 1:
        raise UsageError(f"--follow: found {len(sources)} captures, expected one file, or - for standard input")
    if output_format not in FORMATS:
        raise UsageError(f"--follow: found -o {output_format}, expected {' or '.join(FORMATS)}")
    if redact == STRICT:
        raise UsageError("--follow: found --redact strict, which looks at all paths together; expected standard or off")
    unfit = [name for name, value in others.items() if value]
    if unfit:
        raise UsageError(f"--follow: found {unfit[0]} too; expected it without --follow, once the capture is whole")
    return sources[0]


def follow_capture(
    source: CaptureSource,
    mesh: Meshes | None,
    where: Where,
    *,
    idle: float | None,
    out: str | None,
    output_format: str,
    redact: bool,
) -> tuple[Analysis, bool]:
    """Follow a capture and write what it tells; the run over all of it, and whether the user ended it."""
    from analyzer.following import Follower

    growing = open_growing(source.path)
    follower = Follower(source.name, mesh, pod_hint=source.pod_hint, where=where)
    with output(out, as_it_grows=True) as sink:
        told = Told(sink, output_format, redact=redact)
        interrupted = follow(growing, follower, told.calls, idle=idle)
        analysis = follower.finish()
        told.end(analysis, out)
    return analysis, interrupted


def open_growing(path: Path | None) -> GrowingFile | GrowingPipe:
    """Where the bytes of a file, or of standard input (None), come from; raises ``CaptureError``."""
    from analyzer.capture.growing import GrowingFile, GrowingPipe

    if path is not None:
        return GrowingFile(path)
    if sys.stdin is None or sys.stdin.closed:
        raise CaptureError("stdin: standard input is closed; expected a capture")
    return GrowingPipe(sys.stdin.fileno())


def follow(source: GrowingFile | GrowingPipe, follower: Follower, write: Write, *, idle: float | None) -> bool:
    """Tell calls until the writer is gone or idle for so many seconds; whether the user ended it instead."""
    interrupted = True
    with suppress(KeyboardInterrupt):
        _follow(source, follower, write, idle)
        interrupted = False
    write(follower.look(quiet=True))
    return interrupted


def _follow(source: GrowingFile | GrowingPipe, follower: Follower, write: Write, idle: float | None) -> None:
    news = look_at = check_at = time.monotonic()
    was_written, told_quiet = _is_written(source), False
    while True:
        growth = source.read()
        now = time.monotonic()
        if growth.restarted:
            follower.restart()
        if growth.data:
            follower.feed(growth.data)
            news, told_quiet = now, False
        if growth.ended:
            return
        is_quiet = now - news >= QUIET_SECONDS
        if now >= look_at and (follower.is_waiting or (is_quiet and not told_quiet)):
            write(follower.look(quiet=is_quiet))
            told_quiet = is_quiet
            look_at = time.monotonic() + max(PAUSE_SECONDS, SHARE * (time.monotonic() - now))
        if growth.data or growth.restarted:
            continue
        if idle is not None and now - news >= idle:
            return
        if told_quiet and now >= check_at:
            is_written, check_at = _is_written(source), now + QUIET_SECONDS
            if was_written and not is_written:
                return
            was_written = is_written
        _wait(source)


def _is_written(source: GrowingFile | GrowingPipe) -> bool:
    return False if source.fileno() is not None else source.is_written()  # type: ignore[union-attr]


def _wait(source: GrowingFile | GrowingPipe) -> None:
    descriptor = source.fileno()
    if descriptor is None:
        time.sleep(NAP_SECONDS)
    else:
        select.select([descriptor], [], [], NAP_SECONDS)


class Told:
    """Writes calls as they end, and what is left to be said at the end."""

    def __init__(self, sink: IO[bytes], output_format: str, *, redact: bool) -> None:
        self._sink, self._is_text, self._redact = sink, output_format == "text", redact
        self._lines: dict[str, bytes] = {}

    def calls(self, calls: Sequence[CallRecord]) -> None:
        """A line for each call, at once."""
        for call in calls:
            line = self._lines[call.id] = self._line(call)
            self._sink.write(line)
        self._sink.flush()

    def end(self, analysis: Analysis, out: str | None) -> None:
        """As text the report of the whole run; else its other lines, and those of calls that are not as they were."""
        if self._is_text:
            from analyzer.report.as_text import render_text

            text = render_text(analysis, width=width(out), redact=self._redact)
            self._sink.write(b"\n" * bool(self._lines) + text.encode())
            return
        from analyzer.following import with_lasting_ids
        from analyzer.report.as_json import render_jsonl

        told = set(self._lines.values())
        run = b"".join(render_jsonl(with_lasting_ids(analysis), redact=self._redact))
        self._sink.writelines(line for line in run.splitlines(keepends=True) if line not in told)

    def _line(self, call: CallRecord) -> bytes:
        if self._is_text:
            from analyzer.report.as_lines import call_line

            return f"{call_line(call, redact=self._redact)}\n".encode()
        from analyzer.report.as_json import call_lines

        return b"".join(call_lines([call], redact=self._redact))
