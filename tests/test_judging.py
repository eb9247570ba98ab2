"""What several processes judge is put together as if one had judged it."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import numpy as np
import pytest

from analyzer.base.fact import replace
from analyzer.base.watch import UNWATCHED, Watch
from analyzer.capture.reader import read_capture
from analyzer.flow.count import Count
from analyzer.flow.limits import limit_oddities
from analyzer.flow.part import part_of_traffic
from analyzer.judging import MAY_BE_GARBAGE, Judged, judge_lots, told
from analyzer.lot import LotTraffic, Plan, Task
from analyzer.mesh.load import load_mesh
from analyzer.opening import connections_of, read_packets
from analyzer.verdict.beside import NOTHING_BESIDE
from analyzer.verdict.health import Sights, sights_of

SHOP = Path(__file__).resolve().parents[1] / "captures" / "shop-default"
LO, ANY = SHOP / "interfaces" / "shop_sleep-0.lo.pcap", SHOP / "pods" / "shop_sleep-0.any.pcap"
COUNT = 5


@pytest.fixture(scope="module")
def capture():
    return read_capture(LO, name=LO.name)


@pytest.fixture(scope="module")
def read(capture):
    return read_packets(capture)


@pytest.fixture(scope="module")
def task(capture, read) -> Task:
    """A task in five lots; the calls in each are numbered by themselves."""
    lots = np.array_split(np.arange(len(read.traffic.lanes)), COUNT)

    def lot_of(lot, watch) -> LotTraffic:
        watch.tell(f"lot {lot}")
        part = part_of_traffic(read.traffic, lots[lot])
        return LotTraffic(capture.buffer, part, connections_of(capture, part))

    mesh = load_mesh([SHOP / "mesh"])
    watched = {"dropped": lambda call: call.decision.verdict == "dropped", "never": lambda _: False}
    plan = Plan(mesh, None, None, None, watched)
    return Task(capture.name, plan, lot_of, COUNT, "shop/sleep-0", NOTHING_BESIDE)


@pytest.fixture(scope="module")
def finished(capture, read, task):
    """A function: the run that judged lots make."""

    def put_together(judged: Judged):
        count = Count()
        count.add(capture.records, read.packets)
        sights = sights_of(read.connections())
        return told(capture, count, replace(task.plan, watched={}), sights, judged)

    return put_together


def bytes_of(run) -> bytes:
    return b"".join(run.lines(redact=True))


# Lots.


@pytest.mark.parametrize("jobs", [2, 3, 5, 9])
def test_the_number_of_processes_changes_no_byte(task, finished, jobs) -> None:
    alone = finished(judge_lots(task, 1, UNWATCHED))

    assert bytes_of(finished(judge_lots(task, jobs, UNWATCHED))) == bytes_of(alone)


@pytest.mark.parametrize(("jobs", "files"), [(0, 1), (1, 1), (2, 2), (9, COUNT)])
def test_there_are_no_more_processes_than_lots_and_at_least_one(task, jobs, files) -> None:
    judged = judge_lots(task, jobs, UNWATCHED)

    assert len(judged.files) == files
    assert [number for number, _ in judged.runs] == sorted(number for number, _ in judged.runs)
    assert len(judged.runs) == COUNT


def test_no_lots_are_no_runs(task, finished) -> None:
    judged = judge_lots(replace(task, count=0), 2, UNWATCHED)

    assert judged.runs == []
    assert finished(judged).verdicts == {}


class Cycle:
    """Refers to itself: only the garbage collector ends it, and as much as makes that look for some."""

    def __init__(self) -> None:
        self.itself = self
        self.held: list[list[int]] = [[] for _ in range(MAY_BE_GARBAGE + 1)]


def test_the_garbage_of_a_lot_is_gone_before_the_next_one_and_what_was_there_is_looked_at_afterwards(task) -> None:
    left: list[weakref.ref[Cycle]] = []
    before = weakref.ref(Cycle())

    def read(lot, watch) -> LotTraffic:
        assert [cycle() for cycle in left] == [None] * lot
        left.append(weakref.ref(Cycle()))
        return task.read(lot, watch)

    gc.disable()
    try:
        judge_lots(replace(task, read=read), 1, UNWATCHED)
        assert len(left) == COUNT
        assert before() is not None
    finally:
        gc.enable()
    gc.collect()

    assert before() is None


def test_who_waits_is_told_of_the_lots_that_are_judged_here(task) -> None:
    heard: list[tuple[str, float]] = []

    judge_lots(task, 2, Watch(lambda what, done, _: heard.append((what, done)), 100))

    assert [what for what, _ in heard if what.startswith("lot")] == ["lot 0", "lot 1"]
    assert [done for _, done in heard] == sorted(done for _, done in heard)


def test_who_asks_for_the_end_gets_the_lots_that_were_begun(task, finished) -> None:
    begun: list[str] = []
    watch = Watch(lambda what, *_: begun.append(what), 100, stop=lambda: int("lot 2" in begun))

    judged = judge_lots(task, 1, watch)

    assert len(judged.runs) == 3
    assert 0 < sum(finished(judged).verdicts.values()) < sum(finished(judge_lots(task, 1, UNWATCHED)).verdicts.values())


# The run.


def test_a_run_says_what_was_met_and_how_often(task, finished) -> None:
    run = finished(judge_lots(task, 2, UNWATCHED))

    assert run.met == {"dropped"}
    assert (sum(run.verdicts.values()), len(run.calls)) == (run.analysis.captures[0].calls, len(run.calls))
    assert run.analysis.captures[0].connections == len(run.flows)


def test_findings_name_calls_by_their_numbers_among_all(task, finished) -> None:
    run = finished(judge_lots(task, 2, UNWATCHED))

    named = {int(call) for finding in run.analysis.findings for call in finding.calls}
    assert named
    assert max(named) > max(len(lot.calls) for _, lot in judge_lots(task, 1, UNWATCHED).runs)
    assert all(1 <= number <= len(run.calls) for number in named)


def test_what_no_lot_shows_by_itself_is_told_of_the_capture(task, capture, read) -> None:
    count, plan = Count(), replace(task.plan, watched={})
    count.add(capture.records, read.packets)

    run = told(capture, count, plan, Sights(), Judged([], [], []), strange=limit_oddities(9, 4))

    assert run.analysis.limits == (
        "shop_sleep-0.lo.pcap: 5 of 9 connections were left out, those without payload first",
    )
