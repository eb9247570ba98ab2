"""Lines made of patterns are what a format would make, whether the kernel is compiled or not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.scratch import Scratch
from analyzer.report.line_sheet import NUMBERED, LinePattern, LineSheet
from analyzer.report.texts import Texts
from made.spilled import NEVER, filled

LARGEST = 2**63 - 1
# A hole, and what it is filled with: a word or a number.
WORDS, NUMBERS = ("who", "path"), ("port", "time")
HOLES = (*WORDS, *NUMBERS)


class Sheet:
    """A sheet with patterns, and lines that are to be written by it."""

    def __init__(self, *patterns: LinePattern) -> None:
        self.texts = Texts()
        self.patterns = patterns
        self.file = Scratch()
        self.sheet = LineSheet(self.texts, HOLES, NUMBERS)
        self.numbers = [self.sheet.add(pattern) for pattern in patterns]

    def written(self, lines: list[tuple[int, dict]], *, compile_rows: int = NEVER) -> list[bytes]:
        """The lines, each told by its pattern and its values."""
        which = np.array([self.numbers[pattern] for pattern, _ in lines], np.int64)
        values = {
            name: np.array(
                [self.texts.number(own.get(name, "")) if name in WORDS else own.get(name, 0) for _, own in lines],
                np.int64,
            )
            for name in HOLES
        }
        rows = self.sheet.write(self.file, which, values, kept=len(self.texts)).rows
        return [filled(self.file, rows[line : line + 1], compile_rows=compile_rows)[1] for line in range(len(rows))]

    def expected(self, lines: list[tuple[int, dict]]) -> list[bytes]:
        """The same by a format."""
        found = []
        for number, own in lines:
            literals, holes = self.patterns[number]
            text = literals[0]
            for literal, hole in zip(literals[1:], holes, strict=True):
                text += f"{own.get(hole, '' if hole in WORDS else 0)}{literal}"
            found.append(text.encode())
        return found


CALL = LinePattern(['{"who":"', '","port":', ',"path":"', '","time":', "}\n"], ["who", "port", "path", "time"])
PORT = LinePattern(["", "\n"], ["port"])
PLAIN = LinePattern(["nothing\n"], [])
TWICE = LinePattern(["<", "", "|", "", ">\n"], ["who", "who", "port", "port"])


def test_a_line_has_its_values_between_its_literals() -> None:
    lines = [(0, {"who": "a", "port": 80, "path": "/x", "time": 7})]

    assert Sheet(CALL).written(lines) == [b'{"who":"a","port":80,"path":"/x","time":7}\n']


@pytest.mark.parametrize("word", ["", "\xe9", "\u20ac\U0001f310", "x" * 70, "{}%s~who~"])
def test_words_are_written_in_utf8(word) -> None:
    sheet = Sheet(LinePattern([f"<{word}>", "</\xe9>\n"], ["who"]))

    assert sheet.written([(0, {"who": word})]) == [f"<{word}>{word}</\xe9>\n".encode()]


def test_lines_of_several_patterns_stay_in_their_order() -> None:
    sheet = Sheet(PORT, PLAIN, CALL, TWICE)
    lines = [(3, {"who": "b", "port": 5}), (1, {}), (0, {"port": 1}), (2, {"who": "a"}), (1, {}), (0, {"port": 2})]

    assert sheet.written(lines) == sheet.expected(lines)
    assert sheet.written(lines)[0] == b"<bb|55>\n"


def test_a_hole_of_which_no_line_has_a_value_needs_no_column() -> None:
    sheet = Sheet(PORT)

    found = sheet.sheet.write(sheet.file, np.array([0, 0]), {"port": np.array([1, 2])}, kept=0)

    assert filled(sheet.file, found.rows) == (2, b"1\n2\n")


def test_a_line_may_tell_which_of_all_it_is() -> None:
    sheet = Sheet(LinePattern(["", " of ", "\n"], [NUMBERED, "who"]))
    who = np.array([sheet.texts.number("me"), sheet.texts.number("you")])

    found = sheet.sheet.write(sheet.file, np.array([0, 0]), {"who": who}, kept=0)

    assert filled(sheet.file, found.rows) == (2, b"1 of me\n2 of you\n")


def test_no_lines_are_none() -> None:
    assert Sheet(CALL).written([]) == []
    assert Sheet().written([]) == []


def test_about_as_long_as_lines_are_is_told() -> None:
    sheet = Sheet(PORT, CALL)

    found = sheet.sheet.write(sheet.file, np.array([0, 1, 0]), {}, kept=0)

    assert found.size == 2 * len("\n") + len("".join(CALL.literals))


def test_patterns_may_be_added_between_lines_and_texts_forgotten() -> None:
    sheet, lines = Sheet(PORT), [(0, {"port": 4})]
    assert sheet.written(lines) == [b"4\n"]
    mark = sheet.texts.mark()
    sheet.texts.add_texts(["gone"] * 9)
    sheet.texts.cut(mark)

    sheet.patterns = (*sheet.patterns, CALL)
    sheet.numbers.append(sheet.sheet.add(CALL))

    lines.append((1, {"who": "me", "path": "/"}))
    assert sheet.written(lines) == sheet.expected(lines)


def test_texts_that_are_kept_are_written_once_and_others_each_time() -> None:
    texts, file = Texts(), Scratch()
    sheet = LineSheet(texts, ("who",), ())
    sheet.add(LinePattern(["<", ">"], ["who"]))
    kept = texts.number("kept" * 100)
    mark, sizes = texts.mark(), []
    for own in ("one", "two"):
        who = np.append(texts.add_texts([own]), kept)
        before = file.tell()
        found = sheet.write(file, np.zeros(2, np.int64), {"who": who}, kept=mark.texts)
        sizes.append(file.tell() - before)
        texts.cut(mark)

        assert filled(file, found.rows)[1] == f"<{own}><{'kept' * 100}>".encode()

    assert sizes[1] < 400 < sizes[0]


@pytest.mark.parametrize("other", [True, False])
def test_in_a_file_that_is_another_or_was_cleared_all_is_written_anew(other) -> None:
    sheet, lines = Sheet(CALL), [(0, {"who": "me", "port": 1})]
    sheet.written(lines)
    if other:
        sheet.file = Scratch()
    else:
        sheet.file.clear()
    sheet.file.write(bytes(1 << 16))

    assert sheet.written(lines) == sheet.expected(lines)


def test_several_sheets_may_share_texts() -> None:
    texts = Texts()
    sheets = [LineSheet(texts, ("who",), ()) for _ in range(2)]
    for number, sheet in enumerate(sheets):
        sheet.add(LinePattern([f"{number} ", "\n"], ["who"]))
    who, files = {"who": np.array([texts.number("me")])}, [Scratch(), Scratch()]

    found = [each.write(file, np.array([0]), who, kept=0).rows for each, file in zip(sheets, files, strict=True)]

    assert [filled(*pair)[1] for pair in zip(files, found, strict=True)] == [b"0 me\n", b"1 me\n"]


literals = st.text(max_size=6)
patterns = st.lists(st.sampled_from(HOLES), max_size=6).flatmap(
    lambda holes: st.lists(literals, min_size=len(holes) + 1, max_size=len(holes) + 1).map(
        lambda texts: LinePattern(texts, holes)
    )
)
number = st.one_of(st.integers(0, 200), st.integers(0, LARGEST))
values = st.fixed_dictionaries({"who": literals, "path": literals, "port": number, "time": number})


@given(patterns=st.lists(patterns, min_size=1, max_size=3), data=st.data())
@settings(max_examples=60, deadline=None)
def test_compiled_or_not_lines_are_those_of_a_format(patterns, data) -> None:
    sheet = Sheet(*patterns)
    lines = data.draw(st.lists(st.tuples(st.integers(0, len(patterns) - 1), values), max_size=8))
    expected = sheet.expected(lines)

    for compile_rows in (0, NEVER):
        assert sheet.written(lines, compile_rows=compile_rows) == expected
