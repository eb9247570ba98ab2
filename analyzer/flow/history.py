"""Zeek's ``history``: what happened on a connection, a letter each; capitals are the client's."""

from __future__ import annotations

import numpy as np

from analyzer.base.table import ACK, FIN, I64, RST, SYN
from analyzer.flow.connection import FLIPPED
from analyzer.flow.sequence import BAD_FIN, BAD_RST
from analyzer.flow.traffic import Traffic

_TO_LOWER = ord("a") - ord("A")


def histories(traffic: Traffic) -> list[str]:
    """The history of every connection.

    S SYN, H SYN-ACK, A bare ACK, D payload, F FIN, R RST, I FIN with RST, Q SYN with FIN or RST: at the first of each
    end. T payload again, W window of 0, G bytes that are missing: also at the 10th, 100th, ... ``^`` stands first where
    the first packet was not the client's.
    """
    lanes = traffic.lanes
    row, lane, letter = (np.concatenate(parts) for parts in zip(*_events(traffic), strict=True))
    order = np.lexsort((row, lane >> 1))
    letters = (letter + _TO_LOWER * (lane & 1)).astype(np.uint8)[order].tobytes().decode("ascii")
    bounds = np.searchsorted((lane >> 1)[order], np.arange(len(lanes) + 1)).tolist()
    prefixes = np.where(lanes.server_first, FLIPPED, "").tolist()
    return [prefix + letters[bounds[c] : bounds[c + 1]] for c, prefix in enumerate(prefixes)]


def _events(traffic: Traffic) -> list[tuple[I64, I64, I64]]:
    """Row, lane and capital letter of what is noted, one group a letter; within a packet in this order."""
    packets, lanes, pieces = traffic.packets, traffic.lanes, traffic.pieces
    rows, lane_of = lanes.rows, lanes.lane_of
    flags = packets.tcp_flags[rows]
    data = packets.payload_wire_len[rows] > 0
    kind = flags & (SYN | FIN | RST)
    believed = traffic.placement.marks & (BAD_RST | BAD_FIN) == 0
    once = {
        "S": (kind == SYN) & (flags & ACK == 0),
        "H": (kind == SYN) & (flags & ACK != 0),
        "I": kind == FIN | RST,
        "Q": (kind & SYN != 0) & (kind != SYN),
        "R": (kind == RST) & believed,
        "A": (kind == 0) & (flags & ACK != 0) & ~data,
        "D": data & (flags & RST == 0),
        "F": (kind == FIN) & believed,
    }
    repeated = np.zeros(len(rows), np.bool_)
    repeated[pieces.repeated] = True
    counted = {"T": repeated, "W": (packets.window[rows] == 0) & (flags & (RST | SYN) == 0)}
    gap_lanes = np.searchsorted(pieces.starts, pieces.breaks, side="right") - 1
    events = []
    for letter, noted in (once | counted).items():
        at = np.flatnonzero(noted)
        events.append((rows[at], lane_of[at], letter))
    events.append((pieces.row[pieces.breaks], gap_lanes, "G"))
    return [_noted(row, lane, letter, letter in once) for row, lane, letter in events]


def _noted(row: I64, lane: I64, letter: str, only_first: bool) -> tuple[I64, I64, I64]:
    """The first event of each lane, and the 10th, 100th, ... unless ``only_first``."""
    nth = np.arange(len(lane)) - np.searchsorted(lane, lane) + 1
    powers = [1] if only_first else 10 ** np.arange(18)
    kept = np.isin(nth, powers)
    return row[kept], lane[kept], np.full(np.count_nonzero(kept), ord(letter))
