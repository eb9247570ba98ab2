"""The conductor: captures and mesh through every room, to an ``Analysis``."""

from __future__ import annotations

import importlib
import pkgutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from typing import TYPE_CHECKING

from analyzer.base.fact import Fact, replace
from analyzer.base.oddity import Code, Level, Oddity
from analyzer.base.shrinking import has_shrunk
from analyzer.base.watch import UNWATCHED, Progress, Stop, Watch
from analyzer.base.workers import run_in_workers
from analyzer.capture.reader import shrunk
from analyzer.capture.sources import CaptureSource, find_captures
from analyzer.mesh.history import Meshes, MeshHistory
from analyzer.opening import OpenAll, OpenedCapture, open_all
from analyzer.protocol.facts import Conversation
from analyzer.verdict.beside import Beside
from analyzer.verdict.codes import CODES
from analyzer.verdict.findings import find
from analyzer.verdict.flows import flow_records, verdicts_by_uid
from analyzer.verdict.judge import Asked, judge_and_ask
from analyzer.verdict.oddities import said_oddities, tell, tell_limits
from analyzer.verdict.parting import find_parting, parting_finding
from analyzer.verdict.parts import Part, join_parts, judge_part, part_of, speak
from analyzer.verdict.record import Analysis, CallRecord, CaptureRecord, Finding, MeshRecord, WhatIf
from analyzer.verdict.shards import shards_of
from analyzer.verdict.traffic import narrow_captures
from analyzer.verdict.wires import Sighting, Wire, gather_wires

if TYPE_CHECKING:
    from analyzer.mesh.snapshot import MeshSnapshot


class Interval(Fact, frozen=True):
    """The calls whose first packet lies in ``since_ns <= t < until_ns``; None leaves an end open."""

    since_ns: int | None = None
    until_ns: int | None = None

    def holds(self, call: CallRecord) -> bool:
        """Whether a call belongs to the interval."""
        after = self.since_ns is None or call.first_ns >= self.since_ns
        return after and (self.until_ns is None or call.first_ns < self.until_ns)


# The share of a run's time until the connections of all captures are there.
_READING = 0.4
# Fewer connections are judged faster than they are shared out.
SHARED_WIRES = 4_096

# Chooses calls: a filter, or any function of one.
Where = Callable[[CallRecord], bool]


def analyze_paths(
    captures: Sequence[str],
    mesh: Meshes | None = None,
    *,
    interval: Interval | None = None,
    where: Where | None = None,
    progress: Progress | None = None,
    jobs: int = 1,
    open_captures: OpenAll = open_all,
    stop: Stop | None = None,
) -> Analysis:
    """Analyse files, folders and globs of captures against a mesh; of their calls those that ``where`` chooses count.

    A mesh that changes judges each call as it was at the call's time. ``jobs`` processes share the work where there is
    much of it; what comes out is the same whatever their number, and wherever ``open_captures`` has captures opened.

    Where ``stop`` says so, no further capture is read, and once more, no further call is judged.

    A capture that cannot be read is a ``CaptureRecord`` with its error, the others are still analysed; that none was
    found at all raises ``CaptureError``.
    """
    sources = find_captures(captures)
    watch = _watch(sources, progress, stop)
    opened = open_captures(sources, mesh, watch.part(0.0, _READING))
    keep = chosen_in(interval or Interval(), where)
    return assemble(opened, mesh, keep, jobs=jobs, watch=watch.part(_READING, 1.0).heed())


def ask_paths(
    captures: Sequence[str], mesh: Meshes | None, *, open_captures: OpenAll = open_all
) -> tuple[Analysis, list[Asked], list[tuple[Wire, Conversation]]]:
    """A run without findings, each of its calls with its question, and what was said on every wire."""
    opened = open_captures(find_captures(captures), mesh, UNWATCHED)
    spoken = _spoken(opened)
    asked = judge_and_ask(spoken, mesh, _homes(opened))
    run = Analysis(
        tuple(each.record for each in asked),
        (),
        (),
        tuple(o.record for o in opened),
        mesh_record(mesh) if mesh else None,
        _limits(opened, said_oddities(spoken)),
    )
    return run, asked, spoken


def what_if_paths(
    captures: Sequence[str],
    old: MeshSnapshot,
    new: MeshSnapshot,
    *,
    interval: Interval | None = None,
    where: Where | None = None,
    progress: Progress | None = None,
) -> WhatIf:
    """Which calls of captures would end elsewhere in the mesh ``new``; they were recorded in ``old``.

    Captures are read as ``analyze_paths`` reads them; the calls keep the ids that they have there.
    """
    from analyzer.verdict.whatif import what_if

    sources = find_captures(captures)
    watch = _watch(sources, progress)
    opened = open_all(sources, old, watch.part(0.0, _READING))
    asked, limits = ask_all(opened, old, watch=watch.part(_READING, 1.0))
    keep = chosen_in(interval or Interval(), where)
    moved = what_if((each for each in asked if keep(each.record)), old, new)
    return replace(
        moved,
        captures=tuple(o.record for o in opened),
        old=mesh_record(old),
        new=mesh_record(new),
        limits=limits,
    )


