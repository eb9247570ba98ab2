"""Bytes that were sent twice and differ: a fault, or someone who shows two readers two things."""

from __future__ import annotations

from collections.abc import Sequence

from analyzer.base.stream import Stream
from analyzer.flow.traffic import Traffic


def find_conflicts(traffic: Traffic, streams: Sequence[Stream]) -> list[int]:
    """The indices into ``LaneTable.rows`` of packets that repeat bytes of their stream and have others in their place.

    Bytes are compared where both copies were captured.
    """
    packets, lanes, placement = traffic.packets, traffic.lanes, traffic.placement
    chosen = traffic.pieces.repeated
    rows = lanes.rows[chosen]
    columns = (
        chosen, lanes.lane_of[chosen], placement.position[chosen], placement.usable[chosen],
        packets.payload_off[rows], packets.payload_len[rows],
    )  # fmt: skip
    found = []
    for index, lane, position, usable, offset, captured in zip(*(c.tolist() for c in columns), strict=True):
        if _differs(streams[lane], position, offset, min(usable, captured)):
            found.append(index)
    return found


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
