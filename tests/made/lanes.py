"""What both ends of connections said, as tables of pieces that kernels run over."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np


@dataclass(frozen=True)
class Lane:
    """What one end said: its bytes, where they are cut into segments, which one is lost, how many bytes came unseen."""

    data: bytes
    cuts: tuple[int, ...] = ()
    unseen: int = 0
    lost: int | None = None
    heard: int = 0
    from_start: bool = True


@dataclass(frozen=True)
class Pieces:
    position: np.ndarray
    length: np.ndarray
    offset: np.ndarray
    starts: np.ndarray
    breaks: np.ndarray
    lengths: np.ndarray
    heard: np.ndarray


def pieces_of(lanes: Iterable[Lane], between: bytes) -> tuple[memoryview, Pieces]:
    """The lanes in one buffer, with ``between`` in front of each segment."""
    buffer, rows, starts, breaks, lanes = bytearray(), [], [0], [], list(lanes)
    for lane in lanes:
        borders = sorted({0, len(lane.data), *lane.cuts} & set(range(len(lane.data) + 1)))
        for number, (begin, end) in enumerate(pairwise(borders)):
            if number == lane.lost:
                continue
            if number and number - 1 == lane.lost:
                breaks.append(len(rows))
            buffer += between
            rows.append((begin, end - begin, len(buffer)))
            buffer += lane.data[begin:end]
        starts.append(len(rows))
    columns = np.array(rows, np.int64).reshape(-1, 3).T.copy()
    lengths = [len(lane.data) + lane.unseen for lane in lanes]
    others = (np.array(column, np.int64) for column in (starts, breaks, lengths, [lane.heard for lane in lanes]))
    return memoryview(bytes(buffer)), Pieces(*columns, *others)
