"""A file without a name, for what is too large for memory: gone with whoever holds it, however the run ends."""

from __future__ import annotations

import mmap
import os
from tempfile import TemporaryFile

from analyzer.base.errors import OutputError
from analyzer.base.partial import has_no_room


class Scratch:
    """Bytes are written to its end, and read by mapping it. It lies in the system's folder for temporary files.

    Of a fork both processes see one file. Raises ``OutputError`` where there is no room.
    """

    _descriptor = -1

    def __init__(self) -> None:
        try:
            with TemporaryFile(buffering=0) as file:
                self._descriptor = os.dup(file.fileno())
        except OSError as error:
            raise _no_room(error) from None
        # How many times all was forgotten.
        self.cleared = 0

    def __del__(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)

    def write(self, data: memoryview | bytes) -> None:
        """Add bytes."""
        left = memoryview(data)
        try:
            while left:
                left = left[os.write(self._descriptor, left) :]
        except OSError as error:
            if has_no_room(error):
                raise _no_room(error) from None
            raise

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


def _no_room(error: OSError) -> OutputError:
    return OutputError(f"temporary files: {error.strerror}: set TMPDIR to a folder with more room")
