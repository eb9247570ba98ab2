"""Sequence numbers to stream positions: what each packet brings, and what of it can belong to the stream."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from analyzer.base.fact import Fact
from analyzer.base.kernel import run_kernel
from analyzer.base.table import ACK, FIN, I64, RST, SYN, U8, U32, PacketTable
from analyzer.flow.lanes import LaneTable
from analyzer.flow.table import HALF_32, LOW_32

Bools = NDArray[np.bool_]
Columns = tuple[NDArray[Any], ...]

# The largest window that TCP can offer (RFC 7323, section 2.3): no honest segment lies further ahead.
MAX_WINDOW = 65_535 << 14

# Bits of ``Placement.marks``.
OUT_OF_WINDOW, KEEP_ALIVE, AFTER_FIN, AFTER_RST, BAD_RST, BAD_FIN = 1, 2, 4, 8, 16, 32

# The columns of packets that ``place_packets`` reads, and the rows of the matrix of lanes that it writes.
SEQ, ACKED, FLAGS, LENGTH = range(4)
LIMIT, END_KIND, END_AT, SENT, ACKNOWLEDGED = range(5)
OPEN, BY_FIN, BY_RST = range(3)

# An end resets with the number that it would send next, or with the one that its peer expects (RFC 9293, section
# 3.5.2): at most an unscaled window above what was seen, and below it by what was in flight.
RESET_ABOVE = 65_535
RESET_BELOW = 1 << 20

# What a packet may be by its flags; the first of each lane is looked for.
_ACK, _ANSWER, _LIVE = range(3)
_KINDS = np.array(
    [
        ((flags & (ACK | RST)) == ACK) << _ACK | (flags == SYN | ACK) << _ANSWER | (not flags & RST) << _LIVE
        for flags in range(32)
    ],
    np.uint8,
)

# A connection that begins mid-stream begins at the lowest of so many segments: they may be captured out of order.
EARLY_SEGMENTS = 64


class Placement(Fact, frozen=True):
    """Where every packet of ``LaneTable.rows`` lies in its stream, and how each lane ends.

    ``position`` ``(N,)`` of the first payload byte, from the lane's first; ``usable`` ``(N,)`` how many bytes from
    there on can belong to the stream, captured or not; ``marks`` ``(N,)``. ``lanes`` ``(5, 2C)``: ``LIMIT`` the
    position that nothing lies behind (-1 unknown), ``END_KIND``, ``END_AT`` the index of the packet that ended it,
    ``SENT`` and ``ACKNOWLEDGED`` the highest position that its sender and its peer know of. ``bases`` ``(2C,)`` are
    the sequence numbers of position 0, and ``from_start`` ``(2C,)`` says that a handshake told them.
    """

    position: I64
    usable: I64
    marks: U8
    lanes: I64
    bases: I64
    from_start: Bools


def place(packets: PacketTable, lanes: LaneTable) -> Placement:
    """Place the packets of all lanes."""
    rows = lanes.rows
    columns = packets.seq[rows], packets.ack[rows], packets.tcp_flags[rows], packets.payload_wire_len[rows]
    firsts = lanes.firsts_of(_KINDS[columns[FLAGS] & (SYN | ACK | RST)], 3)
    bases, from_start = _find_bases(columns, lanes, firsts)
    columns[LENGTH][_idle_syns(columns, lanes, firsts[_ANSWER], bases)] = 0

    placed = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64), np.zeros(len(rows), np.uint8)
    ends = np.zeros((5, 2 * len(lanes)), np.int64)
    run_kernel(gather_acknowledgements, len(rows), columns, lanes.starts, bases, ends)
    run_kernel(place_packets, len(rows), columns, lanes.starts, bases, placed, ends)
    return Placement(*placed, ends, bases, from_start)


def _find_bases(columns: Columns, lanes: LaneTable, firsts: I64) -> tuple[I64, Bools]:
    """The sequence number of position 0 of each lane, ``(2C,)``, and whether a handshake told it.

    A SYN tells; of several the one that the peer acknowledges, else the last. Then the peer's SYN-ACK, then the lowest
    of the early segments, the first packet (but for a keep-alive probe, which repeats a number), what the peer
    acknowledges.
    """
    seq, acked, flags, length = columns
    peer = np.arange(2 * len(lanes)) ^ 1
    bases = np.full(2 * len(lanes), -1, np.int64)
    first_ack = _values_at(acked, firsts[_ACK])[peer]
    syns = np.flatnonzero((flags & (SYN | RST)) == SYN)
    lane_of, following = lanes.lanes_at(syns), (seq[syns].astype(np.int64) + 1) & LOW_32
    answered = following == first_ack[lane_of]
    for chosen in (np.ones_like(answered), answered):
        bases[lane_of[chosen]] = following[chosen]
    _fill(bases, _values_at(acked, firsts[_ANSWER])[peer])
    from_start = bases >= 0
    if from_start.all():
        return bases, from_start

    late = np.repeat(~from_start, np.diff(lanes.starts))
    _fill(bases, _lowest_early(seq, lanes, late & (length > 0) & (flags & RST == 0)))
    first_seq = _values_at(seq, firsts[_LIVE])
    probed = (first_seq >= 0) & (((first_seq + 1) & LOW_32) == first_ack)
    _fill(bases, np.where(probed, first_ack, first_seq))
    _fill(bases, first_ack)
    _fill(bases, _values_at(seq, np.where(np.diff(lanes.starts) > 0, lanes.starts[:-1], -1)))
    return np.maximum(bases, 0), from_start


def _values_at(values: U32, indices: I64) -> I64:
    """``values[indices]``, -1 where an index is -1."""
    found = np.full(len(indices), -1, np.int64)
    found[indices >= 0] = values[indices[indices >= 0]]
    return found


def _fill(bases: I64, values: I64) -> None:
    unknown = bases < 0
    bases[unknown] = values[unknown]


def _lowest_early(seq: U32, lanes: LaneTable, has_data: Bools) -> I64:
    data = np.flatnonzero(has_data)
    lane_of = lanes.lanes_at(data)
    first = np.full(2 * len(lanes), -1, np.int64)
    # Of several values for one place the last one stays.
    first[lane_of[::-1]] = data[::-1]
    origins = _values_at(seq, first)
    rank = np.arange(len(data)) - np.searchsorted(lane_of, lane_of)
    early, lane_of = data[rank < EARLY_SEGMENTS], lane_of[rank < EARLY_SEGMENTS]
    ahead = ((seq[early] - origins[lane_of] + HALF_32) & LOW_32) - HALF_32
    near = np.abs(ahead) <= MAX_WINDOW
    lowest = np.zeros(len(origins), np.int64)
    np.minimum.at(lowest, lane_of[near], ahead[near])
    return np.where(first >= 0, (origins + lowest) & LOW_32, -1)


def _idle_syns(columns: Columns, lanes: LaneTable, answers: I64, bases: I64) -> I64:
    """SYNs whose data (RFC 7413) is not the stream's: another initial number, or the server did not take it."""
    seq, acked, flags, length = columns
    syns = np.flatnonzero((flags & SYN != 0) & (length > 0))
    lane_of = lanes.lanes_at(syns)
    first = (seq[syns].astype(np.int64) + 1) & LOW_32
    idle = (first != bases[lane_of]) | (first == _values_at(acked, answers)[lane_of ^ 1])
    found: I64 = syns[idle]
    return found


