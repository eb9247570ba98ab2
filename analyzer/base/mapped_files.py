"""Files mapped one behind another: they are one buffer of any size, and none of their bytes is copied.

A range of addresses is reserved, and each file mapped into it from a page's beginning on, where the one before it has
ended (mmap(2), MAP_FIXED). What is left of a file's last page is zeros.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import numpy as np

from analyzer.base.shrinking import survive_shrinking

# The same number on Linux and macOS (sys/mman.h); Python does not name it.
_MAP_FIXED = 0x10
_FAILED = ctypes.c_void_p(-1).value


class FilePart(NamedTuple):
    """Where a file lies in a buffer; ``path`` and ``identity`` (device and inode) are known where it is mapped."""

    begin: int
    end: int
    path: Path | None = None
    identity: tuple[int, int] | None = None

    @property
    def lost(self) -> int:
        """How many of its bytes the file has no more. One that had none has lost what it was mapped for."""
        if self.path is None:
            return 0
        with suppress(OSError):
            status = self.path.stat()
            if _identity(status) == self.identity:
                return max(max(self.end - self.begin, 1) - status.st_size, 0)
        # Another file has its name, or none: what is mapped stays as it was.
        return 0

    @contextmanager
    def opened(self) -> Iterator[int | None]:
        """The file's descriptor, to read what is mapped; None where the file cannot be opened again."""
        descriptor = None
        if self.path is not None:
            with suppress(OSError):
                descriptor = os.open(self.path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        try:
            same = descriptor is not None and _identity(os.fstat(descriptor)) == self.identity
            yield descriptor if same else None
        finally:
            if descriptor is not None:
                os.close(descriptor)


class MappedFiles(mmap.mmap):
    """Several files as one mapping, read-only; ``parts`` tells where each of them lies."""

    parts: tuple[FilePart, ...]

    def size(self) -> int:
        """How many bytes there are by now, with the rests of pages: less than its length where files have lost some."""
        return len(self) - sum(part.lost for part in self.parts)

    def left(self) -> tuple[FilePart, ...]:
        """The parts that files still have."""
        parts = (part._replace(end=max(part.end - part.lost, part.begin)) for part in self.parts)
        return tuple(part for part in parts if part.end > part.begin)


def can_map_files() -> bool:
    """Whether this system maps files side by side, and has addresses for many of them."""
    return sys.platform in ("linux", "darwin") and sys.maxsize >= 1 << 32


def map_files(paths: Sequence[Path]) -> MappedFiles:
    """The files as one buffer. Raises ``OSError`` where one cannot be opened, or there are no addresses for them."""
    sizes = [path.stat().st_size for path in paths]
    begins = np.cumsum([0, *(max(_whole_pages(size), mmap.PAGESIZE) for size in sizes)]).tolist()
    mapped = MappedFiles(-1, begins[-1], flags=mmap.MAP_PRIVATE | mmap.MAP_ANON, prot=mmap.PROT_READ)
    mapped.parts = tuple(
        _map_at(mapped, path, begin, size) for path, begin, size in zip(paths, begins, sizes, strict=False)
    )
    return mapped


def part_of(path: Path, size: int, descriptor: int) -> FilePart:
    """A file of which all ``size`` bytes are one mapping, by its open descriptor."""
    return FilePart(0, size, path, _identity(os.fstat(descriptor)))


def _map_at(mapped: MappedFiles, path: Path, begin: int, size: int) -> FilePart:
    """Map what a file has, and at most ``size`` bytes of it, into its place."""
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        end = begin + min(size, status.st_size)
        if end > begin:
            _map_over(mapped, begin, end, file.fileno())
            survive_shrinking(mapped, begin, end)
    return FilePart(begin, end, path, _identity(status))


def _map_over(mapped: MappedFiles, begin: int, end: int, descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    address = int(np.frombuffer(mapped, np.uint8).__array_interface__["data"][0])
    found = libc.mmap(
        ctypes.c_void_p(address + begin), ctypes.c_size_t(end - begin), mmap.PROT_READ,
        mmap.MAP_SHARED | _MAP_FIXED, descriptor, ctypes.c_long(0),
    )  # fmt: skip
    if found == _FAILED:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _whole_pages(size: int) -> int:
    return -(-size // mmap.PAGESIZE) * mmap.PAGESIZE


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino
