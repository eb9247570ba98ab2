"""Sequence numbers to stream positions: what each packet brings, and what of it can belong to the stream."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analyzer.base.kernel import run_kernel
from analyzer.base.table import ACK, FIN, I64, RST, SYN, PacketTable
from analyzer.flow.lanes import LaneTable
from analyzer.flow.table import HALF_32, LOW_32

Bools = NDArray[np.bool_]

# The largest window that TCP can offer (RFC 7323, section 2.3): no honest segment lies further ahead.
MAX_WINDOW = 65_535 << 14

# Bits of ``Placement.marks``.
OUT_OF_WINDOW, KEEP_ALIVE, AFTER_FIN, AFTER_RST, BAD_RST, BAD_FIN = 1, 2, 4, 8, 16, 32

# Rows of the matrix of packets that ``place_packets`` reads, and of the one of lanes that it writes.
SEQ, ACKED, FLAGS, LENGTH = range(4)
LIMIT, END_KIND, END_AT, SENT, ACKNOWLEDGED = range(5)
OPEN, BY_FIN, BY_RST = range(3)

# An end resets with the number that it would send next, or with the one that its peer expects (RFC 9293, section
# 3.5.2): at most an unscaled window above what was seen, and below it by what was in flight.
RESET_ABOVE = 65_535
RESET_BELOW = 1 << 20

# A connection that begins mid-stream begins at the lowest of so many segments: they may be captured out of order.
EARLY_SEGMENTS = 64


@dataclass(frozen=True, slots=True)
class Placement:
    """Where every packet of ``LaneTable.rows`` lies in its stream, and how each lane ends.

    ``position`` ``(N,)`` of the first payload byte, from the lane's first; ``usable`` ``(N,)`` how many bytes from
    there on can belong to the stream, captured or not; ``marks`` ``(N,)``. ``lanes`` ``(5, 2C)``: ``LIMIT`` the
    position that nothing lies behind (-1 unknown), ``END_KIND``, ``END_AT`` the index of the packet that ended it,
    ``SENT`` and ``ACKNOWLEDGED`` the highest position that its sender and its peer know of. ``bases`` ``(2C,)`` are
    the sequence numbers of position 0, and ``from_start`` ``(2C,)`` says that a handshake told them.
    """

    position: I64
    usable: I64
    marks: I64
    lanes: I64
    bases: I64
    from_start: Bools


def place(packets: PacketTable, lanes: LaneTable) -> Placement:
    """Place the packets of all lanes."""
    rows = lanes.rows
    matrix = np.empty((4, len(rows)), np.int64)
    matrix[SEQ] = packets.seq[rows]
    matrix[ACKED] = packets.ack[rows]
    matrix[FLAGS] = packets.tcp_flags[rows]
    matrix[LENGTH] = packets.payload_wire_len[rows]
    bases, from_start = _find_bases(matrix, lanes)
    matrix[LENGTH, _idle_syns(matrix, lanes, bases)] = 0

    placed = np.zeros((3, len(rows)), np.int64)
    ends = np.zeros((5, 2 * len(lanes)), np.int64)
    run_kernel(gather_acknowledgements, len(rows), matrix, lanes.starts, bases, ends)
    run_kernel(place_packets, len(rows), matrix, lanes.starts, bases, placed, ends)
    return Placement(placed[0], placed[1], placed[2], ends, bases, from_start)


def _find_bases(matrix: I64, lanes: LaneTable) -> tuple[I64, Bools]:
    """The sequence number of position 0 of each lane, ``(2C,)``, and whether a handshake told it.

    A SYN tells; of several the one that the peer acknowledges, else the last. Then the peer's SYN-ACK, then the lowest
    of the early segments, the first packet (but for a keep-alive probe, which repeats a number), what the peer
    acknowledges.
    """
    lane_of, (seq, acked, flags, length) = lanes.lane_of, matrix
    peer = np.arange(2 * len(lanes)) ^ 1
    bases = np.full(2 * len(lanes), -1, np.int64)

    first_ack = _values_at(acked, lanes.first_of((flags & (ACK | RST)) == ACK))[peer]
    syns = np.flatnonzero((flags & (SYN | RST)) == SYN)
    answered = syns[((seq[syns] + 1) & LOW_32) == first_ack[lane_of[syns]]]
    for chosen in (syns, answered):
        bases[lane_of[chosen]] = (seq[chosen] + 1) & LOW_32
    _fill(bases, _values_at(acked, lanes.first_of((flags & (SYN | ACK | RST)) == SYN | ACK))[peer])
    from_start = bases >= 0

    _fill(bases, _lowest_early(seq, lanes, (length > 0) & (flags & RST == 0)))
    first_seq = _values_at(seq, lanes.first_of(flags & RST == 0))
    probed = (first_seq >= 0) & (((first_seq + 1) & LOW_32) == first_ack)
    _fill(bases, np.where(probed, first_ack, first_seq))
    _fill(bases, first_ack)
    _fill(bases, _values_at(seq, lanes.first_of(flags >= 0)))
    return np.maximum(bases, 0), from_start


def _values_at(values: I64, indices: I64) -> I64:
    """``values[indices]``, -1 where an index is -1."""
    found = np.full(len(indices), -1, np.int64)
    found[indices >= 0] = values[indices[indices >= 0]]
    return found


def _fill(bases: I64, values: I64) -> None:
    unknown = bases < 0
    bases[unknown] = values[unknown]


def _lowest_early(seq: I64, lanes: LaneTable, has_data: Bools) -> I64:
    first = lanes.first_of(has_data)
    origins = _values_at(seq, first)
    data = np.flatnonzero(has_data)
    lane_of = lanes.lane_of[data]
    rank = np.arange(len(data)) - np.searchsorted(lane_of, lane_of)
    early = data[rank < EARLY_SEGMENTS]
    lane_of = lanes.lane_of[early]
    ahead = ((seq[early] - origins[lane_of] + HALF_32) & LOW_32) - HALF_32
    near = np.abs(ahead) <= MAX_WINDOW
    lowest = np.zeros(len(origins), np.int64)
    np.minimum.at(lowest, lane_of[near], ahead[near])
    return np.where(first >= 0, (origins + lowest) & LOW_32, -1)


def _idle_syns(matrix: I64, lanes: LaneTable, bases: I64) -> Bools:
    """SYNs whose data (RFC 7413) is not the stream's: another initial number, or the server did not take it."""
    seq, acked, flags, length = matrix
    lane_of = lanes.lane_of
    peer = np.arange(2 * len(lanes)) ^ 1
    answers = _values_at(acked, lanes.first_of((flags & (SYN | ACK | RST)) == SYN | ACK))[peer]
    first = (seq + 1) & LOW_32
    idle: Bools = (first != bases[lane_of]) | (first == answers[lane_of])
    idle &= (flags & SYN != 0) & (length > 0)
    return idle


