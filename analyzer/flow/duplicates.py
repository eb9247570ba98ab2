"""Packets that a capture holds twice because it was taken at two places that they crossed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analyzer.base.table import I64, PacketTable, RecordTable
from analyzer.flow.table import FlowTable

Bools = NDArray[np.bool_]

# Two taps of one machine see a packet this near to each other. A retransmission takes longer (RFC 6298: at least 1 s,
# Linux 200 ms), and the same tap sees it again.
SAME_PACKET_NS = 5_000_000

# Between the copies of a packet may stand so many others of its flow.
LOOK_BACK = 8


def find_duplicates(flows: FlowTable, packets: PacketTable, records: RecordTable) -> Bools:
    """Whether each packet of ``flows.order`` is a further copy of one before it, ``(N,)``.

    A copy has the addresses, sequence numbers, flags, window, timestamps and length of the other, was captured a few
    milliseconds later at most, and elsewhere: on another interface, or on the other way through the same one (the
    packet type of a Linux cooked header).
    """
    rows = flows.order
    copies = np.zeros(len(rows), np.bool_)
    taps = _taps(packets, records, rows)
    if not len(rows) or (taps == taps[0]).all():
        return copies
    sent = flows.flow_of << 1 | flows.forward
    columns = [sent, packets.seq[rows], packets.ack[rows], packets.tcp_flags[rows], packets.window[rows]]
    columns += [packets.tsval[rows], packets.tsecr[rows], packets.payload_wire_len[rows]]
    times = records.time_ns[rows]
    for back in range(1, LOOK_BACK + 1):
        same = taps[back:] != taps[:-back]
        for column in columns:
            same &= column[back:] == column[:-back]
        copies[back:] |= same & (np.abs(times[back:] - times[:-back]) <= SAME_PACKET_NS)
    return copies


def _taps(packets: PacketTable, records: RecordTable, rows: I64) -> I64:
    """A number for where and on which way each packet was captured."""
    at = packets.ifindex[rows].astype(np.int64) << 24 | records.interface[rows].astype(np.int64) << 8
    return at | packets.direction[rows]
