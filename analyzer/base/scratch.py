"""A file without a name, for what is too large for memory: gone with whoever holds it, however the run ends."""

from __future__ import annotations

import mmap
import os
from tempfile import TemporaryFile


class Scratch:
    """Bytes are written to its end, and read by mapping it. It lies in the system's folder for temporary files.

    Of a fork both processes see one file. Raises ``OSError`` where there is no room.
    """

    def __init__(self) -> None:
        with TemporaryFile(buffering=0) as file:
            self._descriptor = os.dup(file.fileno())
        # How many times all was forgotten.
        self.cleared = 0

    def __del__(self) -> None:
        os.close(self._descriptor)

    def write(self, data: memoryview | bytes) -> None:
        """Add bytes."""
        left = memoryview(data)
        while left:
            left = left[os.write(self._descriptor, left) :]

    def tell(self) -> int:
        """How much was written, by whichever process."""
        return os.lseek(self._descriptor, 0, os.SEEK_CUR)

    def clear(self) -> None:
        """Forget all that was written; what was mapped of it must not be read any more."""
        self.cleared += 1
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)

    def mapped(self) -> memoryview:
        """All that was written, read-only; ``pages.forget_pages`` lets go of what was read of it."""
        if not os.fstat(self._descriptor).st_size:
            return memoryview(b"")
        return memoryview(mmap.mmap(self._descriptor, 0, access=mmap.ACCESS_READ))
