"""The formats of a whole run, by the name that ``-o`` takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from analyzer.report.as_csv import render_csv
from analyzer.report.as_json import render_json, render_jsonl
from analyzer.verdict.record import Analysis

Renderer = Callable[..., Iterator[bytes] | Iterator[bytes | memoryview]]


def _render_text(analysis: Analysis, *, redact: bool = True) -> Iterator[bytes]:
    from analyzer.report.as_text import render_text

    yield render_text(analysis, redact=redact).encode()


def _render_html(analysis: Analysis, *, redact: bool = True) -> Iterator[bytes]:
    from analyzer.report.as_html import render_html

    yield render_html(analysis, redact=redact)


def _render_parquet(analysis: Analysis, *, redact: bool = True) -> Iterator[bytes]:
    from analyzer.report.as_parquet import render_parquet

    return render_parquet(analysis, redact=redact)


# Each takes the run and ``redact`` (by default secrets are hidden), and gives the bytes of the report in pieces.
# Text is for 100 columns without colour.
FORMATS: Mapping[str, Renderer] = {
    "text": _render_text,
    "json": render_json,
    "jsonl": render_jsonl,
    "csv": render_csv,
    "html": _render_html,
    "parquet": _render_parquet,
}


def renderer(name: str, jobs: int) -> Renderer:
    """The format of a name; ``jobs`` processes share the work of those whose work can be shared."""
    return partial(render_jsonl, jobs=jobs) if name == "jsonl" else FORMATS[name]
