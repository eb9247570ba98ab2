"""Lots judged by several processes, and what they give put together: a run whose lines are written away.

The lines of all lots are read in order in the end. The bytes are those of a run that holds everything.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain
from operator import itemgetter

import numpy as np

from analyzer.base.fact import Fact, replace, set_derived
from analyzer.base.oddity import Oddity
from analyzer.base.scratch import Scratch
from analyzer.base.shrinking import has_shrunk
from analyzer.base.table import FATE_NAMES, I64, NESTED_TOO_DEEP
from analyzer.base.watch import Watch
from analyzer.base.workers import run_in_workers, shared_out
from analyzer.capture.capture import Capture
from analyzer.capture.decode import decode_packets, nesting_oddities
from analyzer.capture.reader import shrunk
from analyzer.flow.count import Count
from analyzer.flow.udp import udp_flows
from analyzer.lot import LotRun, LotWriter, Plan, Task
from analyzer.report.as_json import Object, document_of, lines_of
from analyzer.report.end_log import count_ends
from analyzer.report.ends import Ends, Summary
from analyzer.report.from_json import calls_in
from analyzer.report.json_objects import totals_object
from analyzer.report.merged import Merged
from analyzer.report.private import redact_apart_from_calls
from analyzer.verdict.codes import CODES
from analyzer.verdict.findings import Groups, Mark, findings_of
from analyzer.verdict.health import Sights
from analyzer.verdict.oddities import Tally
from analyzer.verdict.parting import Kind, Kinds, parting_finding, parting_of
from analyzer.verdict.record import Analysis, CallRecord, CaptureRecord, Finding
from analyzer.verdict.rights import Rights

# Lists and the like that may be garbage before the last lots are looked through for it: a lot of calls that are all
# like others leaves hardly any.
MAY_BE_GARBAGE = 100_000


class SpilledRun(Fact, frozen=True):
    """A run whose ``analysis`` has no calls and no flows: their lines are in ``calls`` and ``flows``.

    ``verdicts`` counts the calls; ``met`` are the names of the choices that some call met. Where a summary is to be
    told, ``found`` are the calls that findings may name, by id, and ``ends`` and ``first`` as it has them.
    """

    analysis: Analysis
    verdicts: Mapping[str | None, int]
    met: frozenset[str]
    calls: Merged
    flows: Merged
    found: Mapping[str, Mark]
    ends: Ends
    first: tuple[str, str] | None

    def summary(self, *, redact: bool) -> Summary:
        """What a summary is made of."""
        return Summary(self._shown(redact=redact), self.ends, self.found, self.first)

    def document(self, *, redact: bool) -> Iterator[bytes | memoryview]:
        """The run as one object, as ``render_json`` gives it, of a plan that has this form; many records in a piece."""
        return document_of(self._totals(), self._shown(redact=redact), self.calls.pieces(), self.flows.pieces())

    def lines(self, *, redact: bool) -> Iterator[bytes | memoryview]:
        """The lines of the run, as ``render_jsonl`` gives them; many in a piece."""
        return lines_of(self._totals(), self._shown(redact=redact), self.calls.pieces(), self.flows.pieces())

    def shown_calls(self) -> Iterator[CallRecord]:
        """The calls of a run whose lines are JSON Lines, one by one as these show them."""
        return calls_in(self.calls.pieces())

    def _totals(self) -> Object:
        return totals_object(self.analysis, self.verdicts, flows=len(self.flows))

    def _shown(self, *, redact: bool) -> Analysis:
        return redact_apart_from_calls(self.analysis) if redact else self.analysis


class Judged(Fact, frozen=True):
    """Lots in their order, each with the place of its files among ``files``; ``rights`` are of all processes."""

    runs: list[tuple[int, LotRun]]
    files: list[tuple[Scratch, Scratch]]
    rights: list[Rights]


def judge_lots(task: Task, jobs: int, watch: Watch) -> Judged:
    """All lots, judged by so many processes."""
    # Lots that follow each other have more in common than others.
    shares = shared_out(task.count, jobs)
    files = [(Scratch(), Scratch()) for _ in shares]
    with _earlier_kept():
        shared = run_in_workers(
            [
                partial(_judge_some, task, share, files[number], watch.silent() if number else watch)
                for number, share in enumerate(shares)
            ]
        )
    found = [
        (lot, number, run)
        for number, (share, (runs, _)) in enumerate(zip(shares, shared, strict=True))
        for lot, run in zip(share, runs, strict=False)
    ]
    found.sort(key=itemgetter(0))
    return Judged([(number, run) for _, number, run in found], files, [rights for _, rights in shared])


@contextmanager
def _earlier_kept() -> Iterator[None]:
    """What is there by now is not looked at for garbage: the mesh alone has a hundred thousand objects."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _judge_some(
    task: Task, lots: Sequence[int], files: tuple[Scratch, Scratch], watch: Watch
) -> tuple[list[LotRun], Rights]:
    """Some lots, one after the other; fewer where the run is asked to end."""
    writer = LotWriter(task, *files)
    found: list[LotRun] = []
    for place, lot in enumerate(lots):
        if watch.is_stopped:
            break
        if gc.get_count()[0] > MAY_BE_GARBAGE:
            # The command line looks for no garbage; here there is some, and only what the last lots made is looked at.
            gc.collect(0)
        found.append(writer.run(lot, watch.part(place / len(lots), (place + 1) / len(lots))))
    return found, writer.rights.take()


