"""Lines of a large run that were kept in lots, written in the order of the whole run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from analyzer.base.kernel import run_kernel
from analyzer.base.pages import SPAN, forget_pages
from analyzer.base.ranks import order_of
from analyzer.base.scratch import Scratch
from analyzer.base.table import I64, U8
from analyzer.report.line_rows import fill_lines
from analyzer.report.spill import Lines

# So many bytes are put together at once: a kernel costs some microseconds to call, more do not fit a cache.
_PIECE_LEN = 1 << 21
# A compile takes as long as plain Python for so many bytes.
_COMPILE_LEN = 1 << 25
# The kernel is compiled for so many files, or twice as many, ...: not for each number of processes.
_FILES = 8


class Merged:
    """The lines of all lots, ``parts``, each in one of ``files``.

    ``numbers`` ``(N,)`` has the place of each line among all, from 1 on, part after part.
    """

    def __init__(self, parts: Sequence[Lines], files: Sequence[Scratch]) -> None:
        self._parts = parts
        self._files = files
        self._size = sum(part.size for part in parts)
        self._order = order_of(_joined_keys(parts))
        self.numbers: I64 = np.empty(len(self._order), np.int64)
        self.numbers[self._order] = np.arange(1, len(self._order) + 1)

    def __len__(self) -> int:
        return len(self._order)

    def pieces(self) -> Iterator[memoryview]:
        """The lines in order, many in a piece."""
        places = {file: place for place, file in enumerate(dict.fromkeys(self._files))}
        buffers = [file.mapped() for file in places]
        files = *(np.frombuffer(buffer, np.uint8) for buffer in buffers), *_padding(len(buffers))
        words = tuple(file.view(np.int64) for file in files)
        lines = self._column([places[file] for file in self._files]), self._column([part.begin for part in self._parts])
        rows = _joined(part.rows for part in self._parts)[self._order]
        room_len, written = _PIECE_LEN, np.zeros(1, np.int64)
        first = read = 0
        while first < len(rows):
            room = np.empty(room_len, np.uint8)
            arguments = files, words, (*lines, rows), first, room, written
            stop = run_kernel(fill_lines, self._size, *arguments, compile_rows=_COMPILE_LEN)
            size = int(written[0])
            if stop == first:
                room_len *= 2
            elif size:
                yield room[:size].data
            first = stop
            read += size
            if read > SPAN:
                for buffer in buffers:
                    forget_pages(buffer)
                read = 0

    def _column(self, values: Sequence[int]) -> I64:
        """What each line has of its part, in order."""
        column: I64 = np.repeat(values, [len(part) for part in self._parts])[self._order]
        return column


def _padding(count: int) -> list[U8]:
    return [np.empty(0, np.uint8)] * (-count % _FILES)


def _joined(columns: Iterable[I64]) -> I64:
    return np.concatenate([np.empty(0, np.int64), *columns])


def _joined_keys(parts: Sequence[Lines]) -> I64:
    """The keys of all parts, with the places of clients' addresses among all instead of those in a part."""
    ranks = {ip: rank for rank, ip in enumerate(sorted({ip for part in parts for ip in part.ips}))}
    columns = [np.empty((4, 0), np.int64)]
    for part in parts:
        own = np.array([ranks[ip] for ip in part.ips], np.int64)
        columns.append(np.stack([part.times_ns, own[part.keys[0]], part.keys[1], part.keys[2]]))
    return np.concatenate(columns, axis=1)
