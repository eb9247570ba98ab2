"""Ctrl-C during a run: it ends early, and tells what it knows by then."""

from __future__ import annotations

import mmap
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import click

# So many times may a run be asked to end before it does so at once: while it reads, and while it judges.
_PATIENCE = 2


@contextmanager
def interruptible() -> Iterator[Callable[[], int]]:
    """Gives how often the user pressed Ctrl-C so far; after the second time it is an exception again, as ever.

    Only the main thread hears of it (signal, Signals and threads): nothing changes in another one. Forks of this
    process are told the same number: a terminal interrupts them too, ``kill`` does not.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: 0
        return
    # One byte, which forks share.
    asked, owner = mmap.mmap(-1, 1), os.getpid()

    def on_interrupt(_: int, __: FrameType | None) -> None:
        if os.getpid() != owner:
            return
        asked[0] += 1
        if asked[0] > _PATIENCE:
            raise KeyboardInterrupt
        click.echo("meshverdict: interrupted: telling what is known so far", err=True)

    before = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield lambda: asked[0]
    finally:
        signal.signal(signal.SIGINT, before)
