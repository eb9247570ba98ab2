"""Which rows say the same: classes of rows of numbers and texts, as they come to be known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from analyzer.base.table import I64, U8

# So many classes are told apart, and looked up in a table of so many slots.
_MAX_CLASSES, _SLOTS = 1 << 14, 1 << 16
# So many bytes of their texts are kept.
_KEPT_LEN = 1 << 23
# What is as full as this may soon have no room for what is usual.
_FULL = 0.5
# FNV-1a, 32 bits wide.
_HASH_BASIS, _HASH_PRIME, _LOW_32 = 0x811C9DC5, 0x01000193, 0xFFFFFFFF
_MAX_PROBES = 32


class Run(Protocol):
    """Runs a kernel."""

    def __call__(self, kernel: Callable[..., int], *arguments: Any) -> int:
        """Run it with these arguments; gives what it gives."""


class Classes:
    """Numbers rows of so many ``numbers`` and ``texts``, and keeps the texts of each class.

    So a class holds for rows of other captures, too.
    """

    def __init__(self, numbers: int, texts: int, *, most: int = _MAX_CLASSES, kept_len: int = _KEPT_LEN) -> None:
        self._slots = np.full(_SLOTS, -1)
        self._known = np.zeros((most, 1 + numbers + 2 * texts), np.int64)
        self._kept = np.zeros(kept_len, np.uint8)
        self._counts = np.zeros(2, np.int64)

    @property
    def is_full(self) -> bool:
        """Whether there may soon be no room for other classes."""
        return bool((self._counts > _FULL * np.array([len(self._known), len(self._kept)])).any())

    def of(self, run: Run, data: U8, rows: I64, begins: I64) -> I64:
        """The class of each row ``(N,)``, as ``tell_apart`` tells it."""
        classes = np.empty(len(rows), np.int64)
        run(tell_apart, data, rows, begins, self._slots, self._known, self._kept, self._counts, classes)
        return classes


def tell_apart(data: U8, rows: I64, begins: I64, slots: I64, known: I64, kept: U8, counts: I64, classes: I64) -> int:
    """Kernel: the class of each row; gives how many classes are known then.

    A row has numbers, of which the last ones are the lengths of its texts, -1 for none; ``begins`` has where these lie
    in ``data``. Rows that are equal in all are of one class, whose row stands in ``known`` between its hash and where
    its texts lie in ``kept``. ``counts`` are how many classes are known, and how many bytes are kept. ``slots``, a
    power of two, have the classes by hash, and -1. A row for which no class can be found or made near its slot, as
    where somebody makes hashes equal, or without room for it, has -1.
    """
    width, texts = rows.shape[1], begins.shape[1]
    for row in range(len(classes)):
        key, size = _HASH_BASIS, 0
        for column in range(width):
            key = ((key ^ (rows[row, column] & _LOW_32)) * _HASH_PRIME) & _LOW_32
        for text in range(texts):
            length = max(rows[row, width - texts + text], 0)
            for byte in range(begins[row, text], begins[row, text] + length):
                key = ((key ^ data[byte]) * _HASH_PRIME) & _LOW_32
            size += length
        each = differs = -1
        for probe in range(key, key + _MAX_PROBES):
            slot = probe & (len(slots) - 1)
            each = slots[slot]
            if each < 0:
                break
            differs = known[each, 0] - key
            for column in range(width):
                differs |= known[each, 1 + column] - rows[row, column]
            for text in range(texts):
                shift = known[each, 1 + width + text] - begins[row, text]
                length = 0 if differs else rows[row, width - texts + text]
                for byte in range(begins[row, text], begins[row, text] + length):
                    differs |= data[byte] ^ kept[byte + shift]
            if not differs:
                break
        classes[row] = -1 if differs else each
        if each < 0 and counts[0] < len(known) and counts[1] + size <= len(kept):
            each = classes[row] = slots[slot] = counts[0]
            known[each, 0] = key
            for column in range(width):
                known[each, 1 + column] = rows[row, column]
            for text in range(texts):
                known[each, 1 + width + text] = counts[1]
                for byte in range(begins[row, text], begins[row, text] + rows[row, width - texts + text]):
                    kept[counts[1]] = data[byte]
                    counts[1] += 1
            counts[0] += 1
    return int(counts[0])
