"""Work that is shared by several processes: forks of this one, which have all that it has read without a copy.

What comes out is the same with one process and with many. A worker that is lost costs its work once more, here.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import TypeVar

from analyzer.base.fact import Fact

Result = TypeVar("Result")

# How much is taken from a worker at once.
_READ_LEN = 1 << 20
# What prctl(2) knows as the signal that a process gets when its parent is gone.
_PR_SET_PDEATHSIG = 1
# Stands behind all that a worker had to say: without it the worker was lost on the way.
_DONE = b"\0done"


class _Worker(Fact, frozen=True):
    pid: int
    descriptor: int


def shared_out(items: int, jobs: int) -> list[range]:
    """So many items for up to ``jobs`` processes, in as equal shares as can be; at least one share."""
    jobs = max(min(jobs, items), 1)
    return [range(items * n // jobs, items * (n + 1) // jobs) for n in range(jobs)]


def run_in_workers(tasks: Sequence[Callable[[], Result]]) -> list[Result]:
    """What the tasks return, in their order: the first one runs here, each other one in a fork.

    A result must be picklable, and ``pickle`` gives back equal objects, not the same ones. What the first task raises
    is raised; where another one raises, it is run again, here.
    """
    first, *others = tasks
    workers = [_fork(partial(_pickled, task)) for task in others]
    try:
        return [first(), *(_result(worker, task) for worker, task in zip(workers, others, strict=True))]
    finally:
        _end(workers)


@contextmanager
def begun_beside(task: Callable[[], bytes]) -> Iterator[Callable[[], bytes | None]]:
    """``task`` is begun in a fork, which Ctrl-C leaves alone; gives what waits for its bytes.

    These are None where there is no fork, or the task was lost or raised. Who leaves before does not wait for it.
    """
    worker = _fork(partial(_uninterrupted, task))
    # What it is at work on may be large, and is needed there alone.
    del task
    try:
        yield lambda: _bytes_of(worker)
    finally:
        _end([worker])


def _uninterrupted(task: Callable[[], bytes]) -> list[bytes]:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return [task()]


def _bytes_of(worker: _Worker | None) -> bytes | None:
    told = b"".join(_read(worker)) if worker else b""
    return told.removesuffix(_DONE) if told.endswith(_DONE) else None


def _result(worker: _Worker | None, task: Callable[[], Result]) -> Result:
    told = b"".join(_read(worker)) if worker else b""
    if not told.endswith(_DONE):
        return task()
    # What stands behind a pickle is not read.
    result: Result = pickle.loads(told)
    return result


def _pickled(task: Callable[[], object]) -> list[bytes]:
    return [pickle.dumps(task(), pickle.HIGHEST_PROTOCOL)]


def stream_from_workers(tasks: Sequence[Callable[[], Iterable[bytes]]]) -> Iterator[bytes]:
    """The bytes that the tasks give, in their order; as ``run_in_workers``."""
    first, *others = tasks
    workers = [_fork(task) for task in others]
    try:
        yield from first()
        for worker, task in zip(workers, others, strict=True):
            yield from _stream(worker, task)
    finally:
        _end(workers)


def _stream(worker: _Worker | None, task: Callable[[], Iterable[bytes]]) -> Iterator[bytes]:
    """What a worker gives; where it is lost, the rest from a run of its task here."""
    held, given = b"", 0
    for piece in _read(worker) if worker else ():
        held += piece
        ready, held = held[: -len(_DONE)], held[-len(_DONE) :]
        given += len(ready)
        yield ready
    if held == _DONE:
        return
    for piece in task():
        rest = piece[given:]
        given = max(given - len(piece), 0)
        yield rest


def _fork(task: Callable[[], Iterable[bytes]]) -> _Worker | None:
    """A process that does the task and writes what it gives; None where there can be none."""
    if not hasattr(os, "fork"):
        return None
    try:
        ours, theirs = os.pipe()
    except OSError:
        return None
    parent = os.getpid()
    # Who is interrupted while it is made would say so.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    pid = _fork_quietly()
    if pid != 0:
        worker = _Worker(pid, ours) if pid else None
        for end in (theirs,) if worker else (theirs, ours):
            os.close(end)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return worker
    # Nothing that our caller would do at its end may be done twice: the process leaves from here.
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        _end_with(parent)
        os.close(ours)
        _write(theirs, list(task()))
    finally:
        os._exit(0)


def _fork_quietly() -> int | None:
    """As ``os.fork``; None where the system makes no more processes."""
    with warnings.catch_warnings(), suppress(OSError):
        # NumPy has threads of its own, which hold no lock while Python code runs.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()
    return None


def _end_with(parent: int) -> None:
    """Let this process end when its parent does, however that is ended. Only Linux does that (prctl(2))."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(0)


def _write(descriptor: int, pieces: Iterable[bytes]) -> None:
    with open(descriptor, "wb", buffering=_READ_LEN) as pipe:
        pipe.writelines(pieces)
        pipe.write(_DONE)


def _read(worker: _Worker) -> Iterator[bytes]:
    while piece := os.read(worker.descriptor, _READ_LEN):
        yield piece


def _end(workers: Iterable[_Worker | None]) -> None:
    for worker in filter(None, workers):
        os.close(worker.descriptor)
        with suppress(ProcessLookupError):
            os.kill(worker.pid, signal.SIGKILL)
        os.waitpid(worker.pid, 0)
