"""The kernels of plain heads, by themselves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.kernel import run_kernel
from analyzer.protocol.http1_walk import tell_apart

NEVER = 1 << 62


def classes_of(texts: list[bytes | None], literals: list[int], *, slots: int = 64, most: int = 64, compile_rows=NEVER):
    """The class of each literal with its text, None for no text, and how many there are."""
    data, values = bytearray(), []
    for literal, text in zip(literals, texts, strict=True):
        values.append((literal, len(data), -1 if text is None else len(text)))
        data += text or b""
    rows = np.array(values, np.int64).reshape(-1, 3)
    known, classes = np.zeros((most, 4), np.int64), np.zeros(len(rows), np.int64)
    columns = np.frombuffer(bytes(data) + b"\0", np.uint8), rows, 1, np.full(slots, -1), known, 0, classes
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
