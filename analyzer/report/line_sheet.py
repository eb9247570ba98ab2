"""Lines made of patterns: a kernel writes each pattern's literals with the values of many lines between them."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from analyzer.base.kernel import run_kernel
from analyzer.base.table import I64, U8
from analyzer.report.texts import Texts

# So many bytes of lines are written together.
_BLOCK_LEN = 1 << 20
# A compile takes as long as plain Python for so many bytes.
_COMPILE_LEN = 1 << 25
_ZERO = ord("0")
# No number of an int64 that is not negative is longer.
_MOST_DIGITS = 19


class LinePattern(NamedTuple):
    """A line with holes: ``holes`` are names of values, each between two of ``literals``."""

    literals: Sequence[str]
    holes: Sequence[str]


class Block(NamedTuple):
    """Some lines that follow each other, with the length of each; ``rows`` are their places among all."""

    data: memoryview
    rows: slice
    lengths: I64


class LineSheet:
    """Writes lines by patterns. ``holes`` are all names that patterns may have; those of ``numbers`` hold integers.

    The others hold numbers of ``texts``.
    """

    def __init__(self, texts: Texts, holes: Sequence[str], numbers: Collection[str]) -> None:
        self._texts = texts
        self._holes = {name: place for place, name in enumerate(holes)}
        self._is_text = np.array([name not in numbers for name in holes], np.int64)
        # Of each pattern's literals the text and the hole behind it, -1 behind the last one; and how long all are.
        self._pieces = array("q")
        self._starts = array("q", (0,))
        self._lengths = array("q")

    def add(self, pattern: LinePattern) -> int:
        """The number of a new pattern; its literals stay among the texts."""
        places = [*(self._holes[name] for name in pattern.holes), -1]
        before = self._texts.size
        for literal, place in zip(pattern.literals, places, strict=True):
            self._pieces.extend((self._texts.add(literal.encode()), place))
        self._starts.append(len(self._pieces) // 2)
        self._lengths.append(self._texts.size - before)
        return len(self._lengths) - 1

    def blocks(self, patterns: I64, values: Mapping[str, I64]) -> Iterator[Block]:
        """The lines of these ``patterns`` ``(N,)`` with ``values`` ``(N,)`` by the names of their holes.

        Numbers must not be negative. A hole without a column is in none of the patterns. A block is gone when the next
        one is asked for.
        """
        columns = np.zeros((len(self._holes), len(patterns)), np.int64)
        for name, column in values.items():
            columns[self._holes[name]] = column
        pieces, starts, sizes = (np.frombuffer(each, np.int64) for each in (self._pieces, self._starts, self._lengths))
        sheet = pieces.reshape(-1, 2), starts, self._is_text
        rows = int(sizes[patterns].sum()) if len(patterns) else 0
        texts, lengths = self._texts.arrays(), np.empty(len(patterns), np.int64)
        room, first = np.empty(_BLOCK_LEN, np.uint8), 0
        while first < len(patterns):
            arguments = texts, sheet, patterns, columns, first, room, lengths
            stop = run_kernel(fill_lines, rows, *arguments, compile_rows=_COMPILE_LEN)
            if stop == first:
                room = np.empty(2 * len(room), np.uint8)
            else:
                size = int(lengths[first:stop].sum())
                yield Block(room[:size].data, slice(first, stop), lengths[first:stop])
                first = stop


def fill_lines(
    texts: tuple[U8, I64],
    sheet: tuple[I64, I64, I64],
    patterns: I64,
    columns: I64,
    first: int,
    room: U8,
    lengths: I64,
) -> int:
    """Kernel: write lines into ``room``, from ``first`` on, and their ``lengths``; gives the first one without room.

    ``texts`` are as ``Texts.arrays`` has them. ``sheet`` has pieces ``(P, 2)``, a text and the hole behind it or -1;
    where those of each pattern begin; and which holes are texts. ``columns`` ``(H, N)`` has the holes' values by line.
    """
    data, spans = texts
    pieces, starts, is_text = sheet
    written = 0
    for line in range(first, len(patterns)):
        begin = written
        for piece in range(starts[patterns[line]], starts[patterns[line] + 1]):
            at, size = spans[pieces[piece, 0], 0], spans[pieces[piece, 0], 1]
            if written + size + _MOST_DIGITS > len(room):
                return line
            # Loops over parts of arrays are those that a compiler makes fast.
            to, of = room[written : written + size], data[at : at + size]
            for i in range(len(to)):
                to[i] = of[i]
            written += size
            hole = pieces[piece, 1]
            if hole < 0:
                continue
            value = columns[hole, line]
            if is_text[hole]:
                at, size = spans[value, 0], spans[value, 1]
                if written + size > len(room):
                    return line
                to, of = room[written : written + size], data[at : at + size]
                for i in range(len(to)):
                    to[i] = of[i]
                written += size
                continue
            size, rest = 1, value // 10
            while rest:
                size, rest = size + 1, rest // 10
            for i in range(size):
                room[written + size - 1 - i] = _ZERO + value % 10
                value //= 10
            written += size
        lengths[line] = written - begin
    return len(patterns)
