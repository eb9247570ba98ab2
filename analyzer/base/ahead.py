"""What is made ahead of its use, by a thread: worth it where most of the time goes to kernels or the system."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from typing import TypeVar

Item = TypeVar("Item")

# So many items are ahead: with one each of the two threads would wait for the other to wake up.
_AHEAD = 2


@dataclass(frozen=True, slots=True)
class _End:
    """Nothing comes any more, or ``error`` came instead of an item."""

    error: BaseException | None = None


def made_ahead(items: Iterable[Item]) -> Iterator[Item]:
    """The same items: while one is used, the next ones are made. What they raise is raised where it came."""
    wanted: SimpleQueue[bool] = SimpleQueue()
    made: SimpleQueue[Item | _End] = SimpleQueue()
    thread = Thread(target=_make, args=(items, wanted, made), daemon=True)
    thread.start()
    for _ in range(_AHEAD):
        wanted.put(True)
    try:
        while not isinstance(item := made.get(), _End):
            wanted.put(True)
            yield item
        if item.error is not None:
            raise item.error
    finally:
        wanted.put(False)
        thread.join()


def _make(items: Iterable[Item], wanted: SimpleQueue[bool], made: SimpleQueue[Item | _End]) -> None:
    own = iter(items)
    try:
        while wanted.get():
            made.put(next(own))
    except StopIteration:
        made.put(_End())
    except BaseException as error:
        made.put(_End(error))
