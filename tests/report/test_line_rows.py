"""The kernel that writes lines where they go; ``test_line_sheet`` and ``test_spill`` have the files that it reads."""

from __future__ import annotations

import numpy as np
import pytest

from analyzer.base.errors import OutputError
from analyzer.base.scratch import Scratch
from analyzer.report.line_rows import HIDDEN, NUMBER, hole, stretches, write_texts, write_words
from made.spilled import NEVER, filled

LARGEST = 2**63 - 1

either = pytest.mark.parametrize("compile_rows", [0, NEVER])


def numbers_in(file: Scratch, *numbers: int) -> np.ndarray:
    """The rows of lines that have a number each."""
    texts = stretches(write_texts(file, b"port \n") + np.array([0, 5]), np.array([5, 1]))
    pattern = np.array([texts[0], hole(1, is_text=False), texts[1]])
    begin = write_words(file, pattern)
    word = stretches(np.array([begin]), np.array([3]))[0]
    return write_words(file, np.array([(word, number) for number in numbers])) + 2 * np.arange(len(numbers))


@either
@pytest.mark.parametrize(("room", "lines"), [(24, 1), (30, 1), (31, 2), (38, 2), (39, 3), (100, 3)])
def test_where_there_is_no_room_for_a_line_nothing_of_it_counts(room: int, lines: int, compile_rows: int) -> None:
    file = Scratch()
    rows = numbers_in(file, 1, 22, 333)

    stop, text = filled(file, rows, room=room, compile_rows=compile_rows)

    assert (stop, text) == (lines, b"port 1\nport 22\nport 333\n"[: (7, 15, 24)[lines - 1]])


@either
@pytest.mark.parametrize("number", [0, 9, 10, 99, 2**32 - 1, 10**18 - 1, 10**18, LARGEST - 1, LARGEST])
def test_numbers_are_written_whole(number: int, compile_rows: int) -> None:
    file = Scratch()

    assert filled(file, numbers_in(file, number), compile_rows=compile_rows) == (1, b"port %d\n" % number)


@either
def test_a_hidden_line_has_a_number_and_no_text(compile_rows: int) -> None:
    file = Scratch()
    (mark,) = stretches(np.array([write_texts(file, b" ")]), np.array([1])).tolist()
    begin = write_words(file, np.array([hole(NUMBER, is_text=False), mark]))
    row = write_words(file, stretches(np.array([begin]), np.array([2])))
    rows = np.where(np.arange(120) % 3 == 1, HIDDEN, row)

    stop, text = filled(file, rows, compile_rows=compile_rows)

    assert (stop, text.split()) == (120, [b"%d" % number for number in range(1, 121) if number % 3 != 2])


def test_a_text_that_is_longer_than_can_be_told_is_an_error() -> None:
    longest = (1 << 26) - 1

    assert stretches(np.array([1]), np.array([longest])).tolist() == [1 << 26 | longest]
    with pytest.raises(OutputError, match="found 67108864 bytes in a line"):
        stretches(np.array([1, 2]), np.array([longest + 1, 3]))
