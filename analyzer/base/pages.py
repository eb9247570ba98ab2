"""Memory that is given back to the system: pages of files that were read or written, and arrays that are done with."""

from __future__ import annotations

import mmap
import os
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from typing import IO, TypeVar

Item = TypeVar("Item")

# About so much of a file is in memory at once.
SPAN = 32 << 20

# What is written of a file at once before the system is asked to let go of it, and how much stays in memory.
_WRITTEN_LEN, _KEPT_LEN = 64 << 20, 512 << 20
# A disk that keeps its writers waiting for so long is left to the system.
_MOST_SECONDS = 0.25


def forget_pages(buffer: memoryview) -> None:
    """Let go of what was read of a mapped file: who asks for it again reads it again.

    Nothing happens to a buffer of any other kind. Without this a file ends up in memory whole, because the system
    fetches what lies around a byte together with it.
    """
    mapped = buffer.obj
    if isinstance(mapped, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)


def letting_go(items: Iterable[Item], buffers: Collection[memoryview], *, every: int) -> Iterator[Item]:
    """The same items: behind ``every`` so many, and the last, what was read of ``buffers`` is let go of."""
    for number, item in enumerate(items, 1):
        yield item
        if number % every == 0:
            _forget_all(buffers)
    _forget_all(buffers)


def _forget_all(buffers: Iterable[memoryview]) -> None:
    for buffer in buffers:
        forget_pages(buffer)


def give_back_freed() -> None:
    """Let the memory of what was freed go back to the system.

    glibc keeps arrays of less than 32 MB for those that come after them (mallopt(3), M_MMAP_THRESHOLD). Nothing
    happens with another C library.
    """
    import ctypes

    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def write_large(sink: IO[bytes], pieces: Iterable[bytes | memoryview]) -> None:
    """Write pieces one behind the other; of a very large file the system keeps no copy, where the disk is fast enough.

    Memory for all of it would first be taken from other files, such as the capture, and takes longer to get than the
    disk takes (posix_fadvise(2), POSIX_FADV_DONTNEED, begins to write what is not on the disk yet).
    """
    written, asked, can_forget = 0, 0, hasattr(os, "posix_fadvise")
    for piece in pieces:
        sink.write(piece)
        written += len(piece)
        if can_forget and written >= max(asked + _WRITTEN_LEN, _KEPT_LEN):
            begun, first = time.monotonic(), max(asked - _KEPT_LEN, 0)
            try:
                os.posix_fadvise(sink.fileno(), first, written - first, os.POSIX_FADV_DONTNEED)
            except OSError:
                # No file: a pipe, or a terminal.
                can_forget = False
            asked, can_forget = written, can_forget and time.monotonic() - begun < _MOST_SECONDS
