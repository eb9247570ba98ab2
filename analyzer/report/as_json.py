"""A run as JSON: one object, or one object per line whose first key ``kind`` says what it is.

Encoded text is inert: no control, bidi or invisible character stands raw in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import pairwise

from analyzer.base.batches import batches
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
from analyzer.report.record_form import DOCUMENT, LINES, RecordForm
from analyzer.verdict.record import Analysis, CallRecord

__all__ = [
    "SCHEMA",
    "Object",
    "call_object",
    "capture_object",
    "decision_object",
    "document_of",
    "encode",
    "finding_object",
    "flow_object",
    "lines_of",
    "mesh_object",
    "render_json",
    "render_jsonl",
    "run_object",
]

Pieces = Iterable[bytes | memoryview]

# Lines of calls that are put together before they are written.
_LINES_AT_ONCE = 64
# Fewer calls are written faster than they are shared out.
SHARED_CALLS = 4_096


def render_jsonl(analysis: Analysis, *, redact: bool = True, jobs: int = 1) -> Iterator[bytes | memoryview]:
    """The lines of a run: ``run``, then each ``capture``, ``call``, ``flow`` and ``finding``.

    So many processes write the calls. A piece may be several lines, or part of one.
    """
    shown = redact_apart_from_calls(analysis) if redact else analysis
    calls = stream_from_workers([partial(call_lines, calls, redact=redact) for calls in _shares(analysis.calls, jobs)])
    return lines_of(run_object(analysis), shown, calls, _records(LINES, "flow", map(flow_text, shown.flows)))


def lines_of(run: Object, shown: Analysis, calls: Pieces, flows: Pieces) -> Iterator[bytes | memoryview]:
    """The lines of a run; ``calls`` and ``flows`` have the form of ``LINES``, a piece has any number of them."""
    yield from _records(LINES, "run", (_encoded(run),))
    yield from _records(LINES, "capture", (_encoded(capture_object(each)) for each in shown.captures))
    yield from calls
    yield from flows
    yield from _records(LINES, "finding", (_encoded(finding_object(each)) for each in shown.findings))


def _shares(calls: Sequence[CallRecord], jobs: int) -> list[Sequence[CallRecord]]:
    if jobs < 2 or len(calls) < SHARED_CALLS:
        return [calls]
    bounds = [len(calls) * n // jobs for n in range(jobs + 1)]
    return [calls[first:stop] for first, stop in pairwise(bounds)]


def call_lines(calls: Sequence[CallRecord], *, redact: bool = True) -> Iterator[bytes]:
    """The lines of calls, many in a piece."""
    write, opening = CallText(redact=redact).write, LINES.opening("call")
    for batch in batches(calls, _LINES_AT_ONCE):
        lines = [write(call, opening) for call in batch]
        lines.append("")
        yield "\n".join(lines).encode()


def render_json(analysis: Analysis, *, redact: bool = True) -> Iterator[bytes | memoryview]:
    """The whole run as one object, one record per line inside it, so that two runs can be compared line by line."""
    shown = redact_apart_from_calls(analysis) if redact else analysis
    calls = _records(DOCUMENT, "call", map(CallText(redact=redact).write, analysis.calls))
    return document_of(run_object(analysis), shown, calls, _records(DOCUMENT, "flow", map(flow_text, shown.flows)))


def document_of(run: Object, shown: Analysis, calls: Pieces, flows: Pieces) -> Iterator[bytes | memoryview]:
    """A run as one object; ``calls`` and ``flows`` have the form of a ``DOCUMENT``, a piece has one or several."""
    yield b'{"run":' + encode(run)
    captures = _records(DOCUMENT, "capture", (_encoded(capture_object(each)) for each in shown.captures))
    findings = _records(DOCUMENT, "finding", (_encoded(finding_object(each)) for each in shown.findings))
    for kind, pieces in (("capture", captures), ("call", calls), ("flow", flows), ("finding", findings)):
        yield f',\n"{kind}s":['.encode()
        for number, piece in enumerate(pieces):
            yield piece if number else piece[1:]
        yield b"]"
    yield b"}\n"


def _records(form: RecordForm, kind: str, texts: Iterable[str]) -> Iterator[bytes]:
    return (form.record(kind, text).encode() for text in texts)


def _encoded(fields: Object) -> str:
    return encode(fields).decode()
