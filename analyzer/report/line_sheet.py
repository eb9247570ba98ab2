"""Lines made of patterns: each pattern's literals with the values of many lines between them, as rows of a file."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from analyzer.base.scratch import Scratch
from analyzer.base.table import I64
from analyzer.report.line_rows import NUMBER, hole, stretches, write_texts, write_words
from analyzer.report.texts import Texts

# The hole that is the line's number among all.
NUMBERED = "number"


class LinePattern(NamedTuple):
    """A line with holes: ``holes`` are names of values, each between two of ``literals``."""

    literals: Sequence[str]
    holes: Sequence[str]


class Written(NamedTuple):
    """Lines in a file: the words where their rows begin, ``(N,)``, and about how many bytes all have."""

    rows: I64
    size: int


class LineSheet:
    """Writes rows of lines. ``holes`` are all names that patterns may have; those of ``numbers`` hold integers.

    The others hold numbers of ``texts``. Besides these there is ``NUMBERED``, of which no row has anything.
    """

    def __init__(self, texts: Texts, holes: Sequence[str], numbers: Collection[str]) -> None:
        self._texts = texts
        self._places = {name: place for place, name in enumerate((NUMBERED, *holes))}
        self._holes = {
            name: hole(place, is_text=place != NUMBER and name not in numbers) for name, place in self._places.items()
        }
        # The patterns one behind the other: numbers of texts, and holes. And how long the literals of each are.
        self._pieces = array("q")
        self._starts = array("q", (0,))
        self._lengths = array("q")
        # What is in the file already: texts and patterns, as words; and which file that is.
        self._of_texts = self._of_patterns = np.empty(0, np.int64)
        self._file: tuple[Scratch, int] | None = None

    def add(self, pattern: LinePattern) -> int:
        """The number of a new pattern; its literals stay among the texts."""
        before = self._texts.size
        for literal, name in zip(pattern.literals, (*pattern.holes, None), strict=True):
            self._pieces.append(self._texts.add(literal.encode()))
            if name is not None:
                self._pieces.append(self._holes[name])
        self._starts.append(len(self._pieces))
        self._lengths.append(self._texts.size - before)
        return len(self._lengths) - 1

    def write(self, file: Scratch, patterns: I64, values: Mapping[str, I64], *, kept: int) -> Written:
        """Write lines of these ``patterns`` ``(N,)`` with ``values`` ``(N,)`` by the names of their holes.

        Numbers must not be negative. A hole without a column is in none of the patterns. Only the first ``kept`` texts
        are there the next time. What is in the file already is not written again.
        """
        if self._file != (file, file.cleared):
            self._of_texts = self._of_patterns = np.empty(0, np.int64)
            self._file = file, file.cleared
        texts = self._with_texts(file)
        of_patterns = self._with_patterns(file, texts)
        rows = np.zeros((len(patterns), len(self._places)), np.int64)
        rows[:, NUMBER] = of_patterns[patterns]
        for name, column in values.items():
            is_text = self._holes[name] == hole(self._places[name], is_text=True)
            rows[:, self._places[name]] = texts[column] if is_text else column
        begin = write_words(file, rows)
        self._of_texts, self._of_patterns = texts[:kept], of_patterns
        size = int(np.array(self._lengths)[patterns].sum()) if len(patterns) else 0
        return Written(begin + rows.shape[1] * np.arange(len(rows)), size)

    def _with_texts(self, file: Scratch) -> I64:
        """All texts as words, those that are new written."""
        data, spans = self._texts.since(len(self._of_texts))
        begin = write_texts(file, data)
        return np.append(self._of_texts, stretches(spans[:, 0] + begin, spans[:, 1]))

    def _with_patterns(self, file: Scratch, texts: I64) -> I64:
        """All patterns as words, those that are new written."""
        starts = np.array(self._starts)[len(self._of_patterns) :]
        pieces = np.array(self._pieces[starts[0] :], np.int64)
        begin = write_words(file, np.where(pieces < 0, pieces, texts[np.maximum(pieces, 0)]))
        return np.append(self._of_patterns, stretches(starts[:-1] - starts[0] + begin, np.diff(starts)))
