"""What happened on every connection: one walk over its packets in the order of the capture."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from itertools import pairwise

import numpy as np

from analyzer.base.fact import Fact
from analyzer.base.kernel import run_kernel
from analyzer.base.table import ACK, FIN, I32, I64, RST, SYN, U8
from analyzer.flow.connection import FLIPPED
from analyzer.flow.fields import Coded
from analyzer.flow.lanes import LaneTable
from analyzer.flow.sequence import BAD_FIN, BAD_RST
from analyzer.flow.table import LOW_32
from analyzer.flow.traffic import Traffic


class Event(IntEnum):
    """What a packet may be."""

    SYN = 0
    SYN_ACK = 1
    FIN_RST = 2
    ODD_SYN = 3  # with FIN or RST
    RST = 4
    BARE_ACK = 5
    DATA = 6
    FIN = 7
    AGAIN = 8  # payload that the stream has already
    ZERO_WINDOW = 9
    AFTER_GAP = 10
    CLOSES = 11  # FIN without RST, whatever else
    RESETS = 12  # RST, whatever else
    ASKS = 13  # SYN without ACK and RST, whatever else
    ANSWERS = 14  # SYN and ACK without RST, whatever else
    OPENS = 15  # asks with the number before the stream's first
    ACCEPTS = 16  # answers with the number before the stream's first
    ACKNOWLEDGES = 17


# Zeek's letters of the first events; the others have none.
_LETTERS = b"SHIQRADFTWG"
# Events that a history notes each time.
_REPEATED = 1 << Event.AGAIN | 1 << Event.ZERO_WINDOW | 1 << Event.AFTER_GAP
# A lane has fewer letters: eight once, and three the first, tenth, hundredth... time that an int64 counts.
_MOST_LETTERS = 64
# Powers of ten: no number of packets is greater than all of them.
_TENS = 10 ** np.arange(18)
_TO_LOWER = ord("a") - ord("A")
_FLIP = ord(FLIPPED)

# Packets of several queues of a network card, or of several captures that were merged, are written this late at most.
MAX_DISORDER_NS = 5_000_000_000

# What the events of a packet follow from: these flags, and two bits of our own among those that do not matter here.
_FLAGS = FIN | SYN | RST | ACK
_HAS_DATA, _NO_WINDOW = 0x08, 0x20
_DISBELIEVED = 1 << Event.RST | 1 << Event.FIN | 1 << Event.CLOSES | 1 << Event.RESETS
_BEGINNING = 1 << Event.OPENS | 1 << Event.ACCEPTS


def _events_by_flags(flags: int) -> int:
    data, kind, shake = flags & _HAS_DATA, flags & (SYN | FIN | RST), flags & (SYN | ACK | RST)
    found = {
        Event.SYN: kind == SYN and not flags & ACK,
        Event.SYN_ACK: kind == SYN and flags & ACK,
        Event.FIN_RST: kind == FIN | RST,
        Event.ODD_SYN: kind & SYN and kind != SYN,
        Event.RST: kind == RST,
        Event.BARE_ACK: kind == 0 and flags & ACK and not data,
        Event.DATA: data and not flags & RST,
        Event.FIN: kind == FIN,
        Event.ZERO_WINDOW: flags & _NO_WINDOW and not flags & (RST | SYN),
        Event.CLOSES: flags & FIN and not flags & RST,
        Event.RESETS: flags & RST,
        Event.ASKS: shake == SYN,
        Event.ANSWERS: shake == SYN | ACK,
        Event.OPENS: shake == SYN,
        Event.ACCEPTS: shake == SYN | ACK,
        Event.ACKNOWLEDGES: flags & ACK,
    }
    return sum(1 << event for event, is_so in found.items() if is_so)


_EVENTS = np.array([_events_by_flags(flags) for flags in range(64)], np.int32)


class Events(Fact, frozen=True):
    """The events of all connections.

    ``firsts`` ``(18, 2C)`` by ``Event`` and lane: the index into ``LaneTable.rows`` of the first such packet, -1
    without one. ``histories`` are Zeek's, one a connection. ``first_ns`` and ``last_ns`` ``(C,)`` say when each
    connection was seen, also by packets that were written late; times that are farther off than ``MAX_DISORDER_NS``
    come from a clock that was set, and tell nothing.
    """

    firsts: I64
    histories: Coded[str]
    first_ns: I64
    last_ns: I64


def read_events(traffic: Traffic) -> Events:
    """The events of all connections.

    Histories are in Zeek's letters (conn.log), capitals are the client's: S SYN, H SYN-ACK, A bare ACK, D payload,
    F FIN, R RST, I FIN with RST, Q SYN with FIN or RST: at the first of each end. T payload again, W window of 0, G
    bytes that are missing: also at the 10th, 100th, ... ``^`` stands first where the first packet was not the client's.
    """
    lanes = traffic.lanes
    packets = _events_of(traffic), lanes.rows, traffic.records.time_ns
    firsts = np.full((len(Event), 2 * len(lanes)), -1, np.int64)
    spans = np.empty((2, len(lanes)), np.int64)
    letters = np.empty(2 * _MOST_LETTERS * len(lanes), np.uint8)
    bounds = np.zeros(len(lanes) + 1, np.int64)
    alphabet = np.frombuffer(_LETTERS, np.uint8)
    run_kernel(follow_events, len(lanes.rows), packets, lanes.starts, alphabet, firsts, spans, letters, bounds)
    text = letters[: bounds[-1]].tobytes().decode("ascii")
    histories = Coded.of(text[first:stop] for first, stop in pairwise(bounds.tolist()))
    return Events(firsts, histories, spans[0], spans[1])


def _events_of(traffic: Traffic) -> I32:
    """The events that each of ``LaneTable.rows`` is, a bit each, ``(N,)``; of repeated ones those that are noted."""
    packets, lanes, pieces, marks = traffic.packets, traffic.lanes, traffic.pieces, traffic.placement.marks
    flags = packets.tcp_flags & _FLAGS
    flags |= (packets.payload_wire_len > 0) * np.uint16(_HAS_DATA)
    flags |= (packets.window == 0) * np.uint16(_NO_WINDOW)
    flags = flags[lanes.rows]
    events: I32 = _EVENTS[flags]
    syns = np.flatnonzero(flags & SYN)
    events[syns[traffic.placement.position[syns] & LOW_32 != 0]] &= ~_BEGINNING
    if marks.any():
        events[marks & (BAD_RST | BAD_FIN) != 0] &= ~_DISBELIEVED
    closed = np.flatnonzero(events & 1 << Event.ZERO_WINDOW)
    events[closed] &= ~(1 << Event.ZERO_WINDOW)
    for event, at in (
        (Event.AGAIN, pieces.repeated),
        (Event.ZERO_WINDOW, closed),
        (Event.AFTER_GAP, pieces.after_gaps),
    ):
        events[_noted(lanes, at)] |= 1 << event
    return events


def _noted(lanes: LaneTable, at: I64) -> I64:
    """The first of each lane's packets ``at`` these indices, and the 10th, 100th, ..."""
    lane = lanes.lanes_at(at)
    nth = np.arange(len(at)) - np.searchsorted(lane, lane) + 1
    noted: I64 = at[_TENS[np.searchsorted(_TENS, nth)] == nth]
    return noted


