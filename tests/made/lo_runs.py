"""Runs over a capture of lo: in lots, and plain."""

from __future__ import annotations

from analyzer.apart import run_apart
from analyzer.base.watch import UNWATCHED, Watch
from analyzer.capture.reader import read_capture_bytes
from analyzer.judging import SpilledRun
from analyzer.lot import Plan
from analyzer.opening import ReadCapture, open_read, read_packets
from analyzer.pipeline import Interval, assemble, chosen_in, mesh_record
from analyzer.report.as_json import render_jsonl
from analyzer.report.record_form import LINES, RecordForm
from analyzer.verdict.record import Analysis


def read_bytes(data: bytes, name: str = "lo.pcap") -> ReadCapture:
    return read_packets(read_capture_bytes(data, name=name))


def apart(
    read: ReadCapture,
    mesh,
    *,
    redact=True,
    keep=None,
    watched=None,
    jobs=1,
    form: RecordForm | None = LINES,
    lot=3,
    watch: Watch = UNWATCHED,
    **most: int,
) -> SpilledRun | None:
    """The run in lots of so many connections."""
    record = mesh_record(mesh) if mesh else None
    plan = Plan(mesh, record, None, keep, watched or {}, redact=redact, jobs=jobs, form=form)
    return run_apart(read, plan, watch, lot_connections=lot, **most)


def lines_of(run: SpilledRun | None, *, redact: bool = True) -> list[bytes]:
    assert run is not None
    return b"".join(run.lines(redact=redact)).splitlines()


def plain_run(read, mesh, *, where=None) -> Analysis:
    return assemble([open_read(read, None, mesh)], mesh, chosen_in(Interval(), where))


def plain_lines(read, mesh, *, redact: bool = True, where=None) -> list[bytes]:
    return b"".join(render_jsonl(plain_run(read, mesh, where=where), redact=redact)).splitlines()
