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
    copies = np.zeros(len(flows.order), np.bool_)
    # Few packets have the numbers of one before them; only those are looked at.
    numbers = (packets.seq.astype(np.uint64) << np.uint64(32) | packets.ack)[flows.order]
    for back in range(1, LOOK_BACK + 1):
        later = np.flatnonzero(numbers[back:] == numbers[:-back]) + back
        later = later[_same_packet(flows, packets, later, later - back)]
        rows, before = flows.order[later], flows.order[later - back]
        near = np.abs(records.time_ns[rows] - records.time_ns[before]) <= SAME_PACKET_NS
        elsewhere = _taps(packets, records, rows) != _taps(packets, records, before)
        copies[later[near & (elsewhere | _sent_once(packets, rows))]] = True
    return copies


def _same_packet(flows: FlowTable, packets: PacketTable, later: I64, before: I64) -> Bools:
    """Whether packets of ``flows.order`` with the same numbers say the same, in the same direction of one flow."""
    same: Bools = flows.forward[later] == flows.forward[before]
    same &= np.searchsorted(flows.starts, later, side="right") == np.searchsorted(flows.starts, before, side="right")
    rows, others = flows.order[later], flows.order[before]
    for column in (packets.tcp_flags, packets.payload_wire_len, packets.window, packets.tsval, packets.tsecr):
        same &= column[rows] == column[others]
    return same


def _sent_once(packets: PacketTable, rows: I64) -> Bools:
    """Whether packets carry more than an acknowledgement, and a clock reading."""
    flags = packets.tcp_flags[rows]
    more = (packets.payload_wire_len[rows] > 0) | (flags & (SYN | FIN) != 0)
    once: Bools = more & (flags & HAS_TIMESTAMP != 0)
    return once


def _taps(packets: PacketTable, records: RecordTable, rows: I64) -> I64:
    """A number for where and on which way each packet was captured."""
    at = packets.ifindex[rows].astype(np.int64) << 24 | records.interface[rows].astype(np.int64) << 8
    return at | packets.direction[rows]
