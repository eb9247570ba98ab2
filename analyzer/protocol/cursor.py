"""A bounded reader for TLS and DER structures: every length is checked against what is there."""

from __future__ import annotations


class MalformedError(Exception):
    """A structure is shorter than it says; caught by the parser that began reading it, never seen outside."""


class Cursor:
    """Pulls big-endian integers and length-prefixed vectors (RFC 8446 section 3.4) from ``data``."""

    __slots__ = ("_data", "_end", "_position")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0
        self._end = len(data)

    def __bool__(self) -> bool:
        return self._position < self._end

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes; raises ``MalformedError`` where there are fewer."""
        begin = self._position
        if self._end - begin < size:
            raise MalformedError
        self._position = begin + size
        return self._data[begin : begin + size]

    def integer(self, size: int) -> int:
        """The next ``size`` bytes as a number."""
        return int.from_bytes(self.take(size), "big")

    def vector(self, length_size: int) -> bytes:
        """A vector whose length stands before it in ``length_size`` bytes."""
        return self.take(self.integer(length_size))
