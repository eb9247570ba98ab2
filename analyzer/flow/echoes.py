"""Whether two one-sided flows are the halves of one conversation, from the numbers that each sends and echoes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analyzer.base.fact import Fact
from analyzer.base.table import ACK, HAS_TIMESTAMP, I64, RST, PacketTable
from analyzer.flow.table import HALF_32, LOW_32, FlowTable

Bools = NDArray[np.bool_]

# Timestamps are looked for in so many packets of each flow.
COMPARED_PACKETS = 256

# What one end acknowledges and what the other sends may miss each other by so many bytes: packets get lost.
RANGE_SLACK = 65_536

# Further away than any sequence number.
NOWHERE = 1 << 40


class Echoes(Fact, frozen=True):
    """What each flow sends and what it acknowledges, as ranges of sequence numbers.

    ``sent`` and ``acked`` are each three columns ``(F,)``: a number of the flow, and how far below and above it the
    others lie, modulo 2^32. A flow without acknowledgements has a range that meets no other.
    """

    flows: FlowTable
    packets: PacketTable
    sent: tuple[I64, I64, I64]
    acked: tuple[I64, I64, I64]

    def agree(self, a: int, b: int) -> bool:
        """Whether each flow acknowledges what the other sends, and one echoes the other's timestamps (RFC 7323)."""
        return self._meet(a, b) and self._meet(b, a) and self._stamps_agree(a, b)

    def _meet(self, sender: int, receiver: int) -> bool:
        sent_from, sent_low, sent_high = (int(column[sender]) for column in self.sent)
        acked_from, acked_low, acked_high = (int(column[receiver]) for column in self.acked)
        between = ((acked_from - sent_from + HALF_32) & LOW_32) - HALF_32
        below = between + acked_high < sent_low - RANGE_SLACK
        return not below and between + acked_low <= sent_high + RANGE_SLACK

    def _stamps_agree(self, a: int, b: int) -> bool:
        """Whether a timestamp is echoed, or some packet has none."""
        starts, order, packets = self.flows.starts, self.flows.order, self.packets
        one, two = (order[starts[f] : starts[f + 1]][:COMPARED_PACKETS] for f in (a, b))
        if not (packets.tcp_flags[np.append(one, two)] & HAS_TIMESTAMP).all():
            return True
        echoed = np.isin(packets.tsecr[one], packets.tsval[two]), np.isin(packets.tsecr[two], packets.tsval[one])
        return bool(np.append(*echoed).any())


def read_echoes(flows: FlowTable, packets: PacketTable) -> Echoes:
    """The echoes of all flows; there must be some."""
    rows = flows.order
    counts = (packets.tcp_flags[rows] & (ACK | RST)) == ACK
    length = packets.payload_wire_len[rows].astype(np.int64)
    sent = _range(flows, counts, packets.seq[rows].astype(np.int64), length)
    acked = _range(flows, counts, packets.ack[rows].astype(np.int64), np.zeros_like(length))
    return Echoes(flows, packets, sent, acked)


def _range(flows: FlowTable, counts: Bools, numbers: I64, length: I64) -> tuple[I64, I64, I64]:
    last_to_first = np.flatnonzero(counts)[::-1]
    origin = np.zeros(len(flows), np.int64)
    origin[flows.flow_of[last_to_first]] = numbers[last_to_first]
    away = ((numbers - origin[flows.flow_of] + HALF_32) & LOW_32) - HALF_32
    low = np.minimum.reduceat(np.where(counts, away, NOWHERE), flows.starts[:-1])
    high = np.maximum.reduceat(np.where(counts, away + length, -NOWHERE), flows.starts[:-1])
    return origin, low, high
