"""Lines that were written in parts are read in the order of all, with the numbers that they have there."""

from __future__ import annotations

import pytest

from analyzer.base.scratch import Scratch
from analyzer.flow.connection import Endpoint
from analyzer.report import merged as module
from analyzer.report.merged import Merged
from made.spilled import spill_lines

ONE, TWO = Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 40000)


def numbered(merged: Merged) -> list[bytes]:
    return b"".join(merged.pieces()).splitlines()


def test_lines_of_two_files_meet_in_the_order_of_their_keys() -> None:
    files = [Scratch(), Scratch()]
    parts = [
        spill_lines(files[0], [((1, TWO, 1), b"a\n"), ((5, TWO, 1), b"d\n")]),
        spill_lines(files[1], [((2, ONE, 1), b"b\n"), ((3, ONE, 2), b"c\n")]),
    ]

    merged = Merged(parts, files)

    assert numbered(merged) == [b"#1a", b"#2b", b"#3c", b"#4d"]
    assert merged.numbers.tolist() == [1, 4, 2, 3]


def test_at_one_time_clients_and_places_decide() -> None:
    file = Scratch()
    parts = [
        spill_lines(file, [((1, TWO, 1), b"c\n")]),
        spill_lines(file, [((1, ONE, 2), b"b\n")]),
        spill_lines(file, [((1, ONE, 1), b"a\n")]),
    ]

    assert numbered(Merged(parts, [file] * 3)) == [b"#1a", b"#2b", b"#3c"]


def test_a_hidden_line_has_a_number_and_is_not_shown() -> None:
    file = Scratch()
    part = spill_lines(file, [((1, ONE, 1), b"a\n"), ((2, ONE, 1), None), ((3, ONE, 1), b"c\n")])

    assert numbered(Merged([part], [file])) == [b"#1a", b"#3c"]


def test_no_lines_are_none() -> None:
    file = Scratch()

    assert numbered(Merged([spill_lines(file, [])], [file])) == []
    assert numbered(Merged([], [])) == []


def test_lines_have_no_number_where_they_have_no_opening() -> None:
    file = Scratch()
    part = spill_lines(file, [((2, ONE, 1), b"b\n"), ((1, ONE, 1), b"a\n")], opening=None)

    assert b"".join(Merged([part], [file]).pieces()) == b"a\nb\n"


@pytest.mark.parametrize("size", [1, 40, 100, 10_000])
def test_the_bytes_do_not_depend_on_the_size_of_the_pieces(monkeypatch, size) -> None:
    monkeypatch.setattr(module, "_PIECE_LEN", size)
    files = [Scratch() for _ in range(9)]
    parts = [
        spill_lines(file, [((9 * row + n, ONE, 1), b"%d " % n * row + b"\n") for row in range(20)])
        for n, file in enumerate(files)
    ]

    found = b"".join(Merged(parts, files).pieces())

    expected = (b"#%d" % (9 * row + n + 1) + b"%d " % n * row + b"\n" for row in range(20) for n in range(9))
    assert found == b"".join(expected)


def test_pages_of_the_files_are_let_go_of_on_the_way(monkeypatch) -> None:
    monkeypatch.setattr(module, "SPAN", 10)
    monkeypatch.setattr(module, "_PIECE_LEN", 1)
    file = Scratch()
    part = spill_lines(file, [((row, ONE, 1), b"line %d\n" % row) for row in range(9)])

    assert numbered(Merged([part], [file])) == [b"#%dline %d" % (row + 1, row) for row in range(9)]
