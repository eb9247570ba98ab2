"""Lines as rows of a file, which a kernel writes where they go: once, in whatever order.

Such a file has words of 64 bits and, between them, texts. A line is a row of words, of which the first tells its
pattern. A pattern is a list of words: each a text, or a word below 0, which stands for what the line has in a place of
its row. A text is one word, where it begins and how long it is; and so is a pattern, counted in words. All begin where
the file of a lot does.
"""

from __future__ import annotations

import numpy as np

from analyzer.base.errors import OutputError
from analyzer.base.scratch import Scratch
from analyzer.base.table import I64, U8

WORD_LEN = 8
# How many bits of a word have a length; no file is longer than the others say.
_LEN_BITS = 26
_LEN = (1 << _LEN_BITS) - 1
# The place of what is in no row: the number of a line among all.
NUMBER = 0
# A row that is not shown.
HIDDEN = -1
_ZERO = ord("0")
# No number of an int64 that is not negative is longer.
_MOST_DIGITS = 19


def stretches(begins: I64, lengths: I64) -> I64:
    """Texts, or patterns, as words; raises ``OutputError`` where one is longer than a word can say."""
    longest = int(lengths.max(initial=0))
    if longest > _LEN:
        raise OutputError(f"found {longest} bytes in a line of the report, expected at most {_LEN}")
    return begins << _LEN_BITS | lengths


def hole(place: int, *, is_text: bool) -> int:
    """The word that stands for what a row has in a place: a text, or a number that is not negative."""
    return -1 - (2 * place + is_text)


def write_texts(file: Scratch, data: bytes) -> int:
    """Write texts, and what is missing of a word; gives where they begin."""
    begin = file.tell()
    file.write(data)
    fill_word(file)
    return begin


def fill_word(file: Scratch) -> None:
    """Write what is missing of the last word."""
    file.write(bytes(-file.tell() % WORD_LEN))


def write_words(file: Scratch, words: I64) -> int:
    """Write words; gives where they begin, counted in words."""
    begin = file.tell() // WORD_LEN
    file.write(np.ascontiguousarray(words).reshape(-1).view(np.uint8).data)
    return begin


def fill_lines(
    files: tuple[U8, ...],
    words: tuple[I64, ...],
    lines: tuple[I64, I64, I64],
    first: int,
    room: U8,
    written: I64,
) -> int:
    """Kernel: write lines into ``room``, from ``first`` on; gives the first one without room.

    ``written`` has how many bytes all before that have. ``files`` are given as bytes and as ``words``. ``lines`` are
    the file of each, where the file of its lot begins in that, and its row, counted in words; one that is ``HIDDEN``
    has a number and is left out. The first line has number 1.
    """
    file_of, begins, rows = lines
    size = 0
    for line in range(first, len(rows)):
        written[0] = size
        if rows[line] < 0:
            continue
        data, word, begin = files[file_of[line]], words[file_of[line]], begins[line]
        row = begin // WORD_LEN + rows[line]
        pattern = begin // WORD_LEN + (word[row] >> _LEN_BITS)
        for piece in range(pattern, pattern + (word[row] & _LEN)):
            text = word[piece]
            if text < 0:
                place = (-1 - text) >> 1
                value = word[row + place] if place > 0 else line + 1
                if -1 - text == 2 * place:
                    if size + _MOST_DIGITS > len(room):
                        return line
                    # What a compiler knows to be above 0 it divides in half the time.
                    digits, rest = 1, value
                    while rest > 9:
                        digits, rest = digits + 1, rest // 10
                    size += digits
                    end = size - 1
                    while value > 9:
                        room[end] = _ZERO + value % 10
                        end, value = end - 1, value // 10
                    room[end] = _ZERO + value
                    continue
                text = value
            at, length = begin + (text >> _LEN_BITS), text & _LEN
            if size + length > len(room):
                return line
            # Loops over parts of arrays are those that a compiler makes fast.
            to, of = room[size : size + length], data[at : at + length]
            for i in range(length):
                to[i] = of[i]
            size += length
    written[0] = size
    return len(rows)
