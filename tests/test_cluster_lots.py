"""The lots of one capture are judged by a real scheduler's workers, and the bytes are those of a run on one machine."""

from __future__ import annotations

import gzip
import os
import sys
from pathlib import Path

import pytest

from analyzer.base.errors import CaptureError
from analyzer.base.fact import replace
from analyzer.base.packing import pack, unpack
from analyzer.base.watch import UNWATCHED, Watch
from analyzer.capture.sources import find_captures
from analyzer.cli.outcome import FAIL_ON
from analyzer.cluster_capture import received, to_send
from analyzer.cluster_lots import begin_lots, judge_lot, judge_on, packed_task, run_on
from analyzer.judging import Judged, judge_lots
from analyzer.large import run_large
from analyzer.lot import Plan
from analyzer.mesh.kinds.mesh_config import LOCALHOST
from analyzer.mesh.load import load_mesh
from analyzer.pipeline import Interval, chosen_in, mesh_record
from analyzer.verdict.filter import parse_filter
from analyzer.verdict.parting import OTHER_CONFIGURATION
from made.counted import counts_of
from made.lo_sides import calls_that_fit
from made.rings import write_ring

SHOP = Path(__file__).resolve().parents[1] / "captures" / "shop-default"
LO, ANY = SHOP / "interfaces" / "shop_sleep-0.lo.pcap", SHOP / "pods" / "shop_sleep-0.any.pcap"
WATCHED = {name: FAIL_ON[name] for name in ("dropped", "disagreement")}
LOTS = 18

# dask tells old and new names of its own apart by warnings.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def mesh():
    return load_mesh([SHOP / "mesh"])


@pytest.fixture
def run(mesh):
    """A function: what a run in tiny lots tells, and how many of these others judged."""

    def told(*paths: Path, keep=None, on=None, there: Path | None = None, then=lambda: None, stop=lambda: 0):
        (source,) = find_captures([str(path) for path in paths or (LO,)])
        plan = Plan(mesh, mesh_record(mesh), None, keep, WATCHED)
        ended: list[float] = []

        def on_progress(what: str, done: float, _: int) -> None:
            if what == "lots":
                ended.append(done)
                if len(ended) == 1:
                    then()

        how = {"judge": judge_on(on, replace(source, path=there or source.path))} if on else {}
        watch = Watch(on_progress, 100, stop=stop)
        found = run_large(source.read(), plan, watch, lot_packets=20, window_rows=64, most_together=1.0, **how)
        assert found is not None
        return b"".join(found.lines(redact=True)), found.met, len(ended)

    return told


@pytest.mark.parametrize("path", [LO, ANY], ids=["lo", "any"])
def test_workers_judge_every_lot_and_change_no_byte(workers, run, path) -> None:
    *alone, _ = run(path)

    *shared, lots = run(path, on=workers)

    assert shared == alone
    assert lots == (LOTS if path == LO else 1)


def test_a_whole_run_is_made_on_workers_unless_it_needs_the_capture_whole(workers, run, mesh) -> None:
    (source,) = find_captures([str(LO)])
    plan = Plan(mesh, mesh_record(mesh), None, None, WATCHED)

    found = run_on(workers, source, plan, UNWATCHED)

    assert found is not None
    assert b"".join(found.lines(redact=True)) == run()[0]
    settings = replace(mesh.config, inbound_policy=LOCALHOST)
    assert run_on(workers, source, replace(plan, mesh=replace(mesh, config=settings)), UNWATCHED) is None


def test_calls_that_do_not_count_are_left_out_there_too(workers, run) -> None:
    some = chosen_in(Interval(), parse_filter("verdict == 'dropped'"))

    assert run(keep=some, on=workers)[:2] == run(keep=some)[:2]


def test_a_worker_that_is_killed_on_the_way_changes_nothing(workers, kill_worker, run, monkeypatch) -> None:
    monkeypatch.setattr("analyzer.cluster_work.FETCH_SECONDS", 2)

    assert run(on=workers, then=kill_worker) == (*run()[:2], LOTS)


def test_the_lots_that_a_lost_scheduler_leaves_are_judged_here(mortal, run) -> None:
    client, kill_scheduler = mortal

    *shared, lots = run(on=client, then=kill_scheduler)

    assert tuple(shared) == run()[:2]
    assert 0 < lots < LOTS


