"""Pieces of work are done by a real scheduler's workers, on the loopback interface; what they cannot do is left."""

from __future__ import annotations

import operator
import os
import signal

import pytest

from analyzer.base.watch import UNWATCHED, Watch
from analyzer.cluster_work import Work, done_there

# dask tells old and new names of its own apart by warnings.
pytestmark = pytest.mark.filterwarnings("ignore")

COUNT = 9


def work(*, begin=bytes, do=operator.add, count: int = COUNT) -> Work:
    """Every piece is its number behind a hash, by functions that every worker has."""
    return Work(begin=begin, packed=b"#", do=do, piece=lambda number: str(number).encode(), count=count)


EVERYTHING = {number: b"#%d" % number for number in range(COUNT)}


def test_every_piece_is_done_once(workers) -> None:
    done = list(done_there(workers, work(), UNWATCHED))

    assert len(done) == COUNT
    assert dict(done) == EVERYTHING


def test_no_work_is_done_at_once(workers) -> None:
    assert list(done_there(workers, work(count=0), UNWATCHED)) == []


def test_a_worker_that_is_killed_costs_nothing_but_time(workers, kill_worker, monkeypatch) -> None:
    monkeypatch.setattr("analyzer.cluster_work.FETCH_SECONDS", 2)
    done = {}

    for number, result in done_there(workers, work(), UNWATCHED):
        if not done:
            kill_worker()
        done[number] = result

    assert done == EVERYTHING


def test_what_hangs_in_a_worker_is_left(workers, monkeypatch) -> None:
    monkeypatch.setattr("analyzer.cluster_work.STALLED_SECONDS", 2)
    workers.wait_for_workers(2, timeout=60)
    hanging = min(workers.run(os.getpid).values())
    done = {}

    try:
        for number, result in done_there(workers, work(count=30), UNWATCHED):
            if not done:
                os.kill(hanging, signal.SIGSTOP)
            done[number] = result
    finally:
        os.kill(hanging, signal.SIGCONT)

    assert 0 < len(done) < 30
    assert done.items() < {number: b"#%d" % number for number in range(30)}.items()


@pytest.mark.parametrize("how", [{"begin": int}, {"do": operator.truediv}], ids=["begin", "do"])
def test_what_no_worker_can_do_is_left(workers, how) -> None:
    assert list(done_there(workers, work(**how), UNWATCHED)) == []


def test_no_more_is_done_when_the_run_shall_end(workers) -> None:
    asked: list[int] = []
    done = []

    for number, _ in done_there(workers, work(count=99), Watch(stop=lambda: len(asked))):
        asked.append(1)
        done.append(number)

    assert 0 < len(done) < 99


def test_no_more_pieces_are_on_their_way_than_threads_can_take(workers) -> None:
    made: list[int] = []
    pieces = Work(begin=bytes, packed=b"#", do=operator.add, piece=lambda n: made.append(n) or b"", count=99)

    next(iter(done_there(workers, pieces, UNWATCHED)))

    assert len(made) <= 2 * sum(workers.nthreads().values())


def test_a_scheduler_that_goes_away_ends_it(mortal) -> None:
    client, kill_scheduler = mortal
    done = {}

    for number, result in done_there(client, work(count=99), UNWATCHED):
        if not done:
            kill_scheduler()
        done[number] = result

    assert 0 < len(done) < 99


def test_without_any_worker_nothing_is_done(workers, monkeypatch) -> None:
    monkeypatch.setattr("analyzer.cluster_work.PATIENCE", 1)
    monkeypatch.setattr("analyzer.cluster_work.LOOK_SECONDS", 0.1)
    monkeypatch.setattr(workers, "nthreads", dict)

    assert list(done_there(workers, work(), UNWATCHED)) == []
