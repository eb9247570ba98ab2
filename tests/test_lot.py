"""One lot leaves its lines in files, and of itself what the run is told of."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from analyzer.base.fact import replace
from analyzer.base.scratch import Scratch
from analyzer.capture.decode import decode_packets
from analyzer.capture.reader import read_capture
from analyzer.flow.census import Census
from analyzer.flow.lots import part_in_lots
from analyzer.lot import LotTraffic, LotWriter, Plan, Task
from analyzer.mesh.load import load_mesh
from analyzer.opening import connections_of, read_packets
from analyzer.verdict.beside import NOTHING_BESIDE
from made.counted import taken
from made.spilled import texts_of

ROOT = Path(__file__).resolve().parents[1]
SHOP = ROOT / "captures" / "shop-default"


@pytest.fixture(scope="module")
def task() -> Task:
    capture = read_capture(SHOP / "interfaces" / "shop_sleep-0.lo.pcap", name="lo.pcap")
    census = Census()
    census.add(decode_packets(capture), capture.records)
    lots = part_in_lots(census.finish(), 100)

    def read(lot, watch) -> LotTraffic:
        found = read_packets(replace(capture, records=capture.records.part(lots.rows(lot))), watch)
        return LotTraffic(capture.buffer, found.traffic, connections_of(found.capture, found.traffic))

    watched = {"dropped": lambda call: call.decision.verdict == "dropped"}
    plan = Plan(load_mesh([SHOP / "mesh"]), None, None, lambda call: call.request == 1, watched)
    return Task(capture.name, plan, read, lots.count, "shop/sleep-0", NOTHING_BESIDE)


@pytest.fixture(autouse=True)
def own_garbage() -> Iterator[None]:
    """Lots look for garbage: each time among all that thousands of tests have left, were that not put aside."""
    gc.freeze()
    yield
    gc.unfreeze()


def _with_plan(task: Task, **changes: object) -> Task:
    return replace(task, plan=replace(task.plan, **changes))


def lines_of(task: Task) -> list[bytes]:
    calls = Scratch()
    writer = LotWriter(task, calls, Scratch())
    runs = [writer.run(lot) for lot in range(task.count)]
    return sorted(line for run in runs for line in texts_of(run.calls, calls) if line is not None)


def test_the_lots_of_a_capture_have_all_its_connections(task) -> None:
    writer = LotWriter(task, Scratch(), Scratch())

    runs = [writer.run(lot) for lot in range(task.count)]

    assert len(runs) > 1
    assert sum(run.connections for run in runs) == sum(len(run.flows) for run in runs)
    assert set().union(*(run.met for run in runs)) == {"dropped"}
    assert sum(sum(run.verdicts.values()) for run in runs) <= sum(len(run.calls) for run in runs)


def test_lines_are_whole(task) -> None:
    calls, flows = Scratch(), Scratch()

    run = LotWriter(task, calls, flows).run(0)

    shown = [line for line in texts_of(run.calls, calls) if line is not None]
    assert shown
    assert all(line.startswith(b'{"kind":"call","id":"1","captures":["lo.pcap"]') for line in shown)
    assert all(line.startswith(b'{"kind":"flow","uid":') for line in texts_of(run.flows, flows))


@pytest.mark.parametrize("ceiling", ["REMEMBERED_ANSWERS", "REMEMBERED_LEN"])
@pytest.mark.parametrize("keep", [None, lambda call: call.request == 1], ids=["all", "some"])
def test_what_is_remembered_of_earlier_lots_changes_no_line(task, monkeypatch, keep, ceiling) -> None:
    task = _with_plan(task, keep=keep)
    remembering = lines_of(task)
    monkeypatch.setattr(f"analyzer.lot.{ceiling}", 0)

    assert lines_of(task) == remembering


def test_calls_that_are_written_from_a_pattern_have_the_lines_of_those_that_are_judged_one_by_one(task) -> None:
    assert lines_of(_with_plan(task, keep=None)) == lines_of(_with_plan(task, keep=lambda _: True))


def test_calls_that_agree_are_those_that_are_judged_one_by_one(task) -> None:
    def rights(keep):
        writer = LotWriter(_with_plan(task, keep=keep), Scratch(), Scratch())
        for lot in range(task.count):
            writer.run(lot)
        return taken(writer.rights)

    assert rights(None) == rights(lambda _: True) != {}


def test_without_a_mesh_every_call_is_judged_by_itself(task) -> None:
    writer = LotWriter(_with_plan(task, mesh=None, keep=None), Scratch(), Scratch())

    run = writer.run(0)

    assert run.verdicts == {None: len(run.calls)}
