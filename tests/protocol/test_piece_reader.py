"""What runs kernels has the bytes and the pieces of a capture in the shapes that all kernels take."""

from __future__ import annotations

import pytest

from analyzer.protocol.piece_reader import PieceReader
from made.lanes import Lane, pieces_of


def add_up(data, matrix, factor) -> int:
    """Kernel: the sum of the bytes that lie in pieces, ``factor`` times."""
    found = 0
    for piece in range(matrix.shape[1]):
        for at in range(matrix[2, piece], matrix[2, piece] + matrix[1, piece]):
            found += data[at]
    return found * factor


@pytest.mark.parametrize("compile_rows", [0, 1 << 62])
def test_a_kernel_runs_over_bytes_and_pieces_compiled_or_not(compile_rows) -> None:
    reader = PieceReader.of(*pieces_of([Lane(b"abc", (1,)), Lane(b"d")], b"\n"), 9, compile_rows)

    assert reader.matrix.tolist() == [[0, 1, 0], [1, 2, 1], [1, 3, 6]]
    assert reader.run(add_up, reader.data, reader.matrix, 2) == 2 * sum(b"abcd")


def test_of_an_empty_buffer_there_are_no_bytes() -> None:
    reader = PieceReader.of(*pieces_of([], b""), 0, 1 << 62)

    assert (len(reader.data), reader.matrix.shape) == (0, (3, 0))


def test_bytes_are_one_kind_of_array_whatever_they_come_from() -> None:
    written = PieceReader.of(memoryview(bytearray(b"ab")), pieces_of([Lane(b"ab")], b"")[1], 1, 1)

    assert not written.data.flags.writeable
