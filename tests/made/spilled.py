"""Lines that were written away, and as they come back."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from analyzer.base.kernel import run_kernel
from analyzer.base.scratch import Scratch
from analyzer.report.line_rows import fill_lines
from analyzer.report.spill import Key, Lines, Spill

NEVER = 1 << 62


def spill_lines(scratch: Scratch, lines: Iterable[tuple[Key, bytes | None]], *, opening: bytes | None = b"#") -> Lines:
    """What is kept of lines that were written one by one."""
    spill = Spill(scratch, opening)
    for key, line in lines:
        spill.add(key, line)
    return spill.lines()


def filled(
    file: Scratch, rows: np.ndarray, *, begin: int = 0, room: int = 1 << 16, compile_rows: int = NEVER
) -> tuple[int, bytes]:
    """Where the kernel stops at some rows of a file, and what it has written by then."""
    data, out, written = np.frombuffer(file.mapped(), np.uint8), np.zeros(room, np.uint8), np.zeros(1, np.int64)
    none = np.empty(0, np.uint8)
    files = data, *[none] * 7
    lines = np.zeros(len(rows), np.int64), np.full(len(rows), begin), np.asarray(rows, np.int64)
    words = tuple(each.view(np.int64) for each in files)
    stop = run_kernel(fill_lines, 0, files, words, lines, 0, out, written, compile_rows=compile_rows)
    return stop, out[: written[0]].tobytes()


def texts_of(lines: Lines, file: Scratch) -> list[bytes | None]:
    """Each line as it were if it was the first of all; None where it is hidden."""
    return [None if row < 0 else filled(file, np.array([row]), begin=lines.begin)[1] for row in lines.rows.tolist()]
