"""Lines that are written away, and what is kept of them."""

from __future__ import annotations

import numpy as np
import pytest

from analyzer.base.fact import replace
from analyzer.base.scratch import Scratch
from analyzer.flow.connection import Endpoint
from analyzer.report.line_sheet import LinePattern, LineSheet
from analyzer.report.spill import Key, Keys, Spill
from analyzer.report.texts import Texts
from made.spilled import spill_lines, texts_of

ONE, TWO = Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 40000)


def test_a_spill_counts_its_lines_before_they_are_there() -> None:
    spill = Spill(Scratch())
    spill.add((1, ONE, 1), b"a\n")
    spill.add((2, ONE, 1), None)

    assert len(spill) == 2


@pytest.mark.parametrize(("opening", "before"), [(b"#", b"#1"), (b"", b"1"), (None, b"")])
def test_lines_stand_behind_an_opening_and_their_number(opening: bytes | None, before: bytes) -> None:
    file, texts = Scratch(), [b"%d" % number * number for number in range(200)]

    lines = spill_lines(file, [((1, ONE, 1), text) for text in texts], opening=opening)

    assert texts_of(lines, file) == [before + text for text in texts]
    assert lines.size == sum(map(len, texts)) + len(texts) * len(opening or b"") + 4 * len(opening or b"")


def test_lines_of_a_second_spill_change_none_of_the_first() -> None:
    file = Scratch()
    first = spill_lines(file, [((3, ONE, number), b"b%d\n" % number) for number in range(100)])

    second = spill_lines(file, [((1, ONE, 1), b"a\n")])

    assert texts_of(first, file) == [b"#1b%d\n" % number for number in range(100)]
    assert texts_of(second, file) == [b"#1a\n"]


def test_lines_are_found_where_their_file_has_become_a_part_of_another() -> None:
    own, other = Scratch(), Scratch()
    lines = spill_lines(own, [((1, ONE, 1), b"a\n"), ((2, ONE, 1), None), ((3, ONE, 1), b"bcd\n")])
    spill_lines(other, [((1, ONE, 1), b"before")])
    begin = other.tell()
    other.write(own.mapped())

    assert texts_of(replace(lines, begin=begin), other) == [b"#1a\n", None, b"#1bcd\n"]


def test_lines_behind_what_a_lost_process_has_left_are_those_that_were_written() -> None:
    file = Scratch()
    file.write(b"lost")

    lines = spill_lines(file, [((1, ONE, 1), b"a\n"), ((2, ONE, 1), b"bcd\n")])

    assert texts_of(lines, file) == [b"#1a\n", b"#1bcd\n"]


def sheet_of(texts: Texts) -> LineSheet:
    sheet = LineSheet(texts, ("name",), ())
    sheet.add(LinePattern(["#", "", "\n"], ["number", "name"]))
    return sheet


def test_lines_by_a_sheet_are_as_the_same_lines_one_by_one() -> None:
    lines: list[tuple[Key, bytes | None]] = [
        ((1 << 40, TWO, 1), b"first\n"),
        ((1, ONE, 70_000), b"second\n"),
        ((3, TWO, 2), b"third\n"),
        ((2, ONE, 1), b"last\n"),
    ]
    file, texts = Scratch(), Texts()
    alone = spill_lines(file, lines)
    spill = Spill(file, b"#")
    names = texts.add_texts(["second", "third"])
    keys = Keys((TWO.ip, ONE.ip), np.array([1, 0]), np.array([1, 3]), np.array([ONE.port] * 2), np.array([70_000, 2]))

    spill.add(*lines[0])
    spill.add_rows(sheet_of(texts), np.zeros(2, np.int64), {"name": names}, kept=len(texts), keys=keys)
    spill.add(*lines[3])
    found = spill.lines()

    assert len(spill) == len(lines)
    assert found.ips == alone.ips
    for name in ("times_ns", "keys", "rows"):
        assert getattr(found, name).dtype == getattr(alone, name).dtype
    assert (found.times_ns.tolist(), found.keys.tolist()) == (alone.times_ns.tolist(), alone.keys.tolist())
    assert texts_of(found, file) == texts_of(alone, file)


def test_no_lines_by_a_sheet_are_none() -> None:
    none, spill = np.empty(0, np.int64), Spill(Scratch())

    spill.add_rows(sheet_of(Texts()), none, {}, kept=0, keys=Keys((), none, none, none, none))

    assert len(spill) == len(spill.lines()) == 0
