"""Memory that is given back to the system: pages of mapped files, and arrays that are done with."""

from __future__ import annotations

import mmap
from contextlib import suppress

# About so much of a file is in memory at once.
SPAN = 32 << 20


def forget_pages(buffer: memoryview) -> None:
    """Let go of what was read of a mapped file: who asks for it again reads it again.

    Nothing happens to a buffer of any other kind. Without this a file ends up in memory whole, because the system
    fetches what lies around a byte together with it.
    """
    mapped = buffer.obj
    if isinstance(mapped, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)


def give_back_freed() -> None:
    """Let the memory of what was freed go back to the system.

    glibc keeps arrays of less than 32 MB for those that come after them (mallopt(3), M_MMAP_THRESHOLD). Nothing
    happens with another C library.
    """
    import ctypes

    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
