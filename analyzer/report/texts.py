"""Texts one behind the other, each known by a number: what a kernel puts lines together from."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analyzer.base.table import I64


class Mark(NamedTuple):
    """How many texts there were, and bytes of them."""

    texts: int
    size: int


class Texts:
    """A growing table of texts in UTF-8. The empty one is number 0."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._spans = array("q", (0, 0))
        self._known: dict[str, int] = {"": 0}

    def __len__(self) -> int:
        return len(self._spans) // 2

    @property
    def size(self) -> int:
        """How many bytes all have together."""
        return len(self._data)

    def number(self, text: str) -> int:
        """The number of a text that is kept, and has one number however often it is asked for."""
        found = self._known.get(text)
        if found is None:
            found = self._known[text] = self.add(text.encode())
        return found

    def add(self, data: bytes) -> int:
        """A new number for these bytes."""
        self._spans.extend((len(self._data), len(data)))
        self._data += data
        return len(self) - 1

    def add_all(self, data: bytes, lengths: I64) -> I64:
        """New numbers for texts that follow each other in ``data``, of these ``lengths``, ``(N,)``."""
        first, ends = len(self), np.cumsum(lengths)
        begins = len(self._data) + ends - lengths
        self._spans.frombytes(np.stack([begins, lengths], axis=1).tobytes())
        self._data += data
        return np.arange(first, first + len(lengths))

    def add_names(self, names: NDArray[np.bytes_]) -> I64:
        """New numbers for texts that are all of one length."""
        return self.add_all(names.tobytes(), np.full(len(names), names.itemsize))

    def add_texts(self, texts: Sequence[str]) -> I64:
        """New numbers for texts."""
        data = "".join(texts)
        lengths = list(map(len, texts)) if data.isascii() else [len(text.encode()) for text in texts]
        return self.add_all(data.encode(), np.array(lengths, np.int64))

    def mark(self) -> Mark:
        """Where ``cut`` goes back to."""
        return Mark(len(self), self.size)

    def cut(self, mark: Mark) -> None:
        """Forget the texts that came since; none of them may have come by ``number``."""
        del self._spans[2 * mark.texts :], self._data[mark.size :]

    def since(self, first: int) -> tuple[bytes, I64]:
        """The bytes of texts from number ``first`` on, and where each lies in them: ``(T, 2)`` begins and lengths.

        Copies: what were a view of the table would keep it from growing for as long as anyone has it, and a profiler
        that looks at the frames of a thread, as a dask worker does, has what was a function's after its end.
        """
        spans = np.array(self._spans[2 * first :], np.int64).reshape(-1, 2)
        begin = int(spans[0, 0]) if len(spans) else self.size
        return bytes(self._data[begin:]), spans - (begin, 0)
