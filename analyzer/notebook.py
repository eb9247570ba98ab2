"""The library, as a notebook uses it: load a mesh, analyse captures, ask, compare, write a report."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from analyzer.base.errors import UsageError
from analyzer.extraction import sheets_for
from analyzer.mesh.history import Meshes
from analyzer.mesh.load import load_mesh as _load_mesh
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.pipeline import Interval, analyze_and_ask, cited_lines
from analyzer.report.as_chain import render_chain
from analyzer.report.as_csv import COLUMNS
from analyzer.report.as_html import render_html
from analyzer.report.from_json import read_run
from analyzer.report.saved_run import is_saved_run, read_saved_run
from analyzer.report.timeline import timeline_of
from analyzer.report.wording import format_time
from analyzer.verdict.calls_file import parse_call
from analyzer.verdict.codes import CODES
from analyzer.verdict.compare import Move, compare_calls
from analyzer.verdict.decide import decide
from analyzer.verdict.decision import Decision
from analyzer.verdict.record import Analysis
from analyzer.verdict.sheets import Sheets

if TYPE_CHECKING:
    import pandas

PathLike = str | os.PathLike[str]


_FINDING_COLUMNS = ["code", "level", "sentence", "time", "calls", "yaml", "advice"]


@dataclass(frozen=True, slots=True)
class Run:
    """An analysis with its questions; ``sheets`` are what only its captures know, None for a run that was read back."""

    analysis: Analysis
    sheets: Sheets | None = None

    @property
    def calls(self) -> pandas.DataFrame:
        """One row per call, the columns of ``-o csv``; ``time`` as text, null as None."""
        import pandas

        rows = [[read(call) for _, read in COLUMNS] for call in self.analysis.calls]
        return pandas.DataFrame(rows, columns=[name for name, _ in COLUMNS])

    @property
    def findings(self) -> pandas.DataFrame:
        """One row per finding, heaviest first: code, level, sentence, time (its first call), calls, yaml, advice.

        ``calls`` are lists of ids, ``yaml`` lists of ``file:line``.
        """
        import pandas

        rows = [
            {
                "code": each.code.name,
                "level": each.code.level.value,
                "sentence": each.sentence,
                "time": format_time(each.first_ns),
                "calls": list(each.calls),
                "yaml": [place.file_line for place in each.yaml],
                "advice": each.advice or each.code.advice,
            }
            for each in self.analysis.findings
        ]
        return pandas.DataFrame(rows, columns=_FINDING_COLUMNS)

    @property
    def timeline(self) -> pandas.DataFrame:
        """One row per event in the order of time: time, event (its kind), sentence, calls (a list of ids)."""
        import pandas

        rows = [(format_time(e.time_ns), e.kind, e.sentence, list(e.calls)) for e in timeline_of(self.analysis)]
        return pandas.DataFrame(rows, columns=["time", "event", "sentence", "calls"])

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
    mesh: Meshes | None = None,
    *,
    since_ns: int | None = None,
    until_ns: int | None = None,
) -> Run:
    """Analyse files, folders or globs of captures; raises ``CaptureError`` where there is none to read.

    Calls count whose first packet lies in ``since_ns <= t < until_ns``, nanoseconds since the epoch.
    """
    paths = [os.fspath(each) for each in ([captures] if isinstance(captures, str | os.PathLike) else captures)]
    analysis, asked, spoken = analyze_and_ask(paths, mesh, interval=Interval(since_ns, until_ns))
    return Run(analysis, sheets_for(paths, mesh, asked, spoken))


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
    """A run that ``analyze --save``, ``-o json`` or ``-o jsonl`` wrote; raises ``UsageError`` where it is none."""
    file = Path(path)
    return Run(read_saved_run(file).analysis if is_saved_run(file) else read_run(file))


def compare(before: Run, after: Run) -> tuple[Move, ...]:
    """What moved from one run to another, by who calls what."""
    return compare_calls(before.analysis.calls, after.analysis.calls)


def write_report(run: Run, path: PathLike) -> None:
    """Write the report as one HTML file."""
    lines = cited_lines(run.analysis)
    Path(path).write_bytes(render_html(run.analysis, codes=CODES.values(), yaml_lines=lines, sheets=run.sheets))