def test_without_the_file_workers_are_of_no_use(workers, run, tmp_path) -> None:
    assert run(on=workers, there=tmp_path / "gone.pcap") == (*run()[:2], 0)


def test_another_file_of_the_same_name_is_not_taken_for_it(workers, run, tmp_path) -> None:
    data = bytearray(LO.read_bytes())
    data[-1] ^= 1
    (tmp_path / LO.name).write_bytes(data)

    assert run(on=workers, there=tmp_path / LO.name) == (*run()[:2], 0)


def test_workers_of_another_release_are_of_no_use(workers, run, monkeypatch) -> None:
    monkeypatch.setattr("analyzer.cluster_capture.VERSION", 0)

    assert run(on=workers) == (*run()[:2], 0)


def test_what_was_compressed_is_judged_here(workers, run, tmp_path) -> None:
    path = tmp_path / f"{LO.name}.gz"
    path.write_bytes(gzip.compress(LO.read_bytes()))

    assert run(path, on=workers) == run(path)


def test_calls_that_disagree_are_held_against_those_of_lots_that_others_judged(workers, run, tmp_path) -> None:
    path = calls_that_fit("-- - --+ ++ + + +").write(tmp_path / "x.lo.pcap")

    lines, _, lots = run(path, on=workers)

    assert lines == run(path)[0]
    assert sum(OTHER_CONFIGURATION.name.encode() in line for line in lines.splitlines()) == 1
    assert lots > 1


def test_who_asks_for_the_end_gets_the_lots_that_are_there(workers, run) -> None:
    asked: list[int] = []

    lines, _, lots = run(on=workers, then=lambda: asked.append(1), stop=lambda: len(asked))

    assert 0 < lots < LOTS
    assert 0 < len(lines) < len(run()[0])


def test_no_lots_are_an_empty_run(workers, run, tmp_path) -> None:
    path = tmp_path / "none.lo.pcap"
    path.write_bytes(LO.read_bytes()[:24])

    assert run(path, on=workers) == run(path)


# What a worker does, by itself.


@pytest.fixture
def asked(mesh):
    """A function: what workers are sent to judge a file's lots by, and a function that gives what they are sent of one.

    Of a lot there is what this process makes of it, too.
    """

    def ask(*paths: Path):
        sent = []

        def judge(task, capture, records, watch) -> Judged:
            sent.append((packed_task(source, task, capture), lambda lot: to_send(records(lot))))
            return judge_lots(task, 1, watch)

        (source,) = find_captures([str(path) for path in paths])
        run_large(source.read(), Plan(mesh, None, None, None, {}), judge=judge, lot_packets=20, most_together=1.0)
        return sent[0]

    return ask


def test_the_files_of_a_ring_are_one_capture_there_too(asked, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("analyzer.capture.reader.MAPPED_FROM", 1)
    packed, piece = asked(*write_ring(tmp_path / "ring.pcap", LO.read_bytes(), 3))
    alone, same = asked(LO)

    told, expected = (received(judge_lot(begin_lots(some), of(3))) for some, of in ((packed, piece), (alone, same)))

    assert told.run.verdicts == expected.run.verdicts
    assert counts_of(told.rights) == counts_of(expected.rights)


def test_a_lot_is_told_as_often_as_it_is_asked_for_and_wherever(asked) -> None:
    packed, piece = asked(LO)
    lots = begin_lots(packed)

    once = judge_lot(lots, piece(3))

    judge_lot(lots, piece(4))
    assert judge_lot(unpack(pack(lots)), piece(3)) == once
    assert judge_lot(lots, piece(3)) == once


def test_a_profiler_that_keeps_the_frames_of_what_has_ended_changes_nothing(asked) -> None:
    packed, piece = asked(LO)
    lots, unseen, frames = begin_lots(packed), begin_lots(packed), []

    sys.setprofile(lambda frame, event, _: frames.append(frame) if event == "return" else None)
    try:
        told = [judge_lot(lots, piece(number)) for number in (3, 4)]
    finally:
        sys.setprofile(None)

    assert frames
    assert told == [judge_lot(unseen, piece(number)) for number in (3, 4)]


def test_a_file_that_becomes_shorter_is_an_error_there(asked, mapped_source) -> None:
    copied = mapped_source(LO.read_bytes(), LO.name).path
    packed, piece = asked(copied)
    lots = begin_lots(packed)
    os.truncate(copied, 4096)

    with pytest.raises(CaptureError, match="became shorter"):
        judge_lot(lots, piece(3))
