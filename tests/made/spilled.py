"""Lines that were written away."""

from __future__ import annotations

from collections.abc import Iterable

from analyzer.base.scratch import Scratch
from analyzer.report.spill import Key, Lines, Spill


def spill_lines(scratch: Scratch, lines: Iterable[tuple[Key, bytes | None]]) -> Lines:
    """What is kept of lines that were written one by one."""
    spill = Spill(scratch)
    for key, line in lines:
        spill.add(key, line)
    return spill.lines()
