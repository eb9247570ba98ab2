"""The conductor of a capture that is too large for memory: read in windows, judged lot by lot, told in order.

Twice over the packets: a census of who talks with whom (``flow/census.py``) says which of them must be looked at
together (``flow/lots.py``); then each lot goes through all rooms by itself, its lines are written away, and what is
kept is small. In the end the lines of all lots are read in order. The bytes are those of a run that holds everything.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from analyzer.base.address import format_address
from analyzer.base.fact import replace
from analyzer.base.pages import give_back_freed
from analyzer.base.table import I64, RecordTable
from analyzer.base.watch import UNWATCHED, Watch
from analyzer.capture.capture import Capture
from analyzer.counting import WINDOW_ROWS, Counted, count_packets, forget_columns
from analyzer.flow.census import Tuples
from analyzer.flow.lots import Lots, part_in_lots
from analyzer.flow.midstream import are_halves
from analyzer.judging import Judged, SpilledRun, judge_lots, told
from analyzer.lot import LotTraffic, Plan, Task
from analyzer.opening import connections_of, read_packets
from analyzer.verdict.beside import Beside
from analyzer.verdict.health import Sights

# Packets that are judged together: about 130 MB with the calls that they hold.
LOT_PACKETS = 200_000
MOST_TOGETHER = 0.5
# The share of a run until its lots are known, and until they are judged.
_COUNTED, _JUDGED = 0.2, 0.95
# A guess of whose capture it is, and the truth.
_TRIES = 2

# Judges the lots of a capture, here or elsewhere; the third argument gives the records of one.
JudgeLots = Callable[[Task, Capture, Callable[[int], RecordTable], Watch], Judged]


def _judge_here(task: Task, _: Capture, __: Callable[[int], RecordTable], watch: Watch) -> Judged:
    return judge_lots(task, task.plan.jobs, watch)


def run_large(
    capture: Capture,
    plan: Plan,
    watch: Watch = UNWATCHED,
    *,
    judge: JudgeLots = _judge_here,
    counted: Counted | None = None,
    lot_packets: int = LOT_PACKETS,
    window_rows: int = WINDOW_ROWS,
    most_together: float = MOST_TOGETHER,
) -> SpilledRun | None:
    """The run over one capture, of which no more is in memory than a lot.

    None where it cannot be parted: fragments lie across windows, keys open its TLS, sidecars deliver to 127.0.0.1, or
    most of its connections may have to do with each other (``flow/lots.py``). Where more than ``most_together`` of all
    packets must be looked at together, little is won by parting them. What was ``counted`` before is not counted again.
    ``judge`` may have the lots judged elsewhere.
    """
    if plan.needs_whole(capture):
        return None
    if counted is None or counted.in_pieces:
        counted = count_packets(capture, plan.jobs, watch.part(0.0, _COUNTED), window_rows=window_rows)
    tuples, count = counted
    give_back_freed()
    if counted.in_pieces or not tuples.sure:
        return None
    lots = part_in_lots(tuples, lot_packets, partial(_are_halves, capture, tuples))
    if lots.largest > max(lot_packets, len(capture.records) * most_together):
        return None
    give_back_freed()
    # Who asked for the end while packets were counted gets what was counted; who asks again, what is judged by then.
    watch = watch.part(_COUNTED, _JUDGED).heed()
    apps = _addresses(lots.apps)
    sights = Sights(dict(zip(apps, lots.connections.tolist(), strict=True)))
    for _ in range(_TRIES):
        home = sights.pod(plan.hint, plan.mesh)
        task = _task(capture, lots, plan, home)
        judged = judge(task, capture, partial(_records, capture, lots), watch)
        sights = Sights(dict.fromkeys(apps, 0))
        for _, run in judged.runs:
            sights.join(run.sights)
        if watch.is_stopped or sights.pod(plan.hint, plan.mesh) == home:
            break
    return told(capture, count, plan, sights, judged)


def _are_halves(capture: Capture, tuples: Tuples, pairs: I64) -> NDArray[np.bool_]:
    found = are_halves(capture, tuples, pairs)
    forget_columns(capture)
    give_back_freed()
    return found


def _addresses(columns: I64) -> list[str]:
    return [format_address(hi, lo, version=version) for version, hi, lo in columns.T.tolist()]


def _task(capture: Capture, lots: Lots, plan: Plan, home: str | None) -> Task:
    beside = Beside(
        apps=frozenset(_addresses(lots.apps)),
        called=frozenset(_addresses(lots.servers)),
        lo_captures=frozenset((capture.name,) if lots.shows_lo else ()),
        narrow=frozenset((capture.name,) if lots.narrow else ()),
    )
    return Task(
        name=capture.name,
        plan=plan,
        read=partial(_read_lot, capture, lots),
        count=lots.count,
        home=home,
        beside=beside,
    )


def _records(capture: Capture, lots: Lots, lot: int) -> RecordTable:
    found = capture.records.part(lots.rows(lot))
    forget_columns(capture)
    return found


def _read_lot(capture: Capture, lots: Lots, lot: int, watch: Watch) -> LotTraffic:
    return read_lot(capture, _records(capture, lots, lot), watch)


def read_lot(capture: Capture, records: RecordTable, watch: Watch) -> LotTraffic:
    """The lot that has these records of a capture."""
    read = read_packets(replace(capture, records=records), watch)
    return LotTraffic(capture.buffer, read.traffic, connections_of(capture, read.traffic))
