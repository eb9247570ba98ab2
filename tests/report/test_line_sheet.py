"""Lines made of patterns are what a format would make, whether the kernel is compiled or not."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.kernel import run_kernel
from analyzer.report import line_sheet
from analyzer.report.line_sheet import LinePattern, LineSheet, fill_lines
from analyzer.report.texts import Texts

LARGEST = 2**63 - 1
# A hole, and what it is filled with: a word or a number.
WORDS, NUMBERS = ("who", "path"), ("port", "time")
HOLES = (*WORDS, *NUMBERS)


class Sheet:
    """A sheet with patterns, and lines that are to be written by it."""

    def __init__(self, *patterns: LinePattern) -> None:
        self.texts = Texts()
        self.patterns = patterns
        self.sheet = LineSheet(self.texts, HOLES, NUMBERS)
        self.numbers = [self.sheet.add(pattern) for pattern in patterns]

    def blocks(self, lines: list[tuple[int, dict]]) -> list[tuple[bytes, slice, list[int]]]:
        """The blocks of lines, each told by its pattern and its values."""
        which = np.array([self.numbers[pattern] for pattern, _ in lines], np.int64)
        values = {
            name: np.array(
                [self.texts.number(own.get(name, "")) if name in WORDS else own.get(name, 0) for _, own in lines],
                np.int64,
            )
            for name in HOLES
        }
        return [(bytes(b.data), b.rows, b.lengths.tolist()) for b in self.sheet.blocks(which, values)]

    def written(self, lines: list[tuple[int, dict]]) -> list[bytes]:
        """The lines, cut by their lengths."""
        found = []
        for data, rows, lengths in self.blocks(lines):
            bounds = np.append(0, np.cumsum(lengths)).tolist()
            assert rows == slice(len(found), len(found) + len(lengths))
            assert bounds[-1] == len(data)
            found += [data[begin:end] for begin, end in pairwise(bounds)]
        return found

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


@pytest.fixture(params=["plain", "compiled"])
def kernel(request, monkeypatch) -> str:
    """Whether lines are written by plain Python, or by the compiled kernel."""
    monkeypatch.setattr(line_sheet, "_COMPILE_LEN", 0 if request.param == "compiled" else 1 << 60)
    return request.param


CALL = LinePattern(['{"who":"', '","port":', ',"path":"', '","time":', "}\n"], ["who", "port", "path", "time"])
PORT = LinePattern(["", "\n"], ["port"])
PLAIN = LinePattern(["nothing\n"], [])
TWICE = LinePattern(["<", "", "|", "", ">\n"], ["who", "who", "port", "port"])


@pytest.mark.usefixtures("kernel")
def test_a_line_has_its_values_between_its_literals() -> None:
    lines = [(0, {"who": "a", "port": 80, "path": "/x", "time": 7})]

    assert Sheet(CALL).written(lines) == [b'{"who":"a","port":80,"path":"/x","time":7}\n']


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize(
    "number", [0, 1, 9, 10, 99, 100, 65_535, 2**31, 2**32 - 1, 10**18 - 1, 10**18, LARGEST - 1, LARGEST]
)
def test_numbers_are_written_whole(number) -> None:
    assert Sheet(PORT).written([(0, {"port": number})]) == [b"%d\n" % number]


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize("word", ["", "\xe9", "\u20ac\U0001f310", "x" * 70, "{}%s~who~"])
def test_words_are_written_in_utf8(word) -> None:
    sheet = Sheet(LinePattern([f"<{word}>", "</\xe9>\n"], ["who"]))

    assert sheet.written([(0, {"who": word})]) == [f"<{word}>{word}</\xe9>\n".encode()]


@pytest.mark.usefixtures("kernel")
def test_lines_of_several_patterns_stay_in_their_order() -> None:
    sheet = Sheet(PORT, PLAIN, CALL, TWICE)
    lines = [(3, {"who": "b", "port": 5}), (1, {}), (0, {"port": 1}), (2, {"who": "a"}), (1, {}), (0, {"port": 2})]

    assert sheet.written(lines) == sheet.expected(lines)
    assert sheet.written(lines)[0] == b"<bb|55>\n"


def test_a_hole_of_which_no_line_has_a_value_needs_no_column() -> None:
    sheet = Sheet(PORT)

    (block,) = sheet.sheet.blocks(np.array([0, 0]), {"port": np.array([1, 2])})

    assert bytes(block.data) == b"1\n2\n"


def test_no_lines_are_no_blocks() -> None:
    assert Sheet(CALL).blocks([]) == []


@pytest.mark.usefixtures("kernel")
@pytest.mark.parametrize("room", [1, 20, 64, 1000])
@pytest.mark.parametrize("long", [0, 100, 5_000])
def test_lines_are_whole_however_little_room_a_block_has(monkeypatch, room, long) -> None:
    monkeypatch.setattr(line_sheet, "_BLOCK_LEN", room)
    sheet = Sheet(CALL, PORT, PLAIN)
    lines = [(n % 3, {"who": "w" * (n % 7), "port": n, "path": "/" * (long if n == 6 else 3)}) for n in range(40)]

    assert sheet.written(lines) == sheet.expected(lines)
    assert (len(sheet.blocks(lines)) > 1) is (room < 1000 or long > 1000)


def test_a_block_begins_where_the_one_before_it_ended(monkeypatch) -> None:
    monkeypatch.setattr(line_sheet, "_BLOCK_LEN", 50)

    blocks = Sheet(PORT).blocks([(0, {"port": n}) for n in range(100)])

    rows = [rows for _, rows, _ in blocks]
    assert [rows[0].start, rows[-1].stop] == [0, 100]
    assert all(one.stop == other.start for one, other in pairwise(rows))


def test_patterns_may_be_added_between_blocks_and_texts_forgotten() -> None:
    sheet, lines = Sheet(PORT), [(0, {"port": 4})]
    assert sheet.written(lines) == [b"4\n"]
    mark = sheet.texts.mark()
    sheet.texts.add_texts(["gone"] * 9)
    sheet.texts.cut(mark)

    sheet.patterns = (*sheet.patterns, CALL)
    sheet.numbers.append(sheet.sheet.add(CALL))

    lines.append((1, {"who": "me", "path": "/"}))
    assert sheet.written(lines) == sheet.expected(lines)


def test_several_sheets_may_share_texts() -> None:
    texts = Texts()
    sheets = [LineSheet(texts, ("who",), ()) for _ in range(2)]
    for number, sheet in enumerate(sheets):
        sheet.add(LinePattern([f"{number} ", "\n"], ["who"]))
    who = texts.number("me")

    found = [bytes(b.data) for sheet in sheets for b in sheet.blocks(np.array([0]), {"who": np.array([who])})]

    assert found == [b"0 me\n", b"1 me\n"]


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

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(line_sheet, "_BLOCK_LEN", data.draw(st.sampled_from([1, 30, 4096])))
        for compile_len in (0, 1 << 60):
            patch.setattr(line_sheet, "_COMPILE_LEN", compile_len)
            assert sheet.written(lines) == expected


def test_where_there_is_no_room_for_a_line_nothing_of_it_counts() -> None:
    texts = Texts()
    first, second = texts.add(b"port "), texts.add(b"\n")
    pieces = np.array([[first, 0], [second, -1]])
    sheet = pieces, np.array([0, 2]), np.array([0])

    for compile_rows in (0, 1 << 60):
        lengths, room = np.zeros(3, np.int64), np.zeros(40, np.uint8)
        arguments = texts.arrays(), sheet, np.zeros(3, np.int64), np.array([[1, 22, 333]]), 0, room, lengths
        stop = run_kernel(fill_lines, 1, *arguments, compile_rows=compile_rows)

        assert (stop, lengths[:stop].tolist()) == (2, [7, 8])
        assert room[:15].tobytes() == b"port 1\nport 22\n"
