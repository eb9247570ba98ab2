"""The kernels of plain heads, by themselves; ``test_http1_columns`` holds what they find against the whole parser."""

from __future__ import annotations

import numpy as np
import pytest

from analyzer.base.kernel import run_kernel
from analyzer.protocol import http1_walk as walk
from analyzer.protocol.http1_machine import text_machine
from made.lanes import Lane, pieces_of

NEVER = 1 << 62
# Where the message begins, and its body.
AT, BODY = 5, 10


def flagged(message: bytes, *cuts: int, looked_at: int, compile_rows: int) -> list[int]:
    """Of one message whose body begins at ``BODY``, cut into pieces, whether it begins with the text."""
    buffer, pieces = pieces_of([Lane(message, cuts)], b"*" * AT)
    matrix = np.stack([pieces.position, pieces.length, pieces.offset])
    heads = np.zeros((walk.UNSAID + 1, 1), np.int64)
    heads[[walk.END, walk.BODY_END, walk.AT], 0] = BODY, len(message), AT
    heads[walk.LAST_PIECE] = len(pieces.position) - 1
    found, table = np.zeros(1, np.int64), text_machine(frozenset({b"needle"})).table
    data = np.frombuffer(buffer, np.uint8)
    run_kernel(walk.find_texts, 0, data, matrix, heads, table, looked_at, found, compile_rows=compile_rows)
    return found.tolist()


@pytest.mark.parametrize("compile_rows", [0, NEVER])
@pytest.mark.parametrize("cuts", [(), (BODY + 4,), (BODY + 3, BODY + 4)])
def test_a_text_is_found_in_the_beginning_of_a_body_however_it_is_cut(cuts: tuple[int, ...], compile_rows: int) -> None:
    message = b"h" * BODY + b"a needle."

    assert flagged(message, *cuts, looked_at=8, compile_rows=compile_rows) == [1]
    assert flagged(message, *cuts, looked_at=7, compile_rows=compile_rows) == [0]
