"""The library, as a notebook uses it: load a mesh, analyse captures, ask, compare, write a report."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from analyzer.base.errors import UsageError
from analyzer.mesh.load import load_mesh as _load_mesh
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.pipeline import Interval, analyze_paths, cited_lines
from analyzer.report.as_chain import render_chain
from analyzer.report.as_csv import COLUMNS
from analyzer.report.as_html import render_html
from analyzer.report.from_json import read_run
from analyzer.verdict.calls_file import parse_call
from analyzer.verdict.codes import CODES
from analyzer.verdict.compare import Move, compare_calls
from analyzer.verdict.decide import decide
from analyzer.verdict.decision import Decision
from analyzer.verdict.record import Analysis

if TYPE_CHECKING:
    import pandas

PathLike = str | os.PathLike[str]


@dataclass(frozen=True, slots=True)
class Run:
    """An analysis with its questions."""

    analysis: Analysis

    @property
    def calls(self) -> pandas.DataFrame:
        """One row per call, the columns of ``-o csv``; ``time`` as text, null as None."""
        import pandas

        rows = [[read(call) for _, read in COLUMNS] for call in self.analysis.calls]
        return pandas.DataFrame(rows, columns=[name for name, _ in COLUMNS])

    def explain(self, call_id: int | str, *, width: int = 100) -> str:
        """The chain of reasons of one call; raises ``UsageError`` where there is no such call."""
        call = next((call for call in self.analysis.calls if call.id == str(call_id)), None)
        if call is None:
            raise UsageError(f"explain: found no call {call_id}; the run has {len(self.analysis.calls)}")
        return render_chain(call, width=width, codes=CODES.values())


def load_mesh(*paths: PathLike, mesh_config: PathLike | None = None) -> MeshSnapshot:
    """The mesh of files and folders; raises ``MeshError`` where a path does not exist."""
    config = Path(mesh_config) if mesh_config is not None else None
    return _load_mesh([Path(path) for path in paths], mesh_config=config)


def analyze(
    captures: PathLike | Sequence[PathLike],
    mesh: MeshSnapshot | None = None,
    *,
    since_ns: int | None = None,
    until_ns: int | None = None,
) -> Run:
    """Analyse files, folders or globs of captures; raises ``CaptureError`` where there is none to read."""
    paths = [captures] if isinstance(captures, str | os.PathLike) else captures
    return Run(analyze_paths([os.fspath(path) for path in paths], mesh, interval=Interval(since_ns, until_ns)))


def route(
    mesh: MeshSnapshot,
    *,
    source: str,
    to: str,
    headers: Mapping[str, str] | None = None,
    **call: str | Sequence[str],
) -> Decision:
    """Where an invented call would go: ``to`` is ``IP:PORT``, other words are those of a calls file."""
    address, _, port = to.rpartition(":")
    if not port.isdecimal():
        raise UsageError(f"to: found {to!r}, expected IP:PORT")
    line: dict[str, object] = {"name": "", "source": source, "address": address.strip("[]"), "port": int(port), **call}
    if headers:
        line["headers"] = dict(headers)
    return decide(mesh, parse_call(line, where="route").question)


def load_run(path: PathLike) -> Run:
    """A run that ``analyze -o json`` or ``-o jsonl`` wrote; raises ``UsageError`` where the file is not one."""
    return Run(read_run(Path(path)))


def compare(before: Run, after: Run) -> tuple[Move, ...]:
    """What moved from one run to another, by who calls what."""
    return compare_calls(before.analysis.calls, after.analysis.calls)


def write_report(run: Run, path: PathLike) -> None:
    """Write the report as one HTML file."""
    lines = cited_lines(run.analysis)
    Path(path).write_bytes(render_html(run.analysis, codes=CODES.values(), yaml_lines=lines))
