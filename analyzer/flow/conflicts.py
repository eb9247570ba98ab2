"""Bytes that were sent twice and differ: a fault, or someone who shows two readers two things."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analyzer.base.pages import forget_pages
from analyzer.base.stream import Stream
from analyzer.flow.traffic import Traffic

# Comparing goes piece by piece. Honest repetitions touch a few pieces each; large ones over a stream of single bytes
# would cost their product.
MAX_COMPARED_PIECES = 2_000_000
# Beyond any position of a stream: a capture file is smaller.
_FURTHER = 1 << 44
# Repeats whose part of a capture is in memory together.
REPEATS_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Conflicts:
    """Packets that repeat bytes of their stream, as indices into ``LaneTable.rows``.

    ``differing`` have other bytes in their place; ``unchecked`` were not compared, because too much was before them.
    With ``compared`` pieces of streams all were compared, or would have been.
    """

    differing: tuple[int, ...]
    unchecked: tuple[int, ...]
    compared: int


def find_conflicts(traffic: Traffic, streams: Sequence[Stream], *, budget: int = MAX_COMPARED_PIECES) -> Conflicts:
    """The conflicts of a capture. Bytes are compared where both copies were captured, ``budget`` pieces in all."""
    packets, lanes, placement = traffic.packets, traffic.lanes, traffic.placement
    chosen = traffic.pieces.repeated
    rows = lanes.rows[chosen]
    columns = (
        chosen, lanes.lane_of[chosen], placement.position[chosen], placement.usable[chosen],
        packets.payload_off[rows], packets.payload_len[rows],
    )  # fmt: skip
    differing, unchecked, compared = [], [], 0
    repeats = zip(*(c.tolist() for c in columns), strict=True)
    for number, (index, lane, position, usable, offset, captured) in enumerate(repeats):
        stream, size = streams[lane], min(usable, captured)
        if number % REPEATS_AT_ONCE == 0:
            forget_pages(stream.buffer)
        compared += _pieces_between(stream, position, position + size)
        if compared > budget:
            unchecked.append(index)
        elif _differs(stream, position, offset, size):
            differing.append(index)
    return Conflicts(tuple(differing), tuple(unchecked), compared)


def may_exceed_budget(traffic: Traffic, *, budget: int = MAX_COMPARED_PIECES) -> bool:
    """Whether a capture may repeat more than is compared, so that it shows which of its packets come first."""
    packets, lanes, pieces = traffic.packets, traffic.lanes, traffic.pieces
    lane, position = lanes.lane_of[pieces.repeated], traffic.placement.position[pieces.repeated]
    captured = packets.payload_len[lanes.rows[pieces.repeated]]
    size = np.minimum(traffic.placement.usable[pieces.repeated], captured)
    at = np.repeat(np.arange(2 * len(lanes)), np.diff(pieces.starts)) * _FURTHER + pieces.position
    begin, end = (lane * _FURTHER + np.clip(each, -1, _FURTHER - 2) for each in (position, position + size))
    between = np.searchsorted(at, end, side="right") - np.searchsorted(at, begin, side="right") + 1
    return int(between.sum()) > budget


def _pieces_between(stream: Stream, position: int, stop: int) -> int:
    return bisect_right(stream.starts, stop) - bisect_right(stream.starts, position) + 1


def _differs(stream: Stream, position: int, offset: int, size: int) -> bool:
    stop = position + size
    at = stream.next_data(max(position, 0))
    while at is not None and at < stop:
        there = stream.read(at, stop - at)
        begin = offset + at - position
        if stream.buffer[begin : begin + len(there)] != there:
            return True
        at = stream.next_data(at + len(there))
    return False
