"""A file's bytes a stretch at a time, in one place of memory that stays in the processor's cache.

Bytes of a mapped file are fetched page by page, each with a fault, and come from memory again for every reader; who
reads a file once from front to back has them in half the time from here.
"""

from __future__ import annotations

import os

import numpy as np

from analyzer.base.pages import SPAN
from analyzer.base.table import U8
from analyzer.capture.gather import as_bytes, forget

# What is read of a file at once: less than the processor's cache, and more than any record.
BLOCK_LEN = 4 << 20


class Blocks:
    """The bytes of ``buffer``; ``file`` is the descriptor of the file that it is a mapping of, where there is one.

    The file may begin later in the buffer, at ``file_at``; it ends where the buffer does.
    """

    def __init__(self, buffer: memoryview, file: int | None = None, *, file_at: int = 0) -> None:
        self._whole = as_bytes(buffer)
        self._file = file if hasattr(os, "preadv") else None
        self._file_at = file_at
        self._block = np.empty(0 if self._file is None else min(BLOCK_LEN, len(buffer) - file_at), np.uint8)

    def __len__(self) -> int:
        return len(self._whole)

    def at(self, begin: int) -> U8:
        """The bytes from ``begin`` on, until the end or at least as many as a record may have; valid until asked again.

        What the file has lost since it was mapped is zeros.
        """
        if self._file is None:
            forget(self._whole)
            return self._whole[begin : begin + SPAN]
        block = self._block[: len(self) - begin]
        filled, at = 0, begin - self._file_at
        while filled < len(block) and (count := os.preadv(self._file, [block[filled:].data], at + filled)):
            filled += count
        block[filled:] = 0
        # One type of array for all kernels: mapped bytes cannot be written.
        found = block.view()
        found.flags.writeable = False
        return found