def gather_acknowledgements(packets: Columns, starts: I64, bases: I64, lanes: I64) -> int:
    """Kernel: how far the peer of each lane acknowledges it, into ``lanes``; gives 0.

    Numbers are unwrapped one after the other; one that is behind, or further ahead than any window, says nothing. That
    of a RST counts where its own number is exactly the sender's next, which nobody guesses (RFC 5961 section 3.2).
    """
    seqs, acks, tcp_flags, lengths = packets
    for lane in range(len(starts) - 1):
        reached = 0
        following = -1
        for i in range(starts[lane], starts[lane + 1]):
            flags = tcp_flags[i] & LOW_32
            seq = seqs[i] & LOW_32
            if flags & RST == 0:
                following = (seq + lengths[i] + (flags & SYN != 0) + (flags & FIN != 0)) & LOW_32
            if flags & ACK and (flags & RST == 0 or seq == following):
                further = (acks[i] - bases[lane ^ 1] - reached) & LOW_32
                reached += further if further <= MAX_WINDOW else 0
        lanes[ACKNOWLEDGED, lane ^ 1] = reached
    return 0


def place_packets(packets: Columns, starts: I64, bases: I64, placed: Columns, lanes: I64) -> int:
    """Kernel: fill ``placed`` (position, usable, marks) and ``lanes`` from ``packets``; gives 0.

    Sequence numbers are unwrapped around the highest position that the sender has reached. A RST or FIN is not
    believed where the peer acknowledges bytes behind it: the sender went on, so it was somebody else's. A RST before
    the first byte ends no stream that begins there after all: it came from the kernel of a sender that has its own TCP.
    """
    seqs, _, tcp_flags, lengths = packets
    positions, usable, marks = placed
    for lane in range(len(starts) - 1):
        highest = 0
        limit = -1
        kind = OPEN
        for i in range(starts[lane], starts[lane + 1]):
            flags = tcp_flags[i] & LOW_32
            length = lengths[i] & LOW_32
            ahead = ((seqs[i] & LOW_32) + (flags & SYN != 0) - bases[lane] - highest) & LOW_32
            ahead = ahead - LOW_32 - 1 if ahead >= HALF_32 else ahead
            position = highest + ahead
            positions[i] = position
            if flags & RST:
                # A FIN is acknowledged as if it were a byte.
                disbelieved = lanes[ACKNOWLEDGED, lane] > max(position, highest) + 1
                if ahead > RESET_ABOVE or ahead < -RESET_BELOW or disbelieved:
                    marks[i] = BAD_RST
                elif kind == OPEN:
                    kind = BY_RST
                    lanes[END_AT, lane] = i
                    limit = max(position, highest)
                continue
            if flags & SYN and position:
                continue
            if ahead > MAX_WINDOW or ahead < -MAX_WINDOW:
                marks[i] = OUT_OF_WINDOW
                continue
            lanes[SENT, lane] = max(lanes[SENT, lane], position)
            if length == 1 and ahead == -1 and not flags & (SYN | FIN):
                marks[i] = KEEP_ALIVE
                continue
            end = position + length
            if length and kind == BY_RST and position == limit == 0:
                marks[i] = AFTER_RST
                limit = -1
                kind = OPEN
            elif length and limit >= 0 and end > limit:
                marks[i] = AFTER_FIN if kind == BY_FIN else AFTER_RST
                end = max(limit, position)
            usable[i] = end - position
            highest = max(highest, end if length else 0)
            if flags & FIN and lanes[ACKNOWLEDGED, lane] > max(highest, end) + 1:
                marks[i] |= BAD_FIN
            elif flags & FIN and limit < 0:
                kind = BY_FIN
                lanes[END_AT, lane] = i
                limit = max(highest, end)
        lanes[LIMIT, lane] = limit
        lanes[END_KIND, lane] = kind
        lanes[SENT, lane] = max(lanes[SENT, lane], highest)
    return 0
