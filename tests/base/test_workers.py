"""Shared work comes out as if one process had done it."""

import os
import signal
import subprocess
import sys
import time
import weakref
from pathlib import Path

import pytest

from analyzer.base.workers import begun_beside, run_in_workers, shared_out, stream_from_workers

HERE = os.getpid()
ROOT = Path(__file__).resolve().parents[2]


class Large:
    """What a task may need."""

    def name(self) -> bytes:
        return b"large"


def lost_elsewhere(value):
    """A task whose worker dies, and that succeeds in this process."""

    def task():
        if os.getpid() != HERE:
            os.kill(os.getpid(), 9)
        return value

    return task


def failing_elsewhere(pieces):
    def task():
        for n, piece in enumerate(pieces):
            if n and os.getpid() != HERE:
                raise RuntimeError
            yield piece

    return task


@pytest.mark.parametrize(
    ("items", "jobs", "shares"),
    [(7, 2, [(0, 3), (3, 7)]), (2, 3, [(0, 1), (1, 2)]), (0, 2, [(0, 0)]), (3, 0, [(0, 3)])],
)
def test_items_are_shared_out_in_order(items, jobs, shares) -> None:
    assert shared_out(items, jobs) == [range(*share) for share in shares]


def test_results_come_in_the_order_of_their_tasks() -> None:
    assert run_in_workers([lambda n=n: n * n for n in range(4)]) == [0, 1, 4, 9]


def test_the_first_task_runs_here_and_the_others_elsewhere() -> None:
    first, second, third = run_in_workers([os.getpid] * 3)

    assert first == HERE
    assert len({first, second, third}) == 3


def test_the_work_of_a_lost_worker_is_done_here() -> None:
    assert run_in_workers([lambda: 1, lost_elsewhere(2), lambda: 3]) == [1, 2, 3]


def test_a_result_that_cannot_be_sent_is_made_here() -> None:
    _, made = run_in_workers([lambda: 1, lambda: lambda: 7])

    assert made() == 7


def test_what_the_first_task_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        run_in_workers([lambda: 1 // 0, lambda: 1])


def test_what_another_task_raises_is_raised_here() -> None:
    with pytest.raises(ZeroDivisionError):
        run_in_workers([lambda: 1, lambda: 1 // 0])


def test_no_worker_is_left_behind() -> None:
    run_in_workers([lambda: 1, lambda: 2])

    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


@pytest.mark.parametrize("size", [0, 3, 3_000_000])
def test_pieces_come_in_the_order_of_their_tasks(size) -> None:
    parts = [[bytes([n]) * size, b"|"] for n in range(3)]

    pieces = stream_from_workers([lambda part=part: part for part in parts])

    assert b"".join(pieces) == b"".join(piece for part in parts for piece in part)


def test_what_a_lost_worker_did_not_say_is_said_here() -> None:
    pieces = stream_from_workers([lambda: [b"a"], failing_elsewhere([b"b", b"cd", b"e"]), lambda: [b"f"]])

    assert b"".join(pieces) == b"abcdef"


def test_a_system_without_forks_does_all_of_it_here(monkeypatch) -> None:
    monkeypatch.delattr(os, "fork")

    assert run_in_workers([os.getpid] * 2) == [HERE] * 2
    assert b"".join(stream_from_workers([lambda: [b"a"], lambda: [b"b"]])) == b"ab"
    with begun_beside(lambda: b"c") as wait:
        assert wait() is None


@pytest.mark.parametrize("call", ["fork", "pipe"])
def test_where_the_system_makes_no_more_processes_all_is_done_here_and_ctrl_c_is_heard(call, monkeypatch) -> None:
    def refuse() -> int:
        raise BlockingIOError

    monkeypatch.setattr(os, call, refuse)
    opened = os.listdir("/dev/fd")

    assert run_in_workers([os.getpid] * 2) == [HERE] * 2
    with begun_beside(lambda: b"c") as wait:
        assert wait() is None
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
    assert os.listdir("/dev/fd") == opened


def test_what_is_done_beside_is_done_elsewhere_and_told_here() -> None:
    with begun_beside(lambda: str(os.getpid()).encode()) as wait:
        assert int(wait() or b"") != HERE


@pytest.mark.parametrize("task", [lambda: os.kill(os.getpid(), 9), lambda: 1 // 0])
def test_of_what_was_lost_beside_nothing_is_told(task) -> None:
    with begun_beside(task) as wait:
        assert wait() is None


def test_who_does_not_wait_for_what_is_done_beside_leaves_nobody_behind() -> None:
    with begun_beside(lambda: time.sleep(3600) or b""):
        pass

    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_what_is_needed_beside_alone_is_let_go_here() -> None:
    known = weakref.ref(needed := Large())

    with begun_beside(needed.name) as wait:
        del needed
        assert known() is None
        assert wait() == b"large"


def test_an_interruption_does_not_end_what_is_done_beside() -> None:
    with begun_beside(lambda: os.kill(os.getpid(), signal.SIGINT) or b"on") as wait:
        assert wait() == b"on"


HELD_BY_A_WORKER = """
import os, signal
from analyzer.base.workers import run_in_workers

def wait() -> None:
    os.write(1, b"here")
    signal.pause()

run_in_workers([signal.pause, wait])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a worker with its parent")
def test_a_worker_ends_with_who_made_it_however_that_ends() -> None:
    command = [sys.executable, "-c", HELD_BY_A_WORKER]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as maker:
        assert maker.stdout is not None
        assert maker.stdout.read(4) == b"here"

        maker.kill()

        # Its other end is open as long as the worker is there.
        assert maker.communicate(timeout=60) == (b"", None)
