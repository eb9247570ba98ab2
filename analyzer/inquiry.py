"""Questions about single calls of captures: what would have ended better, and how one passed through the mesh."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from analyzer.base.errors import UsageError
from analyzer.base.fact import Fact, replace
from analyzer.mesh.history import Meshes, MeshHistory
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.opening import OpenAll, open_all
from analyzer.pipeline import Interval, Where, ask_paths, mesh_record
from analyzer.report.saved_run import read_saved_run
from analyzer.verdict.access_log import LogEntry, read_access_log
from analyzer.verdict.clocks import estimate_clocks
from analyzer.verdict.codes import CODES
from analyzer.verdict.findings import find
from analyzer.verdict.flows import worst_verdict
from analyzer.verdict.judge import Asked
from analyzer.verdict.log_format import log_formats
from analyzer.verdict.logged import with_logs
from analyzer.verdict.moved import MOVED_BY_CHANGE
from analyzer.verdict.nearest import Miss, nearest_misses
from analyzer.verdict.parting import OTHER_CONFIGURATION
from analyzer.verdict.passage import Passage, passage_of
from analyzer.verdict.record import Analysis, CallRecord, WhatIf
from analyzer.verdict.whatif import what_if


class Explained(Fact, frozen=True):
    """A call, what would have made it end better, and where its packets are; None of a saved run."""

    call: CallRecord
    misses: tuple[Miss, ...]
    passage: Passage | None = None


def explain_paths(
    captures: Sequence[str],
    mesh: Meshes | None,
    chosen: Where,
    *,
    most: int,
    open_captures: OpenAll = open_all,
) -> tuple[Analysis, list[Explained]]:
    """A run without findings, and of its calls the first ``most`` that are ``chosen``, with their nearest misses."""
    run, asked, spoken = ask_paths(captures, mesh, open_captures=open_captures)
    clocks = estimate_clocks(wire for wire, _ in spoken)
    passages = [passage_of(each, clocks) for each in asked if chosen(each.record)][:most]
    explained = zip(_explained(asked, mesh, chosen, most), passages, strict=True)
    return run, [replace(each, passage=passage) for each, passage in explained]


def explain_saved(path: Path, mesh: Meshes | None, chosen: Where, *, most: int) -> tuple[Analysis, list[Explained]]:
    """What ``explain_paths`` gives, of a saved run; without the mesh nothing says what would end better."""
    saved = read_saved_run(path)
    return saved.analysis, _explained(saved.asked, mesh, chosen, most)


def what_if_saved(
    path: Path, old: MeshSnapshot, new: MeshSnapshot, *, interval: Interval, where: Where | None = None
) -> WhatIf:
    """What ``what_if_paths`` gives, of a saved run."""
    saved = read_saved_run(path)
    asked = [a for a in saved.asked if interval.holds(a.record) and (where is None or where(a.record))]
    run = saved.analysis
    moved = what_if(asked, old, new)
    return replace(moved, captures=run.captures, old=mesh_record(old), new=mesh_record(new), limits=run.limits)


def _explained(asked: Sequence[Asked], mesh: Meshes | None, chosen: Where, most: int) -> list[Explained]:
    explained = []
    for each in [each for each in asked if chosen(each.record)][:most]:
        held = mesh.at(each.record.first_ns) if isinstance(mesh, MeshHistory) else mesh
        misses = nearest_misses(held, each.question, each.record.decision) if held and each.question else ()
        explained.append(Explained(each.record, misses))
    return explained


def follow_paths(
    captures: Sequence[str], mesh: Meshes | None, chosen: Where, *, open_captures: OpenAll = open_all
) -> tuple[Analysis, Iterator[Passage]]:
    """A run without findings, and the passages of the calls that are ``chosen``, on the clock of their own capture."""
    run, asked, spoken = ask_paths(captures, mesh, open_captures=open_captures)
    clocks = estimate_clocks(wire for wire, _ in spoken)
    return run, (passage_of(each, clocks) for each in asked if chosen(each.record))


def read_logs(paths: Sequence[str], mesh: Meshes | None) -> list[LogEntry]:
    """The entries of access logs, in the usual formats or those that the mesh sets.

    Raises ``UsageError`` where a log cannot be read, or is none.
    """
    held = [era.mesh for era in mesh.eras] if isinstance(mesh, MeshHistory) else [mesh] if mesh else []
    formats = tuple(dict.fromkeys(form for each in held for form in log_formats(each.config.node)))
    entries: list[LogEntry] = []
    for path in map(Path, paths):
        try:
            with path.open(encoding="utf-8", errors="replace") as lines:
                entries += read_access_log(lines, path.name, formats)
        except OSError as error:
            raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    return entries


def with_access_logs(run: Analysis, entries: Sequence[LogEntry], mesh: Meshes | None) -> Analysis:
    """A run with what access logs add to its calls, and the findings and flows of these."""
    calls = with_logs(run.calls, entries, mesh)
    changed = [each for each in run.findings if each.code in (MOVED_BY_CHANGE, OTHER_CONFIGURATION)]
    told = frozenset(name for finding in changed for name in finding.calls)
    by_uid: dict[str, list[CallRecord]] = {}
    for call in calls:
        by_uid.setdefault(call.uid, []).append(call)
    flows = (replace(f, verdict=worst_verdict(by_uid[f.uid])) if f.uid in by_uid else f for f in run.flows)
    return replace(run, calls=calls, flows=tuple(flows), findings=(*changed, *find(calls, CODES, told=told)))
