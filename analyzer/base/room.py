"""Memory that a process shares with the forks that it makes: arrays that one of them fills are there without a copy."""

from __future__ import annotations

import mmap
import pickle
from collections.abc import Callable
from io import BytesIO
from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

# Makes an array of zeros, ``(N,)``: ``numpy.zeros``, or a room's.
Zeros = Callable[[int, DTypeLike], NDArray[Any]]

# Where numbers may lie: no type of an array needs more.
_ALIGNED = 64


class Room:
    """So many bytes, of which the system gives those that are used. Raises ``OSError`` where there can be none."""

    def __init__(self, size: int) -> None:
        self._bytes = np.frombuffer(mmap.mmap(-1, size), np.uint8)
        self._begin = _address(self._bytes)
        self._used = 0

    def zeros(self, rows: int, dtype: DTypeLike) -> NDArray[Any]:
        """An array of zeros in this room; outside where it is full."""
        kind = np.dtype(dtype)
        begin, end = self._used, self._used + rows * kind.itemsize
        if end > len(self._bytes):
            return np.zeros(rows, kind)
        self._used = -(-end // _ALIGNED) * _ALIGNED
        return self._bytes[begin:end].view(kind)

    def pack(self, value: object, buffer: memoryview) -> bytes:
        """A value for ``unpack``: arrays in this room are told by where they lie; ``buffer`` is there as well."""
        sink = BytesIO()
        _Packer(sink, self, buffer).dump(value)
        return sink.getvalue()

    def unpack(self, packed: bytes, buffer: memoryview) -> Any:
        """What a fork packed."""
        return _Unpacker(BytesIO(packed), self, buffer).load()

    def kept(self, array: NDArray[Any]) -> NDArray[Any]:
        """A copy of an array, in this room where it is not full."""
        found = self.zeros(array.size, array.dtype).reshape(array.shape)
        found[...] = array
        return found

    def place_of(self, array: NDArray[Any]) -> tuple[int, tuple[int, ...], str] | None:
        """Where in this room an array lies, its shape and type; None outside, and where it is not laid out as in C."""
        begin = _address(array) - self._begin
        inside = array.flags.c_contiguous and 0 <= begin <= len(self._bytes) - array.nbytes
        return (begin, array.shape, array.dtype.str) if inside else None

    def array_at(self, begin: int, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
        """The array at such a place."""
        kind = np.dtype(dtype)
        return self._bytes[begin : begin + prod(shape) * kind.itemsize].view(kind).reshape(shape)


class _Packer(pickle.Pickler):
    def __init__(self, sink: BytesIO, room: Room, buffer: memoryview) -> None:
        super().__init__(sink, pickle.HIGHEST_PROTOCOL)
        self._room = room
        self._buffer = buffer

    def persistent_id(self, value: Any) -> tuple[int, tuple[int, ...], str] | tuple[()] | None:
        if isinstance(value, memoryview) and value.obj is self._buffer.obj and len(value) == len(self._buffer):
            return ()
        return self._room.place_of(value) if isinstance(value, np.ndarray) else None


class _Unpacker(pickle.Unpickler):
    def __init__(self, source: BytesIO, room: Room, buffer: memoryview) -> None:
        super().__init__(source)
        self._room = room
        self._buffer = buffer

    def persistent_load(self, place: Any) -> Any:
        return self._room.array_at(*place) if place else self._buffer


def _address(array: NDArray[Any]) -> int:
    return int(array.__array_interface__["data"][0])
