"""Captures opened by many machines: a dask scheduler and its workers, where the extra ``cluster`` is installed.

Each worker opens one capture at a time and sends back its connections without their bytes (``flow/compact.py``). They
are judged here, together, so that a run has the same bytes however many workers it had. Whatever goes wrong on the way
costs time only: dask gives the work of a lost worker to another, and what none can do is done here.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from analyzer.base.errors import UsageError
from analyzer.base.fact import replace
from analyzer.base.packing import pack, unpack
from analyzer.base.watch import Watch
from analyzer.capture.reader import read_capture
from analyzer.capture.sources import CaptureSource
from analyzer.cluster_capture import VERSION, check_version
from analyzer.flow.compact import compact
from analyzer.mesh.history import Meshes
from analyzer.opening import OpenAll, OpenedCapture, open_all, open_capture, with_pod

# What asks for workers on this machine, for this run.
LOCAL = "local"
# What these do first: Ctrl-C in a terminal reaches them too, and ends the run in this process alone.
_LEAVE_INTERRUPTS = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
# How long a scheduler may take to answer.
ANSWER_SECONDS = 5
# So often is it looked whether there are workers at all, and so many times in a row there may be none.
LOOK_SECONDS, PATIENCE = 1, 5


@contextmanager
def connected(address: str, workers: int = 1) -> Iterator[Any]:
    """A client of the scheduler at ``address`` (``tcp://HOST:PORT``), or of one with so many ``LOCAL`` workers.

    Raises ``UsageError`` where dask is not installed, or nobody answers at ``address``.
    """
    with ExitStack() as stack:
        yield _connect(address, workers, stack)


def open_on(client: Any) -> OpenAll:
    """Opens captures on a scheduler's workers.

    Files must be where they are here on all machines; those that a worker cannot read are read here.
    """
    return partial(_open_all, client)


def _connect(address: str, workers: int, stack: ExitStack) -> Any:
    try:
        import distributed
    except ImportError:
        raise UsageError(
            "--cluster: distributed is not installed; expected pip install 'meshverdict[cluster]'"
        ) from None
    # What goes wrong is told here, in one line, or does not matter: asyncio would tell of what was lost with a worker.
    for name in ("distributed", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        if address == LOCAL:
            local = distributed.LocalCluster(
                n_workers=workers, threads_per_worker=1, host="127.0.0.1", dashboard_address=None,
                silence_logs=logging.CRITICAL + 1, preload=_LEAVE_INTERRUPTS,
            )  # fmt: skip
            return stack.enter_context(distributed.Client(stack.enter_context(local)))
        return stack.enter_context(distributed.Client(address, timeout=ANSWER_SECONDS))
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise UsageError(f"--cluster: {address}: no scheduler answers: {reason}") from None


def open_packed(path: str, name: str, version: int) -> bytes:
    """On a worker: the capture in a file, opened, without its bytes; raises what makes it unreadable there."""
    check_version(version)
    opened = open_capture(read_capture(Path(path), name=name), None, None)
    return pack(replace(opened, connections=[compact(each) for each in opened.connections]))


def _open_all(client: Any, sources: Sequence[CaptureSource], mesh: Meshes | None, watch: Watch) -> list[OpenedCapture]:
    """As ``open_all``: what a worker opened, and for the rest what is opened here."""
    there = _open_there(client, [source for source in sources if source.path and not source.ring], watch)
    return [
        with_pod(there[source.name], source.pod_hint, mesh)
        if source.name in there
        else open_all([source], mesh, watch)[0]
        for source in sources
    ]


def _open_there(client: Any, sources: Sequence[CaptureSource], watch: Watch) -> Mapping[str, OpenedCapture]:
    """What workers opened, by the capture's name; the largest come first, so that none is left for the end."""
    order = sorted(sources, key=lambda source: (-source.size, source.name))
    names = {
        client.submit(open_packed, os.path.abspath(source.path or ""), source.name, VERSION, pure=False): source.name
        for source in order
    }
    opened: dict[str, OpenedCapture] = {}
    for count, future in enumerate(_finished(client, set(names), watch)):
        watch.tell(names[future], count / len(names))
        packed = _result(future)
        if packed is not None:
            opened[names[future]] = unpack(packed)
    return opened


def _finished(client: Any, waiting: set[Any], watch: Watch) -> Iterator[Any]:
    """The futures as they end; not all of them where nobody is left to work."""
    from distributed import wait

    patience = PATIENCE
    while waiting and patience and not watch.is_stopped:
        try:
            done = wait(waiting, timeout=LOOK_SECONDS, return_when="FIRST_COMPLETED").done
        except TimeoutError:
            patience = PATIENCE if _has_workers(client) else patience - 1
            continue
        except CancelledError:
            return
        waiting -= done
        yield from done


def _has_workers(client: Any) -> bool:
    try:
        return bool(client.nthreads())
    except (OSError, RuntimeError, TimeoutError, CancelledError):
        return False


def _result(future: Any) -> bytes | None:
    """What a worker sent, or None where it could not; raises ``UsageError`` where none like it ever will."""
    try:
        packed: bytes = future.result(timeout=ANSWER_SECONDS * PATIENCE)
    except (UsageError, ImportError) as error:
        raise UsageError(f"--cluster: a worker: {error}; expected this release of meshverdict on it") from None
    except Exception:
        # Lost with its workers, out of memory, a file that is not there: whatever it was, the capture is read here.
        return None
    return packed
