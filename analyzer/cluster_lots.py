"""The lots of one large capture, judged by the workers of a dask scheduler (``cluster_work.py``).

Which packets are in which lot is found here, of the whole capture: a lot has whole connections and whatever may have to
do with them, so that what workers make of lots needs no more than to be put in order. A worker maps the file itself; it
is sent where the lot's packets lie, and sends back the lines and the little that is kept of a lot, compressed. What is
not done there is done here: the bytes are those of a run on one machine.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from hashlib import blake2b
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from analyzer.base.errors import CaptureError, UsageError
from analyzer.base.fact import replace
from analyzer.base.packing import pack, unpack
from analyzer.base.pages import give_back_freed
from analyzer.base.scratch import Scratch
from analyzer.base.shrinking import has_shrunk
from analyzer.base.table import RecordTable
from analyzer.base.watch import UNWATCHED, Watch
from analyzer.capture.capture import Capture
from analyzer.capture.compression import squeezed, unsqueezed
from analyzer.capture.reader import shrunk
from analyzer.capture.rings import open_ring
from analyzer.capture.sources import CaptureSource
from analyzer.cluster_work import Work, done_there
from analyzer.judging import Judged, judge_lots
from analyzer.large import JudgeLots, read_lot
from analyzer.lot import LotRun, LotTraffic, LotWriter, Plan, Task
from analyzer.report.spill import Lines
from analyzer.verdict.beside import Beside
from analyzer.verdict.parting import Rights, rights_of

# Of what is sent to workers and comes from them; one of another release would read it otherwise.
VERSION = 1
# Of a file so many bytes are compared, in so many places.
_BLOCK_LEN, _BLOCKS = 1 << 16, 16


class _Told(NamedTuple):
    """What a worker sends of a lot; its lines are squeezed."""

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
    if "+" in capture.format:
        # Its packets lie in what came out of the file, and no worker has that.
        return judge_lots(task, task.plan.jobs, watch)
    work = Work(
        begin=begin_lots,
        packed=packed_task(source, task, capture),
        do=judge_lot,
        piece=lambda lot: squeezed(pack(records(lot))),
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
        told: _Told = unpack(sent)
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
    """What a worker needs for all lots; ``capture`` is without its bytes and records."""

    paths: tuple[Path, ...]
    digest: bytes
    capture: Capture
    plan: Plan
    home: str | None
    beside: Beside


def packed_task(source: CaptureSource, task: Task, capture: Capture) -> bytes:
    """What a worker needs to judge the lots of a task, which are of the capture that was read from ``source``."""
    plan = task.plan
    mesh = plan.mesh.underived() if plan.mesh else None
    bench = _Bench(
        paths=tuple(Path(os.path.abspath(path)) for path in source.ring or (source.path,) if path),
        digest=_digest(capture.buffer),
        capture=replace(capture, buffer=memoryview(b""), records=capture.records.part(slice(0)), decoded=None),
        plan=replace(plan, mesh=mesh, mesh_record=None),
        home=task.home,
        beside=task.beside,
    )
    return bytes([VERSION]) + squeezed(pack(bench))


def _digest(buffer: memoryview) -> bytes:
    """By which a file is known: how long it is, and what is in some places of it."""
    found = blake2b(str(len(buffer)).encode())
    last = max(len(buffer) - _BLOCK_LEN, 0)
    for place in range(_BLOCKS + 1):
        begin = last * place // _BLOCKS
        found.update(buffer[begin : begin + _BLOCK_LEN])
    return found.digest()


class Lots:
    """The capture of which a worker judges lots, mapped, with those who do so: one for each thread at work."""

    def __init__(self, packed: bytes) -> None:
        self._packed = packed
        if packed[0] != VERSION:
            raise UsageError(f"found a worker of version {VERSION}, expected {packed[0]}")
        bench: _Bench = unpack(unsqueezed(packed[1:]))
        name = bench.capture.name
        opened = open_ring(bench.paths, name=name)
        buffer = memoryview(opened.data if opened else b"")
        if _digest(buffer) != bench.digest:
            raise CaptureError(f"{name}: another file; expected the same one on all machines")
        self._bench = bench._replace(capture=replace(bench.capture, buffer=buffer))
        self._free: list[_Judge] = []

    def __reduce__(self) -> tuple[type[Lots], tuple[bytes]]:
        """Another worker, or this one where it had no room for it, opens the capture by itself."""
        return Lots, (self._packed,)

    def judge(self, records: RecordTable) -> bytes:
        """What is told of the lot that has these records; raises ``CaptureError`` where the file became shorter."""
        judge = self._free.pop() if self._free else _Judge(self._bench)
        told = judge.tell(records)
        if has_shrunk(self._bench.capture.buffer):
            raise CaptureError(shrunk(self._bench.capture.name))
        self._free.append(judge)
        return told


class _Judge:
    """Judges lots one after the other; what it remembers of earlier ones makes later ones quicker."""

    def __init__(self, bench: _Bench) -> None:
        self._capture, self._records = bench.capture, bench.capture.records
        self._files = Scratch(), Scratch()
        task = Task(
            name=bench.capture.name, plan=bench.plan, read=self._read, count=1, home=bench.home, beside=bench.beside
        )
        self._writer = LotWriter(task, *self._files)

    def _read(self, _: int, watch: Watch) -> LotTraffic:
        return read_lot(self._capture, self._records, watch)

    def tell(self, records: RecordTable) -> bytes:
        """What is told of a lot."""
        self._records = records
        run = self._writer.run(0, UNWATCHED)
        rights = rights_of(self._writer.kinds)
        self._writer.kinds.clear()
        calls, flows = (squeezed(file.mapped()) for file in self._files)
        for file in self._files:
            file.clear()
        give_back_freed()
        return pack(_Told(run, rights, calls, flows))


def begin_lots(packed: bytes) -> Lots:
    """Open a capture whose lots are to be judged.

    Raises ``UsageError`` for what another release has packed, ``CaptureError`` where the file is not there, or another.
    """
    return Lots(packed)


def judge_lot(lots: Lots, packed: bytes) -> bytes:
    """Judge the lot that has the packed records."""
    return lots.judge(unpack(unsqueezed(packed)))
