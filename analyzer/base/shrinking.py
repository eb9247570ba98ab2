"""Mapped files that become shorter while they are read: what they lost reads as zeros, where the system would kill us.

A page of a mapping that lies behind the end of its file raises SIGBUS (mmap(2)), and a file ends early when somebody
truncates it: ``tcpdump -W`` does so to the oldest file of a ring. Nothing but a handler of that signal helps: any check
before a read comes too early. The handler puts empty pages in the place of those that are gone, and the read goes on.
"""

from __future__ import annotations

import ctypes
import mmap
import signal
import sys
from contextlib import suppress
from functools import cache
from typing import Any

import numpy as np

# struct sigaction and siginfo_t of Linux on 64 bits, as glibc and musl lay them out (sigaction(2)).
_SIGSET_LEN = 128
_SA_SIGINFO = 4
_MAP_FIXED = 0x10


class _SignalInfo(ctypes.Structure):
    _fields_ = (("numbers", ctypes.c_int * 4), ("address", ctypes.c_size_t))


_Handler = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.POINTER(_SignalInfo), ctypes.c_void_p)


class _SignalAction(ctypes.Structure):
    _fields_ = (
        ("handler", _Handler),
        ("mask", ctypes.c_char * _SIGSET_LEN),
        ("flags", ctypes.c_int),
        ("restorer", ctypes.c_void_p),
    )


class _Guard:
    """The handler, and the mappings that it looks after, as (first address, address behind the last)."""

    def __init__(self) -> None:
        self.ranges: list[tuple[int, int]] = []
        self._libc = ctypes.CDLL(None)
        self._libc.mmap.restype = ctypes.c_void_p
        # The system keeps the address of the handler: it must live as long as the process.
        self._handler = _Handler(self._on_bus_error)
        self._action = _SignalAction(self._handler, b"", _SA_SIGINFO, None)

    def look_after(self, begin: int, end: int) -> None:
        """Take on one more mapping, and the signal: since the last time somebody else may have taken that."""
        self.ranges.append((begin, end))
        self._libc.sigaction(signal.SIGBUS, ctypes.byref(self._action), None)

    def _on_bus_error(self, number: int, info: Any, _: object) -> None:
        address = info.contents.address
        # A later mapping may lie where an earlier one was.
        for begin, end in reversed(self.ranges):
            if begin <= address < end:
                page = address - address % mmap.PAGESIZE
                self._libc.mmap(
                    ctypes.c_void_p(page), ctypes.c_size_t(end - page), mmap.PROT_READ,
                    mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _MAP_FIXED, -1, ctypes.c_long(0),
                )  # fmt: skip
                return
        # Not ours: the instruction is tried again, and the system does what it always does.
        self._libc.signal(number, None)


@cache
def _guard() -> _Guard:
    return _Guard()


def survive_shrinking(mapped: mmap.mmap, begin: int = 0, end: int | None = None) -> None:
    """From now on a page of ``mapped`` that its file has lost reads as zeros. Only Linux is known that well.

    The file lies from ``begin`` to ``end``, which is where the mapping ends if it is not given.
    """
    if sys.platform != "linux" or sys.maxsize < 1 << 32 or not len(mapped):
        return
    address = int(np.frombuffer(mapped, np.uint8).__array_interface__["data"][0])
    _guard().look_after(address + begin, address + (len(mapped) if end is None else end))


def has_shrunk(buffer: memoryview) -> bool:
    """Whether the file that ``buffer`` is a mapping of, if it is one, is shorter by now."""
    mapped = buffer.obj
    with suppress(OSError, ValueError):
        return isinstance(mapped, mmap.mmap) and mapped.size() < len(mapped)
    return False
