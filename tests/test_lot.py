"""One lot leaves its lines in files, and of itself what the run is told of."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.base.scratch import Scratch
from analyzer.capture.decode import decode_packets
from analyzer.capture.reader import read_capture
from analyzer.flow.census import Census
from analyzer.flow.lots import part_in_lots
from analyzer.lot import LotWriter, Task
from analyzer.mesh.load import load_mesh
from analyzer.verdict.beside import NOTHING_BESIDE

ROOT = Path(__file__).resolve().parents[1]
SHOP = ROOT / "captures" / "shop-default"


@pytest.fixture(scope="module")
def task() -> Task:
    capture = read_capture(SHOP / "interfaces" / "shop_sleep-0.lo.pcap", name="lo.pcap")
    census = Census()
    census.add(decode_packets(capture), capture.records)
    lots = part_in_lots(census.finish(), 100)
    watched = {"dropped": lambda call: call.decision.verdict == "dropped"}
    mesh = load_mesh([SHOP / "mesh"])
    return Task(capture, lots, mesh, "shop/sleep-0", NOTHING_BESIDE, lambda call: call.request == 1, watched, True)


def test_the_lots_of_a_capture_have_all_its_connections(task) -> None:
    writer = LotWriter(task, Scratch(), Scratch())

    runs = [writer.run(lot) for lot in range(task.lots.count)]

    assert len(runs) > 1
    assert sum(run.connections for run in runs) == sum(len(run.flows) for run in runs)
    assert set().union(*(run.met for run in runs)) == {"dropped"}
    assert sum(sum(run.verdicts.values()) for run in runs) <= sum(len(run.calls) for run in runs)


def test_a_line_begins_behind_its_number(task) -> None:
    calls, flows = Scratch(), Scratch()

    LotWriter(task, calls, flows).run(0)

    assert all(line.startswith(b'","captures":["lo.pcap"]') for line in bytes(calls.mapped()).splitlines())
    assert all(line.startswith(b'"uid":') for line in bytes(flows.mapped()).splitlines())


def test_what_is_remembered_of_earlier_lots_changes_no_line(task, monkeypatch) -> None:
    def lines() -> bytes:
        calls = Scratch()
        writer = LotWriter(task, calls, Scratch())
        for lot in range(task.lots.count):
            writer.run(lot)
        return bytes(calls.mapped())

    remembering = lines()
    monkeypatch.setattr("analyzer.lot.REMEMBERED_ANSWERS", 0)

    assert lines() == remembering