def told(
    capture: Capture, count: Count, plan: Plan, sights: Sights, judged: Judged, *, strange: Sequence[Oddity] = ()
) -> SpilledRun:
    """The run that the lots of a capture make; ``strange`` is what no lot by itself shows."""
    runs = [run for _, run in judged.runs]
    files = [judged.files[number] for number, _ in judged.runs]
    calls = Merged([run.calls for run in runs], [own for own, _ in files])
    flows = Merged([run.flows for run in runs], [own for _, own in files])
    verdicts: Counter[str | None] = Counter()
    for run in runs:
        verdicts.update(run.verdicts)
    record, limits = _record(capture, count, sights, runs, strange)
    _number_marks(runs, calls.numbers)
    analysis = Analysis(
        calls=(),
        flows=(),
        findings=_findings(runs, judged.rights),
        captures=(replace(record, pod=sights.pod(plan.hint, plan.mesh), calls=sum(verdicts.values())),),
        mesh=plan.mesh_record,
        limits=limits,
    )
    met = frozenset[str]().union(*(run.met for run in runs))
    found = {mark.call: mark for run in runs for mark in _marks(run)} if plan.form is None else {}
    ends, first = count_ends([run.ends for run in runs if run.ends], calls.numbers)
    return SpilledRun(analysis, verdicts, met, calls, flows, found, ends, first)


def _record(
    capture: Capture, count: Count, sights: Sights, runs: Sequence[LotRun], strange: Sequence[Oddity]
) -> tuple[CaptureRecord, tuple[str, ...]]:
    rows = np.concatenate([np.empty(0, np.int64), *count.udp])
    some = replace(capture, records=capture.records.part(rows))
    udp, udp_odd = udp_flows(capture.buffer, decode_packets(some), some.records)
    nested = nesting_oddities(capture.name, int(count.fates[NESTED_TOO_DEEP]), count.nested)
    odd, said = Tally((*capture.oddities, *nested, *strange, *udp_odd)), Tally()
    for run in runs:
        odd.join(run.odd)
        said.join(run.said)
    changed = capture.complete and has_shrunk(capture.buffer)
    record = CaptureRecord(
        name=capture.name,
        format=capture.format,
        pod=None,
        vantage=sights.vantage,
        link_types=tuple(sorted({interface.link_name for interface in capture.interfaces})),
        records=len(capture.records),
        bytes=count.bytes,
        first_ns=count.first_ns or 0,
        last_ns=count.last_ns or 0,
        connections=sum(run.connections for run in runs),
        calls=0,
        fates=tuple((FATE_NAMES[i], n) for i, n in enumerate(count.fates.tolist()) if n),
        complete=capture.complete and not changed,
        oddities=(*odd.lines(), *said.lines()),
        error=shrunk(capture.name) if changed else capture.error,
        udp=tuple(udp),
    )
    return record, (*odd.limit_lines(capture.name), *said.limit_lines(capture.name))


def _marks(run: LotRun) -> Iterator[Mark]:
    return chain.from_iterable((*run.groups.values(), *run.wrong.values()))


def _number_marks(runs: Sequence[LotRun], numbers: I64) -> None:
    """Let marks know the ids of their calls; ``numbers`` are those of all calls, lot after lot."""
    before = 0
    for run in runs:
        own = numbers[before : before + len(run.calls)]
        before += len(own)
        for mark in _marks(run):
            set_derived(mark, "call", str(own[int(mark.call) - 1]))


def _findings(runs: Sequence[LotRun], rights: Iterable[Rights]) -> tuple[Finding, ...]:
    """The findings of all lots, whose marks are numbered."""
    groups: Groups = {}
    kinds: Kinds = {}
    for run in runs:
        for key, marks in run.groups.items():
            groups.setdefault(key, []).extend(marks)
        for kind_key, wrong in run.wrong.items():
            kinds.setdefault(kind_key, Kind()).wrong += wrong
    for marks in groups.values():
        marks.sort(key=lambda mark: mark.begin)
    for own_rights in rights:
        own_rights.count_among(kinds)
    parting = parting_of(kinds)
    changed = (parting_finding(parting),) if parting else ()
    told = frozenset(name for finding in changed for name in finding.calls)
    return (*changed, *findings_of(groups, CODES, told=told))