def read_paths(
    captures: Sequence[str], mesh: MeshSnapshot | None = None
) -> tuple[Analysis, list[tuple[Wire, Conversation]]]:
    """What was said in captures, before any of it is judged, with a run that has no calls: its captures and mesh."""
    opened = open_all(find_captures(captures), mesh)
    spoken, records = _spoken(opened), tuple(o.record for o in opened)
    limits = _limits(opened, said_oddities(spoken))
    return Analysis((), (), (), records, mesh_record(mesh) if mesh else None, limits), spoken


def ask_all(
    opened: Sequence[OpenedCapture], mesh: MeshSnapshot, *, watch: Watch = UNWATCHED
) -> tuple[list[Asked], tuple[str, ...]]:
    """The records of the calls in captures that were read, each with its question; and the limits that were hit."""
    spoken = speak(_wires(opened), watch)
    return judge_and_ask(spoken, mesh, _homes(opened), watch), _limits(opened, said_oddities(spoken))


def _limits(opened: Sequence[OpenedCapture], said: Iterable[tuple[str, Oddity]]) -> tuple[str, ...]:
    """A line for each limit, capture by capture; ``said`` are oddities by capture."""
    odd: dict[str, list[Oddity]] = {o.record.name: [] for o in opened}
    for name, oddity in said:
        odd[name].append(oddity)
    return tuple(line for o in opened for line in (*o.limits, *tell_limits(o.record.name, odd[o.record.name])))


def analyze_and_ask(
    captures: Sequence[str],
    mesh: Meshes | None,
    *,
    interval: Interval | None = None,
    where: Where | None = None,
    progress: Progress | None = None,
    open_captures: OpenAll = open_all,
    stop: Stop | None = None,
) -> tuple[Analysis, list[Asked], list[tuple[Wire, Conversation]]]:
    """What ``analyze_paths`` gives, each of its calls with its question, and what was said on every wire."""
    sources = find_captures(captures)
    watch = _watch(sources, progress, stop)
    opened = open_captures(sources, mesh, watch.part(0.0, _READING))
    wires = _wires(opened)
    keep = chosen_in(interval or Interval(), where)
    watch = watch.part(_READING, 1.0).heed()
    spoken = speak(wires, watch)
    asked = [each for each in judge_and_ask(spoken, mesh, _homes(opened), watch) if keep(each.record)]
    part, changed = _changes(part_of(spoken, range(len(wires)), [each.record for each in asked]), asked, mesh)
    return _assembled(opened, wires, part, changed, mesh), asked, spoken


def assemble(
    opened: Sequence[OpenedCapture], mesh: Meshes | None, keep: Where, *, jobs: int = 1, watch: Watch = UNWATCHED
) -> Analysis:
    """Wires, verdicts and findings of captures that were read, of the calls that ``keep`` chooses."""
    wires = _wires(opened)
    part, changed = _judged(wires, mesh, _homes(opened), keep, jobs, watch)
    return _assembled(opened, wires, part, changed, mesh)


def _assembled(
    opened: Sequence[OpenedCapture],
    wires: Sequence[Wire],
    part: Part,
    changed: Sequence[Finding],
    mesh: Meshes | None,
) -> Analysis:
    calls = part.calls
    told = frozenset(name for finding in changed for name in finding.calls)
    counts = Counter(name for call in calls for name in call.captures)
    odd: dict[str, list[Oddity]] = {o.record.name: [] for o in opened}
    for _, name, oddity in part.oddities:
        odd[name].append(oddity)
    return Analysis(
        calls=calls,
        flows=flow_records(wires, part.protocols, verdicts_by_uid(calls)),
        findings=(*changed, *find(calls, CODES, told=told)),
        captures=tuple(_finished(o, counts[o.record.name], odd[o.record.name]) for o in opened),
        mesh=mesh_record(mesh) if mesh else None,
        limits=_limits(opened, ((name, oddity) for _, name, oddity in part.oddities)),
    )


def _judged(
    wires: Sequence[Wire],
    mesh: Meshes | None,
    homes: Mapping[str, str | None],
    keep: Where,
    jobs: int,
    watch: Watch,
) -> tuple[Part, tuple[Finding, ...]]:
    """The wires of a run with the calls that count, and what changed, or seems to have, while it was recorded."""
    if isinstance(mesh, MeshHistory):
        spoken = speak(wires, watch)
        asked = [each for each in judge_and_ask(spoken, mesh, homes, watch) if keep(each.record)]
        return _changes(part_of(spoken, range(len(wires)), [each.record for each in asked]), asked, mesh)
    whole = _judged_in_parts(wires, mesh, homes, jobs, watch)
    return _changes(replace(whole, calls=tuple(call for call in whole.calls if keep(call))), (), mesh)


