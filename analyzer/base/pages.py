"""Memory that is given back to the system: pages of mapped files, and arrays that are done with."""

from __future__ import annotations

import mmap
from contextlib import suppress

# glibc, malloc.h.
_M_MMAP_THRESHOLD = -3
_LARGE = 1 << 20


def forget_pages(buffer: memoryview) -> None:
    """Let go of what was read of a mapped file: who asks for it again reads it again.

    Nothing happens to a buffer of any other kind. Without this a file ends up in memory whole, because the system
    fetches what lies around a byte together with it.
    """
    mapped = buffer.obj
    if isinstance(mapped, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)


def give_back_freed_arrays() -> None:
    """Let large arrays go back to the system when they are freed, for as long as the process lives.

    glibc keeps what is smaller than a threshold, which rises to 32 MB as arrays come and go (mallopt(3)). Nothing
    happens with another C library.
    """
    import ctypes

    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE)
