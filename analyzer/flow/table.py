"""TCP flows as columns: one row for each connection as it was seen on the wire, and its packets as CSR.

A redirected connection of a pod is two flows here, for its two directions have different addresses; ``halves`` joins
them. The packets of a flow keep the order of the capture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from analyzer.base.fact import Fact
from analyzer.base.kernel import run_kernel
from analyzer.base.table import ACK, I64, PROTOCOL_TCP, PROTOCOL_UDP, RST, SYN, PacketTable, RecordTable, decoded_as
from analyzer.flow.numbering import number_packets

Bools = NDArray[np.bool_]

# Columns of the matrix of tuples that ``follow_tuples`` keeps: whether the handshake is over, the lowest sequence
# number that each side is known to have used, the flow and the side that sent its first packet.
PAST_HANDSHAKE, LOWEST, FLOW, FIRST_SIDE = 0, 1, 3, 4
# Columns of the matrix of flows that it writes.
FIRST, LAST, SYN_ROW, SYN_ACK_ROW, ANSWERED, PACKETS = range(6)

# A SYN may be captured after packets that followed it, by no more than an unscaled window (RFC 9293, section 3.1). A
# further one opens a new connection: initial sequence numbers run with a clock (RFC 6528), so they land elsewhere.
LATE_SYN_BYTES = 65_536

LOW_32 = 0xFFFF_FFFF
HALF_32 = 0x8000_0000


class FlowTable(Fact, frozen=True):
    """All TCP flows of a capture, in the order of their first packet.

    Columns ``(F,)``: the address halves and port of who sent the flow's first packet, and of the other end; when its
    first and its last packet were captured; the row of the first packet that has SYN of SYN, ACK and RST, and of the
    first that has SYN and ACK (-1 without one); whether the other end sent anything that was captured.
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
    syn: I64
    syn_ack: I64
    answered: Bools
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


def build_flows(packets: PacketTable, records: RecordTable) -> FlowTable:
    """The flows of all decoded TCP packets; a tuple that a new handshake uses again gives a new flow.

    There is no time-out: a connection may be silent for hours (``tcp_keepalive_time`` is two) and go on.
    """
    rows = np.flatnonzero(decoded_as(packets, PROTOCOL_TCP))
    tuple_of = number_packets(packets, rows)
    tuples = np.full((int(tuple_of.max(initial=-1) >> 1) + 1, 5), -1, np.int64)
    flows = np.empty((len(rows), 6), np.int64)
    flow_of = np.empty(len(rows), np.int64)
    columns = packets.tcp_flags, packets.seq, packets.ack
    count = run_kernel(follow_tuples, len(rows), columns, rows, tuple_of, tuples, flows, flow_of)
    return _table(packets, records, rows, flow_of, flows[:count])


def follow_tuples(packets: Sequence[I64], rows: I64, tuple_of: I64, tuples: I64, flows: I64, flow_of: I64) -> int:
    """Kernel: twice the flow of each packet, plus 1 where its first sender sent it; gives how many flows there are.

    ``packets`` are flags, sequence and acknowledgement numbers by row; ``tuple_of`` ``(N,)`` as ``number_packets``
    gives it, for ``rows``; ``tuples`` ``(T, 5)`` is scratch, all -1. A SYN opens a connection where the tuple has gone
    past its handshake and the SYN does not lie where the known bytes begin, nor, of a SYN-ACK, answers the known SYN.
    """
    tcp_flags, seqs, acks = packets
    found = 0
    for i in range(len(rows)):
        row = rows[i]
        t = tuple_of[i] >> 1
        side = tuple_of[i] & 1
        flags = tcp_flags[row] & (SYN | ACK | RST)
        seq = seqs[row] & LOW_32
        lowest, opposite = tuples[t, LOWEST + side], tuples[t, LOWEST + 1 - side]
        far = lowest >= 0 and ((lowest - seq) & LOW_32) > LATE_SYN_BYTES
        if flags & ACK and far:
            far = ((opposite - acks[row] + 1) & LOW_32) > LATE_SYN_BYTES
        flow = tuples[t, FLOW]
        if flow < 0 or (flags & SYN and tuples[t, PAST_HANDSHAKE] > 0 and far):
            flow = found
            found += 1
            flows[flow, FIRST] = row
            flows[flow, SYN_ROW] = -1
            flows[flow, SYN_ACK_ROW] = -1
            flows[flow, ANSWERED] = 0
            flows[flow, PACKETS] = 0
            tuples[t, FLOW] = flow
            tuples[t, FIRST_SIDE] = side
            tuples[t, PAST_HANDSHAKE] = 0
            lowest = opposite = -1
        if flags & RST or not flags & SYN:
            tuples[t, PAST_HANDSHAKE] = 1
        if flags & RST == 0:
            early = flags & SYN and tuples[t, PAST_HANDSHAKE] == 0
            if lowest < 0 or early or ((lowest - seq) & LOW_32) < HALF_32:
                lowest = seq
            if flags & ACK and opposite < 0:
                opposite = acks[row] & LOW_32
        tuples[t, LOWEST + side] = lowest
        tuples[t, LOWEST + 1 - side] = opposite
        if flags == SYN and flows[flow, SYN_ROW] < 0:
            flows[flow, SYN_ROW] = row
        if flags == SYN | ACK and flows[flow, SYN_ACK_ROW] < 0:
            flows[flow, SYN_ACK_ROW] = row
        first_sender = tuples[t, FIRST_SIDE] == side
        if not first_sender:
            flows[flow, ANSWERED] = 1
        flows[flow, LAST] = row
        flows[flow, PACKETS] += 1
        flow_of[i] = flow << 1 | first_sender
    return found


def sort_packets(flow_of: I64, rows: I64, places: I64, order: I64, forward: Bools) -> int:
    """Kernel: the packets flow after flow: ``order`` and ``forward`` as ``FlowTable`` has them; gives 0.

    ``flow_of`` is what ``follow_tuples`` gives of ``rows``; ``places``, where each flow begins, is left where it ends.
    """
    for i in range(len(rows)):
        flow = flow_of[i] >> 1
        at = places[flow]
        places[flow] = at + 1
        order[at] = rows[i]
        forward[at] = flow_of[i] & 1
    return 0


def _table(packets: PacketTable, records: RecordTable, rows: I64, flow_of: I64, flows: I64) -> FlowTable:
    starts = np.zeros(len(flows) + 1, np.int64)
    np.cumsum(flows[:, PACKETS], out=starts[1:])
    order, forward = np.empty(len(rows), np.int64), np.empty(len(rows), np.bool_)
    run_kernel(sort_packets, len(rows), flow_of, rows, starts[:-1].copy(), order, forward)
    first = flows[:, FIRST].copy()
    return FlowTable(
        first_hi=packets.src_hi[first],
        first_lo=packets.src_lo[first],
        first_port=packets.src_port[first].astype(np.int64),
        other_hi=packets.dst_hi[first],
        other_lo=packets.dst_lo[first],
        other_port=packets.dst_port[first].astype(np.int64),
        first_ns=records.time_ns[first],
        last_ns=records.time_ns[flows[:, LAST]],
        syn=flows[:, SYN_ROW].copy(),
        syn_ack=flows[:, SYN_ACK_ROW].copy(),
        answered=flows[:, ANSWERED] > 0,
        order=order,
        starts=starts,
        forward=forward,
        protocols={"tcp": len(rows), "udp": int(np.count_nonzero(decoded_as(packets, PROTOCOL_UDP)))},
    )
