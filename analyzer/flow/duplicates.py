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
        later = _same_packets(flows, packets, np.flatnonzero(numbers[back:] == numbers[:-back]) + back, back)
        rows, before = flows.order[later], flows.order[later - back]
        near = np.abs(records.time_ns[rows] - records.time_ns[before]) <= SAME_PACKET_NS
        elsewhere = _taps(packets, records, rows) != _taps(packets, records, before)
        copies[later[near & (elsewhere | _sent_once(packets, rows))]] = True
    return copies


def _same_packets(flows: FlowTable, packets: PacketTable, later: I64, back: int) -> I64:
    """Those of ``flows.order`` that say what the one so far before them says, in the same direction of one flow."""
    # The length comes first: most that have the numbers of one before them are the data behind an acknowledgement.
    for column in (packets.payload_wire_len, packets.tcp_flags, packets.window, packets.tsval, packets.tsecr):
        later = later[column[flows.order[later]] == column[flows.order[later - back]]]
    flow, other = (np.searchsorted(flows.starts, each, side="right") for each in (later, later - back))
    found: I64 = later[(flow == other) & (flows.forward[later] == flows.forward[later - back])]
    return found


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