def follow_events(
    packets: Sequence[I64], starts: I64, alphabet: U8, firsts: I64, spans: I64, letters: U8, bounds: I64
) -> int:
    """Kernel: fill ``firsts`` and ``spans`` as ``Events`` has them, and ``letters`` of the histories; gives 0.

    ``packets`` are events, rows and, by row, times; the letters of connection c are ``bounds[c]:bounds[c + 1]``.
    """
    events, rows, time_ns = packets
    written = 0
    for c in range(len(bounds) - 1):
        client, server, stop = starts[2 * c], starts[2 * c + 1], starts[2 * c + 2]
        answer = server
        seen = 0
        beginning = True
        latest = time_ns[max(rows[server - 1] if client < server else -1, rows[stop - 1] if server < stop else -1)]
        while client < server or answer < stop:
            side = int(client == server or (answer < stop and rows[answer] < rows[client]))
            i = answer if side else client
            answer += side
            client += 1 - side
            time = time_ns[rows[i]]
            if beginning:
                spans[0, c] = time
                spans[1, c] = max(time, latest)
                earliest, latest = time, max(time, latest)
                beginning = False
                if side:
                    letters[written] = _FLIP
                    written += 1
            if earliest - MAX_DISORDER_NS <= time < spans[0, c]:
                spans[0, c] = time
            if spans[1, c] < time <= latest + MAX_DISORDER_NS:
                spans[1, c] = time
            new = events[i] & (~(seen >> 32 * side) | _REPEATED)
            seen |= new << 32 * side
            for event in range(len(firsts)):
                if new == 0:
                    break
                if new & 1:
                    if firsts[event, 2 * c + side] < 0:
                        firsts[event, 2 * c + side] = i
                    if event < len(alphabet):
                        letters[written] = alphabet[event] + _TO_LOWER * side
                        written += 1
                new >>= 1
        bounds[c + 1] = written
    return 0
