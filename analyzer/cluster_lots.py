"""The lots of one large capture, judged by the workers of a dask scheduler (``cluster_work.py``).

Which packets are in which lot is found here, of the whole capture: a lot has whole connections and whatever may have to
do with them, so that what workers make of lots needs no more than to be put in order. A worker is sent where the lot's
packets lie, and sends back the lines and the little that is kept of a lot. What is not done there is done here: the
bytes are those of a run on one machine.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from operator import itemgetter
from typing import Any, NamedTuple

from analyzer.base.fact import replace
from analyzer.base.pages import give_back_freed
from analyzer.base.scratch import Scratch
from analyzer.base.table import RecordTable
from analyzer.base.watch import UNWATCHED, Watch
from analyzer.capture.capture import Capture
from analyzer.capture.compression import squeezed, unsqueezed
from analyzer.capture.sources import CaptureSource
from analyzer.cluster_capture import SentCapture, can_be_sent, check_whole, received, sent_capture, to_send
from analyzer.cluster_windows import count_on
from analyzer.cluster_work import Work, done_there
from analyzer.judging import Judged, SpilledRun, judge_lots
from analyzer.large import JudgeLots, read_lot, run_large
from analyzer.lot import LotRun, LotTraffic, LotWriter, Plan, Task
from analyzer.report.spill import Lines
from analyzer.verdict.beside import Beside
from analyzer.verdict.rights import Rights

# The share of a run until its packets are counted.
_COUNTED = 0.2


def run_on(client: Any, source: CaptureSource, plan: Plan, watch: Watch) -> SpilledRun | None:
    """The run over one large capture, counted and judged on the workers of a scheduler; as ``run_large``."""
    capture = source.read()
    if plan.needs_whole(capture):
        return None
    counted = count_on(client, source, capture, watch.part(0.0, _COUNTED), jobs=plan.jobs)
    return run_large(capture, plan, watch, judge=judge_on(client, source), counted=counted)


class _Told(NamedTuple):
    """What a worker sends of a lot; its lines are squeezed by themselves."""

    run: LotRun
    rights: Rights
    calls: bytes
    flows: bytes


def judge_on(client: Any, source: CaptureSource) -> JudgeLots:
    """Judges the lots of the capture in the files of ``source``, on the workers of a scheduler."""
    return partial(_judge, client, source)


def _judge(
    client: Any,
    source: CaptureSource,
    task: Task,
    capture: Capture,
    records: Callable[[int], RecordTable],
    watch: Watch,
) -> Judged:
    if not can_be_sent(capture):
        return judge_lots(task, task.plan.jobs, watch)
    work = Work(
        begin=begin_lots,
        packed=packed_task(source, task, capture),
        do=judge_lot,
        piece=lambda lot: to_send(records(lot)),
        count=task.count,
    )
    there, rights, files = _judged_there(client, work, watch)
    left = [lot for lot in range(task.count) if lot not in there]
    here = _judged_here(task, left, watch.part(len(there) / max(task.count, 1), 1.0))
    runs = [(lot, 0, run) for lot, run in there.items()]
    runs += [(lot, number + 1, run) for lot, (number, run) in zip(left, here.runs, strict=False)]
    in_order = [(number, run) for _, number, run in sorted(runs, key=itemgetter(0))]
    return Judged(in_order, [files, *here.files], [*rights, *here.rights])


def _judged_there(
    client: Any, work: Work, watch: Watch
) -> tuple[dict[int, LotRun], list[Rights], tuple[Scratch, Scratch]]:
    """The lots that workers judged, their calls that the packets agree with, and the files of their lines."""
    calls, flows = Scratch(), Scratch()
    runs: dict[int, LotRun] = {}
    rights = []
    for lot, sent in done_there(client, work, watch):
        told: _Told = received(sent)
        run = told.run
        runs[lot] = replace(run, calls=_put(told.calls, run.calls, calls), flows=_put(told.flows, run.flows, flows))
        rights.append(told.rights)
        watch.tell("lots", len(runs) / work.count)
    return runs, rights, (calls, flows)


def _put(sent: bytes, lines: Lines, file: Scratch) -> Lines:
    """Write a lot's lines behind those of others."""
    begin = file.tell()
    file.write(unsqueezed(sent))
    return replace(lines, begin=begin)


def _judged_here(task: Task, lots: list[int], watch: Watch) -> Judged:
    if not lots or watch.is_stopped:
        return Judged([], [], [])
    return judge_lots(
        replace(task, read=lambda place, watch: task.read(lots[place], watch), count=len(lots)), task.plan.jobs, watch
    )


# On workers.


class _Bench(NamedTuple):
    """What a worker needs for all lots."""

    capture: SentCapture
    plan: Plan
    home: str | None
    beside: Beside


def packed_task(source: CaptureSource, task: Task, capture: Capture) -> bytes:
    """What a worker needs to judge the lots of a task, which are of the capture that was read from ``source``."""
    plan = task.plan
    mesh = plan.mesh.underived() if plan.mesh else None
    plan = replace(plan, mesh=mesh, mesh_record=None)
    return to_send(_Bench(sent_capture(source, capture), plan, task.home, task.beside))


class Lots:
    """The capture of which a worker judges lots, with those who do so: one for each thread at work."""

    def __init__(self, packed: bytes) -> None:
        bench: _Bench = received(packed)
        self._packed, self._bench = packed, bench
        self._capture = bench.capture.open()
        self._free: list[_Judge] = []

    def __reduce__(self) -> tuple[type[Lots], tuple[bytes]]:
        """Another worker, or this one where it had no room for it, opens the capture by itself."""
        return Lots, (self._packed,)

    def judge(self, records: RecordTable) -> bytes:
        """What is told of the lot that has these records; raises ``CaptureError`` where the file became shorter."""
        judge = self._free.pop() if self._free else _Judge(self._capture, self._bench)
        with _uncollected():
            told = judge.tell(records)
        check_whole(self._capture)
        self._free.append(judge)
        return to_send(told)


class _Judge:
    """Judges lots one after the other; what it remembers of earlier ones makes later ones quicker."""

    def __init__(self, capture: Capture, bench: _Bench) -> None:
        self._capture, self._records = capture, capture.records
        self._files = Scratch(), Scratch()
        task = Task(name=capture.name, plan=bench.plan, read=self._read, count=1, home=bench.home, beside=bench.beside)
        self._writer = LotWriter(task, *self._files)

    def _read(self, _: int, watch: Watch) -> LotTraffic:
        return read_lot(self._capture, self._records, watch)

    def tell(self, records: RecordTable) -> _Told:
        """What is told of a lot."""
        self._records = records
        run = self._writer.run(0, UNWATCHED)
        rights = self._writer.rights.take()
        calls, flows = (squeezed(file.mapped()) for file in self._files)
        for file in self._files:
            file.clear()
        give_back_freed()
        return _Told(run, rights, calls, flows)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Garbage is looked for between lots, not all the time: that would take a third of it."""
    collected = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collected:
            gc.enable()


def begin_lots(packed: bytes) -> Lots:
    """Open a capture whose lots are to be judged.

    Raises ``UsageError`` for what another release has packed, ``CaptureError`` where the file is not there, or another.
    """
    return Lots(packed)


def judge_lot(lots: Lots, packed: bytes) -> bytes:
    """Judge the lot that has the packed records."""
    return lots.judge(received(packed))
