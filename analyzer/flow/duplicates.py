"""Packets that a capture holds twice: it was taken at two places that they crossed, or merged from such captures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analyzer.base.table import FIN, HAS_TIMESTAMP, I64, SYN, PacketTable, RecordTable
from analyzer.flow.table import FlowTable

Bools = NDArray[np.bool_]

# Two taps see a packet this near to each other. A retransmission takes longer (RFC 6298: at least 1 s, Linux 200 ms but
# for a probe of the tail), and has a time stamp of its own.
SAME_PACKET_NS = 5_000_000

# Between the copies of a packet may stand so many others of its flow.
LOOK_BACK = 8


def find_duplicates(flows: FlowTable, packets: PacketTable, records: RecordTable) -> Bools:
    """Whether each packet of ``flows.order`` is a further copy of one before it, ``(N,)``.

    A copy has the addresses, sequence numbers, flags, window, timestamps and length of the other and was captured a few
    milliseconds later at most. It was captured elsewhere: on another interface, or on the other way through the same
    one (the packet type of a Linux cooked header); or, where nothing says so, it has the same TCP timestamps (RFC 7323)
    and more than an acknowledgement, which is never sent twice with one clock reading.
    """
    rows = flows.order
    copies = np.zeros(len(rows), np.bool_)
    taps = _taps(packets, records, rows)
    flags, length = packets.tcp_flags[rows], packets.payload_wire_len[rows]
    once = (flags & HAS_TIMESTAMP != 0) & ((length > 0) | (flags & (SYN | FIN) != 0))
    sent = flows.flow_of << 1 | flows.forward
    columns = [sent, packets.seq[rows], packets.ack[rows], flags, length]
    columns += [packets.window[rows], packets.tsval[rows], packets.tsecr[rows]]
    times = records.time_ns[rows]
    for back in range(1, LOOK_BACK + 1):
        same = once[back:] | (taps[back:] != taps[:-back])
        for column in columns:
            same &= column[back:] == column[:-back]
        copies[back:] |= same & (np.abs(times[back:] - times[:-back]) <= SAME_PACKET_NS)
    return copies


def _taps(packets: PacketTable, records: RecordTable, rows: I64) -> I64:
    """A number for where and on which way each packet was captured."""
    at = packets.ifindex[rows].astype(np.int64) << 24 | records.interface[rows].astype(np.int64) << 8
    return at | packets.direction[rows]
