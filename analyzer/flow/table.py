"""TCP flows as columns: one row for each connection as it was seen on the wire, and its packets as CSR.

A redirected connection of a pod is two flows here, for its two directions have different addresses; ``halves`` joins
them. The packets of a flow keep the order of the capture.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analyzer.base.kernel import run_kernel
from analyzer.base.table import ACK, DECODED, I64, PROTOCOL_TCP, PROTOCOL_UDP, RST, SYN, PacketTable, RecordTable
from analyzer.flow.tuples import canonical_tuples, number_rows, stable_order

Bools = NDArray[np.bool_]

# Rows of the matrix that ``split_reused`` walks.
FLAGS, SEQ, ACKED, SIDE = range(4)

# A SYN may be captured after packets that followed it, by no more than an unscaled window (RFC 9293, section 3.1). A
# further one opens a new connection: initial sequence numbers run with a clock (RFC 6528), so they land elsewhere.
LATE_SYN_BYTES = 65_536

LOW_32 = 0xFFFF_FFFF
HALF_32 = 0x8000_0000


@dataclass(frozen=True, slots=True)
class FlowTable:
    """All TCP flows of a capture, in the order of their first packet.

    Columns ``(F,)``: the address halves and port of who sent the flow's first packet, and of the other end; when its
    first and its last packet were captured.
    ``order`` ``(N,)`` has the rows of the ``PacketTable``, flow after flow; those of flow f are
    ``order[starts[f]:starts[f + 1]]``. ``forward[i]`` says that ``order[i]`` went from the first sender to the other
    end. ``protocols`` counts the decoded packets of the capture by transport.
    """

    first_hi: I64
    first_lo: I64
    first_port: I64
    other_hi: I64
    other_lo: I64
    other_port: I64
    first_ns: I64
    last_ns: I64
    order: I64
    starts: I64
    forward: Bools
    protocols: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.first_port)

    @property
    def flow_of(self) -> I64:
        """The flow of each packet in ``order``, ``(N,)``."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    @property
    def answered(self) -> Bools:
        """Whether the other end sent anything that was captured, ``(F,)``."""
        answered = np.zeros(len(self), np.bool_)
        answered[self.flow_of[~self.forward]] = True
        return answered


def build_flows(packets: PacketTable, records: RecordTable) -> FlowTable:
    """The flows of all decoded TCP packets; a tuple that a new handshake uses again gives a new flow.

    There is no time-out: a connection may be silent for hours (``tcp_keepalive_time`` is two) and go on.
    """
    rows = np.flatnonzero((packets.fate == DECODED) & (packets.protocol == PROTOCOL_TCP))
    tuples, swapped = canonical_tuples(packets, rows)
    numbers = number_rows(tuples)
    by_tuple = stable_order(numbers)
    begins = _beginnings(packets, rows[by_tuple], numbers[by_tuple], swapped[by_tuple])
    flow_of = np.empty(len(rows), np.int64)
    flow_of[by_tuple] = np.cumsum(begins) - 1
    return _table(packets, records, rows, _by_first_packet(flow_of))


def _beginnings(packets: PacketTable, rows: I64, numbers: I64, swapped: Bools) -> I64:
    """1 where a packet opens a flow, in the order of ``rows`` (tuple after tuple), ``(N,)``."""
    begins = np.zeros(len(rows), np.int64)
    new_tuple = np.ones(len(rows), np.bool_)
    new_tuple[1:] = numbers[1:] != numbers[:-1]
    starts = np.append(np.flatnonzero(new_tuple), len(rows))
    matrix = np.empty((4, len(rows)), np.int64)
    matrix[FLAGS] = packets.tcp_flags[rows]
    matrix[SEQ] = packets.seq[rows]
    matrix[ACKED] = packets.ack[rows]
    matrix[SIDE] = swapped
    run_kernel(split_reused, len(rows), matrix, starts, begins, np.empty(2, np.int64))
    return begins


def split_reused(packets: I64, starts: I64, begins: I64, lowest: I64) -> int:
    """Kernel: mark the packets that open a connection on a tuple; gives how many there are.

    ``packets`` ``(4, N)`` is sorted by tuple, ``starts`` ``(T + 1,)``; ``lowest`` ``(2,)`` is scratch: the lowest
    sequence number that each side is known to have used. A SYN opens a connection where the tuple has gone past its
    handshake and the SYN does not lie where the known bytes begin, nor, of a SYN-ACK, answers the known SYN.
    """
    found = 0
    for t in range(len(starts) - 1):
        past_handshake = 0
        for i in range(starts[t], starts[t + 1]):
            flags = packets[FLAGS, i]
            seq = packets[SEQ, i]
            side = packets[SIDE, i]
            far = lowest[side] >= 0 and ((lowest[side] - seq) & LOW_32) > LATE_SYN_BYTES
            if flags & ACK and far:
                far = ((lowest[1 - side] - packets[ACKED, i] + 1) & LOW_32) > LATE_SYN_BYTES
            if i == starts[t] or (flags & SYN and past_handshake and far):
                begins[i] = 1
                found += 1
                past_handshake = 0
                lowest[0] = -1
                lowest[1] = -1
            if flags & RST:
                past_handshake = 1
                continue
            if not flags & SYN:
                past_handshake = 1
            if lowest[side] < 0 or (flags & SYN and not past_handshake) or ((lowest[side] - seq) & LOW_32) < HALF_32:
                lowest[side] = seq
            if flags & ACK and lowest[1 - side] < 0:
                lowest[1 - side] = packets[ACKED, i]
    return found


def _by_first_packet(flow_of: I64) -> I64:
    """The same flows, numbered in the order of their first packet."""
    first = np.empty(int(flow_of.max(initial=-1)) + 1, np.int64)
    # Of several values for one place the last one stays.
    first[flow_of[::-1]] = np.arange(len(flow_of))[::-1]
    renumbered = np.empty(len(first), np.int64)
    renumbered[np.argsort(first)] = np.arange(len(first))
    return renumbered[flow_of]


def _table(packets: PacketTable, records: RecordTable, rows: I64, flow_of: I64) -> FlowTable:
    by_flow = stable_order(flow_of)
    order, flow_of = rows[by_flow], flow_of[by_flow]
    flows = int(flow_of[-1]) + 1 if len(flow_of) else 0
    starts = np.searchsorted(flow_of, np.arange(flows + 1))
    first = order[starts[:-1]]
    first_port, other_port = packets.src_port[first].astype(np.int64), packets.dst_port[first].astype(np.int64)
    forward = (
        (packets.src_port[order] == first_port[flow_of])
        & (packets.src_lo[order] == packets.src_lo[first][flow_of])
        & (packets.src_hi[order] == packets.src_hi[first][flow_of])
    )
    return FlowTable(
        first_hi=packets.src_hi[first],
        first_lo=packets.src_lo[first],
        first_port=first_port,
        other_hi=packets.dst_hi[first],
        other_lo=packets.dst_lo[first],
        other_port=other_port,
        first_ns=records.time_ns[first],
        last_ns=records.time_ns[order[starts[1:] - 1]],
        order=order,
        starts=starts,
        forward=forward,
        protocols=_count_protocols(packets),
    )


def _count_protocols(packets: PacketTable) -> Mapping[str, int]:
    counts = np.bincount(packets.protocol[packets.fate == DECODED], minlength=PROTOCOL_UDP + 1)
    return {"tcp": int(counts[PROTOCOL_TCP]), "udp": int(counts[PROTOCOL_UDP])}
