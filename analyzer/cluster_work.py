"""Pieces of one large work, given to the workers of a dask scheduler: to each its next one when it has ended one.

A worker that is lost, or that cannot do what it is given, costs time only: its pieces are given to others. What none
did, or what hangs in one, is for whoever asks. No more pieces are on their way than workers have threads, and one
more for each of them.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import suppress
from time import monotonic
from typing import Any

from analyzer.base.fact import Fact
from analyzer.base.watch import Watch

# So long is a worker waited for before it is looked whether any are left, and so many times in a row there may be none.
LOOK_SECONDS, PATIENCE = 1, 5
# How long what a worker has ended may take to come, before it is taken for lost.
FETCH_SECONDS = 10
# Where no piece has ended for so long, those that are on their way hang: a lot takes seconds.
STALLED_SECONDS = 300
# So many workers may be lost with a piece, or fail at it.
_TRIES = 3


class Work(Fact, frozen=True):
    """``count`` pieces; ``begin`` makes of ``packed`` what a worker does them with, once on each worker.

    ``piece`` gives what ``do`` needs for one of them. Both functions are found by their names on the workers, which
    send back what ``do`` gives.
    """

    begin: Callable[[bytes], object]
    packed: bytes
    do: Callable[[Any, bytes], bytes]
    piece: Callable[[int], bytes]
    count: int


def done_there(client: Any, work: Work, watch: Watch) -> Iterator[tuple[int, bytes]]:
    """Pieces, as workers end them; without those that none can do, or that were not done when the run shall end."""
    desk = _Desk(client, work)
    ended = monotonic()
    try:
        while desk.is_busy and not watch.is_stopped and monotonic() - ended < STALLED_SECONDS:
            if not desk.hand_out():
                return
            for piece in desk.ended():
                yield piece
                ended = monotonic()
    except CancelledError:
        # The scheduler is gone.
        return
    finally:
        desk.leave()


class _Desk:
    """Who does what: pieces that wait, and those that are on their way, with the workers that have them."""

    def __init__(self, client: Any, work: Work) -> None:
        self._client = client
        self._work = work
        self._waiting = deque(range(work.count))
        self._tries: Counter[int] = Counter()
        self._away: dict[Any, tuple[str, int]] = {}
        self._tools: dict[str, Any] = {}
        self._useless: set[str] = set()

    @property
    def is_busy(self) -> bool:
        """Whether any piece is not done yet."""
        return bool(self._waiting or self._away)

    def hand_out(self) -> bool:
        """Give every worker as much as it may have; false where nobody is left to work."""
        workers = self._workers()
        for _ in range(PATIENCE):
            if workers or self._useless:
                break
            with suppress(TimeoutError, OSError, RuntimeError):
                self._client.wait_for_workers(1, timeout=LOOK_SECONDS)
            workers = self._workers()
        self._take_back(workers)
        busy = Counter(address for address, _ in self._away.values())
        for address, threads in sorted(workers.items()):
            for _ in range(threads + 1 - busy[address]):
                if address not in self._useless and self._waiting:
                    self._send(address, self._waiting.popleft())
        return bool(self._away)

    def _workers(self) -> Mapping[str, int]:
        """The addresses of workers with the number of their threads; none where nobody answers."""
        if self._client.status != "running":
            raise CancelledError
        try:
            return dict(self._client.nthreads())
        except (OSError, RuntimeError, TimeoutError, CancelledError):
            return {}

    def _take_back(self, workers: Mapping[str, int]) -> None:
        """What workers had that are lost waits again."""
        for future, (address, number) in list(self._away.items()):
            if address not in workers:
                del self._away[future]
                future.cancel()
                self._put_back(number)
        for address in self._tools.keys() - workers.keys():
            del self._tools[address]

    def _put_back(self, number: int) -> None:
        self._tries[number] += 1
        if self._tries[number] < _TRIES:
            self._waiting.appendleft(number)

    def _send(self, address: str, number: int) -> None:
        work, there = self._work, {"workers": [address], "pure": False}
        piece = work.piece(number)
        try:
            if address not in self._tools:
                self._tools[address] = self._client.submit(work.begin, work.packed, **there)
            future = self._client.submit(work.do, self._tools[address], piece, **there)
        except Exception:
            # Whatever a client says whose scheduler is gone.
            raise CancelledError from None
        self._away[future] = address, number

    def ended(self) -> Iterator[tuple[int, bytes]]:
        """The pieces that were done by now, once there are any, or some time has passed."""
        from distributed import wait

        with suppress(TimeoutError, CancelledError):
            wait(list(self._away), timeout=LOOK_SECONDS, return_when="FIRST_COMPLETED")
        for future, (address, number) in list(self._away.items()):
            if future.status == "pending":
                continue
            result = _result(future)
            del self._away[future]
            if result is not None:
                yield number, result
                continue
            self._put_back(number)
            if future.status == "error":
                self._useless.add(address)

    def leave(self) -> None:
        """Nothing of what is on its way is wanted any more."""
        for future in self._away:
            with suppress(Exception):
                future.cancel()


def _result(future: Any) -> bytes | None:
    """What a worker sent; None where it could not, or was lost with it: the piece is done elsewhere."""
    try:
        result: bytes = future.result(timeout=FETCH_SECONDS)
    except (Exception, CancelledError):
        return None
    return result