def _changes(part: Part, asked: Sequence[Asked], mesh: Meshes | None) -> tuple[Part, tuple[Finding, ...]]:
    """A part, and the findings about what changed while it was recorded."""
    if isinstance(mesh, MeshHistory) and len(mesh.eras) > 1:
        from analyzer.verdict.moved import moved_findings

        return part, tuple(moved_findings(asked, mesh, CODES))
    parting = find_parting(part.calls)
    return part, (parting_finding(parting),) if parting else ()


def _judged_in_parts(
    wires: Sequence[Wire], mesh: MeshSnapshot | None, homes: Mapping[str, str | None], jobs: int, watch: Watch
) -> Part:
    if jobs < 2 or len(wires) < SHARED_WIRES:
        return judge_part(wires, range(len(wires)), mesh, homes, watch)
    # The first share is judged here, where it can be watched; the others are of its size.
    watches = chain([watch], repeat(watch.silent()))
    beside = Beside(narrow=narrow_captures(wires))
    shards = zip(shards_of(wires, mesh, jobs), watches, strict=False)
    parts = [partial(judge_part, wires, shard, mesh, homes, w, beside) for shard, w in shards]
    return join_parts(run_in_workers(parts))


def _finished(opened: OpenedCapture, calls: int, said: Sequence[Oddity]) -> CaptureRecord:
    record = opened.record
    if record.complete and any(has_shrunk(c.from_client.buffer) for c in opened.connections[:1]):
        record = replace(record, complete=False, error=shrunk(record.name))
    return replace(record, calls=calls, oddities=(*record.oddities, *tell(said)))


def chosen_in(interval: Interval, where: Where | None) -> Where:
    """Chooses the calls of an interval that ``where``, if there is one, chooses too."""
    return partial(_is_chosen, interval, where)


def _is_chosen(interval: Interval, where: Where | None, call: CallRecord) -> bool:
    return interval.holds(call) and (where is None or where(call))


def _wires(opened: Sequence[OpenedCapture]) -> list[Wire]:
    return gather_wires(Sighting(o.record.name, c) for o in opened for c in o.connections)


def _spoken(opened: Sequence[OpenedCapture]) -> list[tuple[Wire, Conversation]]:
    return speak(_wires(opened))


def _homes(opened: Sequence[OpenedCapture]) -> dict[str, str | None]:
    return {o.record.name: o.record.pod for o in opened}


def cited_lines(analysis: Analysis) -> dict[str, str]:
    """The text of the YAML lines that the calls cite, by ``file:line``; a file that is gone is left out.

    Only files that the run's own mesh was read from are opened: a run that was read back names files as it likes.
    """
    wanted: dict[str, set[int]] = {file: set() for file in (analysis.mesh.sources if analysis.mesh else ())}
    for place in {place for call in analysis.calls for step in call.decision.steps for place in step.yaml}:
        wanted.get(place.file, set()).add(place.line)
    return {
        f"{file}:{number}": text
        for file in sorted(wanted)
        for number, text in enumerate(_lines(file), 1)
        if number in wanted[file]
    }


def _lines(file: str) -> list[str]:
    try:
        return Path(file).read_text(errors="replace").splitlines()
    except OSError:
        return []


def all_codes() -> list[Code]:
    """Every code that any room can emit, by family and name."""
    house = importlib.import_module(__name__.partition(".")[0])
    rooms = (importlib.import_module(m.name) for m in pkgutil.walk_packages(house.__path__, f"{house.__name__}."))
    found = {value.name: value for room in rooms for value in vars(room).values() if isinstance(value, Code)}
    return sorted(found.values(), key=lambda code: (code.family.value, code.name))


def _watch(sources: Sequence[CaptureSource], progress: Progress | None, stop: Stop | None = None) -> Watch:
    return Watch(progress, sum(source.size for source in sources), stop=stop)


def mesh_record(mesh: Meshes) -> MeshRecord:
    """What a mesh held; of one that changes the kinds are those of its last state, the rest is of all."""
    meshes = [era.mesh for era in mesh.eras] if isinstance(mesh, MeshHistory) else [mesh]
    oddities = list(dict.fromkeys((o.code.level is Level.ERROR, str(o)) for each in meshes for o in each.oddities))
    return MeshRecord(
        sources=tuple(dict.fromkeys(source for each in meshes for source in each.sources)),
        kinds=meshes[-1].kinds,
        ignored=meshes[-1].ignored,
        oddities=tuple(text for is_error, text in oddities if not is_error),
        errors=tuple(text for is_error, text in oddities if is_error),
    )
