"""A run as JSON: one object, or one object per line whose first key ``kind`` says what it is.

Encoded text is inert: no control, bidi or invisible character stands raw in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise

from analyzer.base.workers import stream_from_workers
from analyzer.report.json_objects import (
    SCHEMA,
    Object,
    call_object,
    capture_object,
    decision_object,
    encode,
    finding_object,
    flow_object,
    mesh_object,
    run_object,
)
from analyzer.report.json_text import CallText, flow_text
from analyzer.report.private import redact_apart_from_calls
from analyzer.verdict.record import Analysis, CallRecord

__all__ = [
    "SCHEMA",
    "Object",
    "call_object",
    "capture_object",
    "decision_object",
    "encode",
    "finding_object",
    "flow_object",
    "mesh_object",
    "render_json",
    "render_jsonl",
    "run_object",
]

# Lines of calls that are put together before they are written.
_LINES_AT_ONCE = 64
# Fewer calls are written faster than they are shared out.
SHARED_CALLS = 4_096

_CALL = '{"kind":"call",'


def render_jsonl(analysis: Analysis, *, redact: bool = True, jobs: int = 1) -> Iterator[bytes]:
    """The lines of a run: ``run``, then each ``capture``, ``call``, ``flow`` and ``finding``.

    So many processes write the calls. A piece may be several lines, or part of one.
    """
    yield _line("run", _encoded(run_object(analysis))).encode()
    shown = redact_apart_from_calls(analysis) if redact else analysis
    for capture in shown.captures:
        yield _line("capture", _encoded(capture_object(capture))).encode()
    yield from stream_from_workers(
        [partial(call_lines, calls, redact=redact) for calls in _shares(analysis.calls, jobs)]
    )
    for flow in shown.flows:
        yield _line("flow", flow_text(flow)).encode()
    for finding in shown.findings:
        yield _line("finding", _encoded(finding_object(finding))).encode()


def _shares(calls: Sequence[CallRecord], jobs: int) -> list[Sequence[CallRecord]]:
    if jobs < 2 or len(calls) < SHARED_CALLS:
        return [calls]
    bounds = [len(calls) * n // jobs for n in range(jobs + 1)]
    return [calls[first:stop] for first, stop in pairwise(bounds)]


def call_lines(calls: Sequence[CallRecord], *, redact: bool = True) -> Iterator[bytes]:
    """The lines of calls, many in a piece."""
    write = CallText(redact=redact).write
    for first in range(0, len(calls), _LINES_AT_ONCE):
        lines = [write(call, _CALL) for call in calls[first : first + _LINES_AT_ONCE]]
        lines.append("")
        yield "\n".join(lines).encode()


def _line(kind: str, fields: str) -> str:
    return f'{{"kind":"{kind}",{fields[1:]}\n'


def render_json(analysis: Analysis, *, redact: bool = True) -> Iterator[bytes]:
    """The whole run as one object, one record per line inside it, so that two runs can be compared line by line."""
    yield b'{"run":' + encode(run_object(analysis))
    for kind, texts in _parts(analysis, redact=redact):
        yield f',\n"{kind}s":['.encode()
        separator = "\n"
        for text in texts:
            yield f"{separator}{text}".encode()
            separator = ",\n"
        yield b"]"
    yield b"}\n"


def _parts(analysis: Analysis, *, redact: bool) -> tuple[tuple[str, Iterator[str]], ...]:
    """Each kind of record with its objects as text."""
    shown = redact_apart_from_calls(analysis) if redact else analysis
    call_text = CallText(redact=redact)
    return (
        ("capture", (_encoded(capture_object(each)) for each in shown.captures)),
        ("call", map(call_text.write, analysis.calls)),
        ("flow", map(flow_text, shown.flows)),
        ("finding", (_encoded(finding_object(each)) for each in shown.findings)),
    )


def _encoded(fields: Object) -> str:
    return encode(fields).decode()