def gather_acknowledgements(packets: I64, starts: I64, bases: I64, lanes: I64) -> int:
    """Kernel: how far the peer of each lane acknowledges it, into ``lanes``; gives 0.

    Numbers are unwrapped one after the other; one that is behind, or further ahead than any window, says nothing. That
    of a RST counts where its own number is exactly the sender's next, which nobody guesses (RFC 5961 section 3.2).
    """
    for lane in range(len(starts) - 1):
        reached = 0
        following = -1
        for i in range(starts[lane], starts[lane + 1]):
            flags = packets[FLAGS, i]
            if flags & RST == 0:
                following = (packets[SEQ, i] + packets[LENGTH, i] + (flags & SYN != 0) + (flags & FIN != 0)) & LOW_32
            if flags & ACK and (flags & RST == 0 or packets[SEQ, i] == following):
                further = (packets[ACKED, i] - bases[lane ^ 1] - reached) & LOW_32
                reached += further if further <= MAX_WINDOW else 0
        lanes[ACKNOWLEDGED, lane ^ 1] = reached
    return 0


def place_packets(packets: I64, starts: I64, bases: I64, placed: I64, lanes: I64) -> int:
    """Kernel: fill ``placed`` (position, usable, marks) and ``lanes`` from ``packets`` ``(4, N)``; gives 0.

    Sequence numbers are unwrapped around the highest position that the sender has reached. A RST or FIN is not
    believed where the peer acknowledges bytes behind it: the sender went on, so it was somebody else's. A RST before
    the first byte ends no stream that begins there after all: it came from the kernel of a sender that has its own TCP.
    """
    for lane in range(len(starts) - 1):
        highest = 0
        limit = -1
        kind = OPEN
        for i in range(starts[lane], starts[lane + 1]):
            flags = packets[FLAGS, i]
            length = packets[LENGTH, i]
            ahead = (packets[SEQ, i] + (flags & SYN != 0) - bases[lane] - highest) & LOW_32
            ahead = ahead - LOW_32 - 1 if ahead >= HALF_32 else ahead
            position = highest + ahead
            placed[0, i] = position
            if flags & RST:
                # A FIN is acknowledged as if it were a byte.
                disbelieved = lanes[ACKNOWLEDGED, lane] > max(position, highest) + 1
                if ahead > RESET_ABOVE or ahead < -RESET_BELOW or disbelieved:
                    placed[2, i] = BAD_RST
                elif kind == OPEN:
                    kind = BY_RST
                    lanes[END_AT, lane] = i
                    limit = max(position, highest)
                continue
            if flags & SYN and position:
                continue
            if ahead > MAX_WINDOW or ahead < -MAX_WINDOW:
                placed[2, i] = OUT_OF_WINDOW
                continue
            lanes[SENT, lane] = max(lanes[SENT, lane], position)
            if length == 1 and ahead == -1 and not flags & (SYN | FIN):
                placed[2, i] = KEEP_ALIVE
                continue
            end = position + length
            if length and kind == BY_RST and position == limit == 0:
                placed[2, i] = AFTER_RST
                limit = -1
                kind = OPEN
            elif length and limit >= 0 and end > limit:
                placed[2, i] = AFTER_FIN if kind == BY_FIN else AFTER_RST
                end = max(limit, position)
            placed[1, i] = end - position
            highest = max(highest, end if length else 0)
            if flags & FIN and lanes[ACKNOWLEDGED, lane] > max(highest, end) + 1:
                placed[2, i] |= BAD_FIN
            elif flags & FIN and limit < 0:
                kind = BY_FIN
                lanes[END_AT, lane] = i
                limit = max(highest, end)
        lanes[LIMIT, lane] = limit
        lanes[END_KIND, lane] = kind
        lanes[SENT, lane] = max(lanes[SENT, lane], highest)
    return 0
