"""Rows of the page's table that its script makes when they are scrolled to: JSON that is safe inside HTML."""

from __future__ import annotations

from collections.abc import Iterable

from analyzer.report.inert_json import cell, encoded
from analyzer.report.phrase import VERDICT_ORDER, verdict_word
from analyzer.report.view import RowView

# What the rows may take of the page.
MOST_BYTES = 2_400_000


class _Words:
    """Strings by their number, in the order in which they came, and what they take."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.size = 0

    def number_of(self, text: str) -> int:
        """The number of a string as it is shown."""
        word = cell(text)
        if word not in self.numbers:
            self.numbers[word] = len(self.numbers)
            self.size += len(word) + 3
        return self.numbers[word]


def row_data(rows: Iterable[RowView]) -> str:
    """``{"words": [...], "rows": [[...], ...], "left": N}``: strings that repeat are numbers into ``words``.

    A row is ``[source, target, sent, others, verdict, reason, seen, disagrees, calls, first call, its packets]``;
    source, target, verdict, reason and seen are numbers. ``left`` rows did not fit. ``<``, ``>`` and ``&`` stand
    escaped, so that no text from the wire ends the element that holds this (HTML, section 4.12.1.3).
    """
    words, size, left, told = _Words(), 0, 0, []
    for verdict in VERDICT_ORDER:
        words.number_of(verdict_word(verdict))
    for row in rows:
        if size + words.size > MOST_BYTES:
            left += 1
            continue
        told.append(encoded(_line(row, words)))
        size += len(told[-1]) + 1
    return f'{{"words":{encoded(list(words.numbers))},"rows":[{",".join(told)}],"left":{left}}}'


def _line(row: RowView, words: _Words) -> list[object]:
    return [
        words.number_of(row.source),
        words.number_of(row.target),
        cell(row.sent),
        row.others,
        words.number_of(row.verdict),
        words.number_of(row.reason),
        words.number_of(row.seen),
        int(row.disagrees),
        row.count,
        cell(row.first_call),
        cell(row.packets),
    ]
