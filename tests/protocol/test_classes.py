"""Rows of numbers and texts have one class where they are equal."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.kernel import run_kernel
from analyzer.protocol.classes import Classes, tell_apart

NEVER = 1 << 62


def rows_of(texts: list[bytes | None], numbers: list[int]):
    """The bytes of texts, and the rows of numbers with a text each, None for no text."""
    data, rows, begins = bytearray(b"\0"), [], []
    for number, text in zip(numbers, texts, strict=True):
        rows.append((number, -1 if text is None else len(text)))
        begins.append((len(data),))
        data += text or b""
    columns = np.array(rows, np.int64).reshape(-1, 2), np.array(begins, np.int64).reshape(-1, 1)
    return np.frombuffer(bytes(data), np.uint8), *columns


def classes_of(
    texts: list[bytes | None],
    numbers: list[int],
    *,
    slots: int = 64,
    most: int = 64,
    room: int = 64,
    compile_rows=NEVER,
):
    """The class of each number with its text, and how many there are."""
    known, classes, counts = np.zeros((most, 4), np.int64), np.zeros(len(texts), np.int64), np.zeros(2, np.int64)
    kept = known, np.zeros(room, np.uint8), counts
    columns = *rows_of(texts, numbers), np.full(slots, -1), *kept, classes
    count = run_kernel(tell_apart, 0, *columns, compile_rows=compile_rows)
    return count, classes.tolist()


ROWS = st.lists(st.tuples(st.none() | st.text("ab", max_size=2).map(str.encode), st.integers(0, 1)), max_size=12)


@pytest.mark.parametrize("compile_rows", [0, NEVER])
@given(rows=ROWS)
@settings(max_examples=50, deadline=None)
def test_rows_are_of_one_class_where_they_are_equal(compile_rows, rows) -> None:
    known: dict[tuple, int] = {}
    classes = [known.setdefault(row, len(known)) for row in rows]

    found = classes_of([text for text, _ in rows], [literal for _, literal in rows], compile_rows=compile_rows)

    assert found == (len(known), classes)


def test_a_row_whose_neighbourhood_is_taken_has_no_class() -> None:
    texts = [b"%d" % i for i in range(40)]

    count, classes = classes_of(texts, [0] * 40, slots=32)

    assert 0 < classes.count(-1) == 40 - count


def test_where_there_is_no_room_for_a_class_those_that_are_known_are_still_found() -> None:
    assert classes_of([b"a", b"b", b"a", b"c"], [0] * 4, most=1) == (1, [0, -1, 0, -1])


def test_where_there_is_no_room_for_its_text_a_class_is_not_made() -> None:
    assert classes_of([b"ab", b"cde", None, b"ab", b"f"], [0] * 5, room=3) == (3, [0, -1, 1, 0, 2])


def run(kernel, *arguments) -> int:
    return run_kernel(kernel, 0, *arguments)


def test_classes_hold_for_rows_of_other_bytes() -> None:
    classes = Classes(1, 1)

    found = [
        classes.of(run, *rows_of(texts, [7] * len(texts))).tolist() for texts in ([b"a", b"bc"], [b"bc", b"d", b"a"])
    ]

    assert found == [[0, 1], [1, 2, 0]]


@pytest.mark.parametrize(("most", "kept_len"), [(2, 100), (100, 2)])
def test_classes_are_full_before_there_is_no_room(most: int, kept_len: int) -> None:
    classes = Classes(1, 1, most=most, kept_len=kept_len)
    told = []
    for text in (b"a", b"b"):
        classes.of(run, *rows_of([text], [0]))
        told.append(classes.is_full)

    assert told == [False, True]
