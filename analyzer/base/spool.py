"""Bytes of which nobody knows how many will come: in memory while they are few, in a file without a name else."""

from __future__ import annotations

from analyzer.base.scratch import Scratch

# More bytes go to a file.
IN_MEMORY_LEN = 32 << 20
# So many are then written at once.
_BLOCK_LEN = 1 << 20


class Spool:
    """Takes bytes one behind another, until it is closed. Raises ``OutputError`` where there is no room for them."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._file: Scratch | None = None
        self._stored = 0

    def __len__(self) -> int:
        return self._stored + len(self._held)

    def add(self, data: bytes | memoryview) -> None:
        """Take more bytes; where there is no room, none of them."""
        if len(self._held) + len(data) <= (_BLOCK_LEN if self._file else IN_MEMORY_LEN):
            self._held += data
        else:
            self._store_held()
            self._store(data)

    def close(self) -> None:
        """Nothing comes any more."""
        if self._file is not None:
            self._store_held()

    def whole(self) -> memoryview:
        """All bytes of a spool that was closed, mapped where they are many; else those before what had no room."""
        if self._file is None or not self._stored:
            return memoryview(self._held)
        return self._file.mapped()[: self._stored]

    def _store_held(self) -> None:
        self._store(self._held)
        self._held = bytearray()

    def _store(self, data: bytearray | bytes | memoryview) -> None:
        self._file = self._file or Scratch()
        self._file.write(memoryview(data))
        self._stored += len(data)
