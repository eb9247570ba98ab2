"""Lines that are written away, and what is kept of them."""

from __future__ import annotations

import numpy as np

from analyzer.base.scratch import Scratch
from analyzer.flow.connection import Endpoint
from analyzer.report.spill import HIDDEN, Key, Spill
from made.spilled import spill_lines

ONE, TWO = Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 40000)


def test_a_spill_counts_its_lines_before_they_are_there() -> None:
    spill = Spill(Scratch())
    spill.add((1, ONE, 1), b"a\n")
    spill.add((2, ONE, 1), None)

    assert len(spill) == 2


def test_the_lines_of_a_second_spill_begin_behind_those_of_the_first() -> None:
    file = Scratch()
    first = spill_lines(file, [((3, ONE, number), b"b%d\n" % number) for number in range(100)])

    second = spill_lines(file, [((1, ONE, 1), b"a\n")])

    assert second.begin == first.begin + int(first.lengths.sum()) == len(file.mapped()) - 2
    assert bytes(file.mapped()[second.begin :]) == b"a\n"


def test_a_block_of_lines_is_as_the_same_lines_one_by_one() -> None:
    lines: list[tuple[Key, bytes | None]] = [
        ((1 << 40, TWO, 1), b"first\n"),
        ((1, ONE, 70_000), b"second\n"),
        ((3, TWO, 2), None),
        ((2, ONE, 1), b"last\n"),
    ]
    file = Scratch()
    alone = spill_lines(file, lines)
    spill = Spill(file)

    spill.add(*lines[0])
    spill.add_block(
        memoryview(b"second\n"),
        ips=(TWO.ip, ONE.ip),
        clients=np.array([1, 0]),
        times_ns=np.array([1, 3]),
        ports=np.array([ONE.port, TWO.port], np.uint16),
        places=np.array([70_000, 2], np.int32),
        lengths=np.array([7, HIDDEN], np.int16),
    )
    spill.add(*lines[3])
    found = spill.lines()

    assert len(spill) == len(lines)
    assert found.ips == alone.ips
    for name in ("times_ns", "keys", "lengths"):
        assert getattr(found, name).dtype == getattr(alone, name).dtype
        assert getattr(found, name).tolist() == getattr(alone, name).tolist()
    assert bytes(file.mapped()[found.begin :]) == bytes(file.mapped()[: found.begin])


def test_a_block_without_lines_adds_none() -> None:
    none = np.empty(0, np.int64)
    spill = Spill(Scratch())

    spill.add_block(b"", ips=(), clients=none, times_ns=none, ports=none, places=none, lengths=none)

    assert len(spill) == len(spill.lines()) == 0
