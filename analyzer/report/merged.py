"""Lines of a large run that were written in lots, read in the order of the whole run: a copy of memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from analyzer.base.kernel import run_kernel
from analyzer.base.pages import SPAN, forget_pages
from analyzer.base.ranks import order_of
from analyzer.base.scratch import Scratch
from analyzer.base.table import I32, I64, U8
from analyzer.report.spill import HIDDEN, Lines

# About so many bytes are put together at once: a kernel costs some microseconds to call, more do not fit a cache.
_PIECE_LEN = 1 << 21
# No number of 63 bits has more digits.
_NUMBER_LEN = 19
# The kernel is compiled for so many files, or twice as many, ...: not for each number of processes.
_FILES = 8
_ZERO = ord("0")


class Merged:
    """The lines of all lots, ``parts``, each in one of ``files``.

    ``numbers`` ``(N,)`` has the place of each line among all, from 1 on, part after part.
    """

    def __init__(self, parts: Sequence[Lines], files: Sequence[Scratch]) -> None:
        self._parts = parts
        self._files = files
        self._order = order_of(_joined_keys(parts))
        self.numbers: I64 = np.empty(len(self._order), np.int64)
        self.numbers[self._order] = np.arange(1, len(self._order) + 1)

    def __len__(self) -> int:
        return len(self._order)

    def pieces(self, opening: bytes, *, numbered: bool) -> Iterator[memoryview]:
        """The lines in order, many in a piece: each behind ``opening``, and its number where it is ``numbered``."""
        places = {file: place for place, file in enumerate(dict.fromkeys(self._files))}
        buffers = [file.mapped() for file in places]
        files = *(np.frombuffer(buffer, np.uint8) for buffer in buffers), *_padding(len(buffers))
        file_of = np.repeat([places[file] for file in self._files], [len(part) for part in self._parts])[self._order]
        starts = _joined(map(_starts, self._parts))[self._order]
        lengths = _joined(part.lengths for part in self._parts)[self._order]
        mark = np.frombuffer(opening, np.uint8)
        ends = np.cumsum(np.where(lengths == HIDDEN, 0, lengths + len(opening) + _NUMBER_LEN))
        first = read = 0
        while first < len(ends):
            begin = int(ends[first - 1]) if first else 0
            last = max(int(np.searchsorted(ends, begin + _PIECE_LEN, side="right")), first + 1)
            out = np.empty(int(ends[last - 1]) - begin, np.uint8)
            lines = file_of[first:last], starts[first:last], lengths[first:last]
            size = run_kernel(copy_lines, len(out), files, *lines, mark, first + 1 if numbered else 0, out)
            yield out[:size].data
            first = last
            read += size
            if read > SPAN:
                for buffer in buffers:
                    forget_pages(buffer)
                read = 0


def copy_lines(
    files: tuple[U8, ...], file_of: I64, starts: I64, lengths: I64, opening: U8, number: int, out: U8
) -> int:
    """Kernel: lines one behind the other into ``out``, each behind ``opening`` and its number; gives their length.

    Line i has ``lengths[i]`` bytes from ``starts[i]`` on in file ``file_of[i]``; where that is negative it is left out.
    Its number is ``number + i``, in decimal digits; there are none where ``number`` is 0.
    """
    at = 0
    for row in range(len(starts)):
        length = lengths[row]
        if length < 0:
            continue
        for i in range(len(opening)):
            out[at + i] = opening[i]
        at += len(opening)
        if number > 0:
            end = at + 1
            rest = (number + row) // 10
            while rest > 0:
                end += 1
                rest //= 10
            rest = number + row
            for i in range(end - at):
                out[end - 1 - i] = _ZERO + rest % 10
                rest //= 10
            at = end
        line = files[file_of[row]][starts[row] : starts[row] + length]
        place = out[at : at + length]
        for i in range(length):
            place[i] = line[i]
        at += length
    return at


def _padding(count: int) -> list[U8]:
    return [np.empty(0, np.uint8)] * (-count % _FILES)


def _starts(part: Lines) -> I64:
    shown = np.maximum(part.lengths, 0).astype(np.int64)
    starts: I64 = part.begin + np.cumsum(shown) - shown
    return starts


def _joined(columns: Iterable[I32 | I64]) -> I64:
    return np.concatenate([np.empty(0, np.int64), *columns])


def _joined_keys(parts: Sequence[Lines]) -> I64:
    """The keys of all parts, with the places of clients' addresses among all instead of those in a part."""
    ranks = {ip: rank for rank, ip in enumerate(sorted({ip for part in parts for ip in part.ips}))}
    columns = [np.empty((4, 0), np.int64)]
    for part in parts:
        own = np.array([ranks[ip] for ip in part.ips], np.int64)
        columns.append(np.stack([part.times_ns, own[part.keys[0]], part.keys[1], part.keys[2]]))
    return np.concatenate(columns, axis=1)
