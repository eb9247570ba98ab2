"""A run as JSON: one object, or one object per line whose first key ``kind`` says what it is.

Encoded text is inert: no control, bidi or invisible character stands raw in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

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
from analyzer.verdict.record import Analysis

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

_CALL = '{"kind":"call",'


def render_jsonl(analysis: Analysis, *, redact: bool = True) -> Iterator[bytes]:
    """The lines of a run: ``run``, then each ``capture``, ``call``, ``flow`` and ``finding``."""
    yield _line("run", _encoded(run_object(analysis))).encode()
    shown = redact_apart_from_calls(analysis) if redact else analysis
    write = CallText(redact=redact).write
    lines = chain(
        (_line("capture", _encoded(capture_object(each))) for each in shown.captures),
        (f"{write(call, _CALL)}\n" for call in analysis.calls),
        (_line("flow", flow_text(flow)) for flow in shown.flows),
        (_line("finding", _encoded(finding_object(each))) for each in shown.findings),
    )
    for line in lines:
        yield line.encode()


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
