"""``analyze`` of one capture that is judged lot by lot: too large for memory, or its calls meet nobody."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from analyzer.base.errors import CaptureError
from analyzer.base.watch import Watch
from analyzer.cli.outcome import FAIL_ON
from analyzer.report.record_form import DOCUMENT, LINES, RecordForm

if TYPE_CHECKING:
    from analyzer.base.watch import Progress, Stop
    from analyzer.capture.capture import Capture
    from analyzer.capture.sources import CaptureSource
    from analyzer.counting_ahead import Reading
    from analyzer.judging import SpilledRun
    from analyzer.lot import Choice, Plan
    from analyzer.mesh.history import Meshes
    from analyzer.opening import OpenAll, OpenedCapture, ReadCapture

# Makes the run over a capture elsewhere that is too large for memory.
RunOn = Callable[["CaptureSource", "Plan", "Watch"], "SpilledRun | None"]

TEXT, JSON, JSONL, CSV = "text", "json", "jsonl", "csv"
# The format that needs an extra, and that no terminal can show.
PARQUET = "parquet"
# How records stand in the formats that a run in lots is told in, or in the lines that these are made of.
FORMS: Mapping[str, RecordForm | None] = MappingProxyType(
    {TEXT: None, JSON: DOCUMENT, JSONL: LINES, CSV: LINES, PARQUET: LINES}
)

# Smaller files are not looked into: they are judged in a moment, and with packets of common sizes fit into memory.
_LEAST_LEN = 16 << 20
_LEAST_LARGE_LEN = 256 << 20
# The share of a run until the packets are read.
_READ = 0.3
# So many lots are for each process, of a capture of which some must be looked at together.
_LOTS = 4


class Ahead(NamedTuple):
    """A capture whose reading may have begun, and what waits for it: ``counting``, if that is counted on the way."""

    source: CaptureSource
    read: Callable[[], Capture]
    counting: Reading | None = None


@contextmanager
def reading_ahead(captures: Sequence[str], *, jobs: int) -> Iterator[Ahead | None]:
    """Begins to read a run's one large capture, beside what is done meanwhile; None where ``jobs`` is 1.

    None, too, where it is no file and no ring of files. What is wrong with it is told when it is waited for.
    """
    files = all(map(os.path.isfile, captures))
    source = _large_source(captures) if jobs > 1 and files and _size_of(captures) >= _LEAST_LEN else None
    if source is None:
        yield None
        return
    _make_kernels(source, jobs)
    # A smaller run does not pay for these rooms.
    if _is_very_large(source):
        from analyzer.counting_ahead import count_ahead

        with count_ahead(source, jobs) as counting:
            yield Ahead(source, source.read, counting)
    else:
        from analyzer.capture.ahead import read_ahead

        with read_ahead(source) as read:
            yield Ahead(source, read)


def _size_of(files: Sequence[str]) -> int:
    return sum(map(os.path.getsize, files))


def _make_kernels(source: CaptureSource, jobs: int) -> None:
    """Have the kernels made that a file with so many packets calls, in the first run of all."""
    from analyzer.base.kernel import COMPILE_ROWS
    from analyzer.known_kernels import make_kernels, missing_kernels

    missing = missing_kernels()
    if not missing:
        return
    from analyzer.counting import guess_records

    if guess_records(source) >= COMPILE_ROWS:
        make_kernels(missing, jobs)


class InLots(NamedTuple):
    """A run in lots; or None, with what opens the capture without reading it once more, where it was read."""

    run: SpilledRun | None
    open_captures: OpenAll | None = None


def run_in_lots(
    captures: Sequence[str],
    mesh: Meshes | None,
    *,
    ahead: Ahead | None = None,
    run_on: RunOn | None = None,
    keep: Choice | None,
    failures: Sequence[str],
    redact: bool,
    jobs: int,
    form: RecordForm | None,
    progress: Progress | None,
    stop: Stop,
) -> InLots:
    """The run over a capture that is judged lot by lot, where it is worth it and can be.

    What reads it may have begun ``ahead``. With ``run_on`` one that is too large for memory is counted
    and judged elsewhere, and others are left to who opens them there. Without a ``form`` a summary is to be told of it.
    Raises ``OutputError`` where there is no room for its temporary files.
    """
    from analyzer.mesh.snapshot import MeshSnapshot

    source = ahead.source if ahead else _large_source(captures)
    if source is None or not (mesh is None or isinstance(mesh, MeshSnapshot)):
        return InLots(None)
    if run_on and not _is_very_large(source):
        return InLots(None)
    # A small run does not pay for these rooms, nor does what is read ahead wait for them.
    from analyzer.capture.once import ReadOnce

    ahead = ahead or Ahead(source, ReadOnce(source.read))
    read_before = None if run_on else partial(_opened_once, ahead.read)
    try:
        if source.path is None and len(ahead.read().buffer) < _LEAST_LEN:
            return InLots(None, read_before)
        from analyzer.lot import Plan
        from analyzer.opening import pod_name
        from analyzer.pipeline import mesh_record

        watched = {name: FAIL_ON[name] for name in failures}
        record = mesh_record(mesh) if mesh else None
        plan = Plan(mesh, record, pod_name(source.pod_hint), keep, watched, redact=redact, jobs=jobs, form=form)
        watch = Watch(progress, source.size, stop=stop)
        found = InLots(run_on(source, plan, watch)) if run_on else _run(ahead, plan, watch)
    except CaptureError:
        return InLots(None, read_before)
    return found if any(found) else InLots(None, read_before)


def _run(ahead: Ahead, plan: Plan, watch: Watch) -> InLots:
    from analyzer.apart import comes_to_limits, run_apart
    from analyzer.counting import LARGE_RECORDS
    from analyzer.large import run_large
    from analyzer.opening import read_packets

    if ahead.counting:
        capture, counted = ahead.counting()
        return InLots(run_large(capture, plan, watch, counted=counted))
    capture = ahead.read()
    if len(capture.records) > LARGE_RECORDS:
        return InLots(run_large(capture, plan, watch))
    packets = read_packets(capture, watch.part(0.0, _READ))
    rest = watch.part(_READ, 1.0).heed()
    run = run_apart(packets, plan, rest)
    if run is None and not comes_to_limits(packets.traffic):
        # Most of them may not.
        run = run_large(packets.capture, plan, rest, lot_packets=len(packets.packets) // (_LOTS * plan.jobs) + 1)
    return InLots(run, None if run else partial(_opened, packets))


def pieces_of(run: SpilledRun, output_format: str, *, redact: bool) -> Iterator[bytes | memoryview]:
    """A run in lots in one of ``FORMS``, but ``TEXT``."""
    if output_format == JSON:
        return run.document(redact=redact)
    if output_format == JSONL:
        return run.lines(redact=redact)
    if output_format == CSV:
        from analyzer.report.as_csv import csv_of

        return csv_of(run.shown_calls())
    from analyzer.report.as_parquet import parquet_of

    return parquet_of(run.shown_calls())


def _is_very_large(source: CaptureSource) -> bool:
    from analyzer.counting import is_large

    return source.size >= _LEAST_LARGE_LEN and is_large(source)


def _opened(
    read: ReadCapture, sources: Sequence[CaptureSource], mesh: Meshes | None, watch: Watch
) -> list[OpenedCapture]:
    """The one capture of a run, opened; as ``OpenAll`` has it."""
    from analyzer.opening import open_read

    watch.tell(f"{read.capture.name}: streams")
    return [open_read(read, sources[0].pod_hint, mesh)]


def _opened_once(
    read: Callable[[], Capture], sources: Sequence[CaptureSource], mesh: Meshes | None, watch: Watch
) -> list[OpenedCapture]:
    """As ``OpenAll`` has it, of the one capture of a run, which ``read`` gives."""
    from analyzer.opening import open_one

    return open_one(read, sources, mesh, watch)


def _large_source(captures: Sequence[str]) -> CaptureSource | None:
    """The run's one capture, where it has many bytes, or is standard input, which may have many."""
    from analyzer.capture.sources import find_captures

    sources = find_captures(captures)
    one = len(sources) == 1 and (sources[0].path is None or sources[0].size >= _LEAST_LEN)
    return sources[0] if one else None
