"""The two halves of a connection that iptables redirected, joined.

REDIRECT rewrites the destination before the packet reaches the tap on ``lo``; the answers are captured after their
source has been restored. So one connection is two flows with different addresses: half A from the client to the
redirect port, which nobody answers, and half B of answers only, from the address that the client meant.

Two connections from one port of the client to different servers would be one on the redirect port; the kernel gives the
later one another source port there (``nf_nat_l4proto_unique_tuple``). B still goes to the port that the client has.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from analyzer.base.table import ACK, HAS_TIMESTAMP, I64, IPV4_MAPPED_PREFIX, RST, SYN, PacketTable
from analyzer.flow.table import HALF_32, LOW_32, FlowTable

Bools = NDArray[np.bool_]
_Clients = dict[tuple[int, int, int], list[int]]

# Istio's redirect ports: outbound and inbound (tools/istio-iptables, ProxyPort and InboundCapturePort).
REDIRECT_PORTS = (15001, 15006)

# Where no handshake says which halves belong together, this many packets of each are compared ...
COMPARED_PACKETS = 256
# ... with so many earlier and later halves of the same client.
COMPARED_HALVES = 4

# What one end acknowledges and what the other sends may miss each other by so many bytes: packets get lost.
RANGE_SLACK = 65_536


def pair_halves(flows: FlowTable, packets: PacketTable) -> I64:
    """The other half of every flow, ``(F,)``; -1 where there is none or where it was not captured.

    Halves of one client belong together when B's SYN-ACK acknowledges A's SYN; without a handshake, when each
    acknowledges what the other sends and the timestamps (RFC 7323) do not contradict.
    """
    partners = np.full(len(flows), -1, np.int64)
    towards = redirected_flows(flows)
    if not towards.any():
        return partners
    answering = ~flows.answered & ~towards
    requests = _by_client(flows.first_hi, flows.first_lo, flows.first_port, towards)
    answers = _by_client(flows.other_hi, flows.other_lo, flows.other_port, answering)
    syn = first_rows(flows, packets, SYN)
    syn_ack = first_rows(flows, packets, SYN | ACK)
    for client, asking in requests.items():
        for a, b in _pairs(asking, answers.get(client, []), flows, packets, (syn, syn_ack)):
            partners[a], partners[b] = b, a
    left = partners < 0
    for a, b in _pairs_of_other_ports(np.flatnonzero(towards & left), np.flatnonzero(answering & left), flows, packets):
        partners[a], partners[b] = b, a
    return partners


def redirected_flows(flows: FlowTable) -> Bools:
    """Which flows are the client's half of a redirected connection: unanswered, to a redirect port; ``(F,)``."""
    return ~flows.answered & np.isin(flows.other_port, REDIRECT_PORTS)


def is_loopback(hi: I64, lo: I64) -> Bools:
    """Whether addresses are 127.0.0.0/8 or ::1 (RFC 1122, RFC 4291), ``(F,)``."""
    loopback: Bools = (hi == 0) & ((lo == 1) | (lo >> 24 == (IPV4_MAPPED_PREFIX | 127 << 24) >> 24))
    return loopback


def first_rows(flows: FlowTable, packets: PacketTable, flags: int) -> I64:
    """The row of each flow's first packet with exactly ``flags`` of SYN, ACK and RST, ``(F,)``; -1 without one."""
    has = (packets.tcp_flags[flows.order] & (SYN | ACK | RST)) == flags
    last_to_first = np.flatnonzero(has)[::-1]
    rows = np.full(len(flows), -1, np.int64)
    rows[flows.flow_of[last_to_first]] = flows.order[last_to_first]
    return rows


def _by_client(hi: I64, lo: I64, port: I64, chosen: Bools) -> _Clients:
    found: _Clients = defaultdict(list)
    flows = np.flatnonzero(chosen)
    clients = zip(hi[flows].tolist(), lo[flows].tolist(), port[flows].tolist(), strict=True)
    for flow, client in zip(flows.tolist(), clients, strict=True):
        found[client].append(flow)
    return found


def _pairs(
    asking: list[int], answering: list[int], flows: FlowTable, packets: PacketTable, handshakes: tuple[I64, I64]
) -> Iterator[tuple[int, int]]:
    """The pairs (A, B) of one client's halves: by handshake first, then by what they acknowledge."""
    syn, syn_ack = handshakes
    by_next = {(int(packets.seq[syn[a]]) + 1) & LOW_32: a for a in reversed(asking) if syn[a] >= 0}
    taken = set()
    late = []
    for b in answering:
        a = by_next.pop(int(packets.ack[syn_ack[b]]), None) if syn_ack[b] >= 0 else None
        if a is None:
            late.append(b)
        else:
            taken.add(a)
            yield a, b
    for b in late:
        # Flows are numbered by their first packet, so neighbours in number began at about the same time.
        at = bisect_left(asking, b)
        near = (a for a in asking[max(0, at - COMPARED_HALVES) : at + COMPARED_HALVES] if a not in taken)
        a = next((a for a in sorted(near, key=lambda a: abs(a - b)) if _agree(flows, packets, a, b)), None)
        if a is not None:
            taken.add(a)
            yield a, b


def _pairs_of_other_ports(
    asking: I64, answering: I64, flows: FlowTable, packets: PacketTable
) -> Iterator[tuple[int, int]]:
    """The pairs (A, B) of the same client address, whatever its ports: by handshake and timestamp alone."""
    syn, syn_ack = first_rows(flows, packets, SYN), first_rows(flows, packets, SYN | ACK)
    waiting: dict[tuple[int, ...], int] = {}
    for a in asking[syn[asking] >= 0].tolist():
        row = syn[a]
        key = (int(flows.first_hi[a]), int(flows.first_lo[a]), (int(packets.seq[row]) + 1) & LOW_32)
        waiting[*key, int(packets.tsval[row])] = a
    for b in answering[syn_ack[answering] >= 0].tolist():
        row = syn_ack[b]
        key = (int(flows.other_hi[b]), int(flows.other_lo[b]), int(packets.ack[row]))
        a = waiting.pop((*key, int(packets.tsecr[row])), None)
        if a is not None:
            yield a, b


def _agree(flows: FlowTable, packets: PacketTable, a: int, b: int) -> bool:
    """Whether each flow acknowledges what the other sends, and echoes its timestamps."""
    one, two = _acknowledging(flows, packets, a), _acknowledging(flows, packets, b)
    if not len(one) or not len(two):
        return False
    if (packets.tcp_flags[np.append(one, two)] & HAS_TIMESTAMP).all():
        echoed = np.isin(packets.tsecr[one], packets.tsval[two]), np.isin(packets.tsecr[two], packets.tsval[one])
        if not np.append(*echoed).any():
            return False
    return _meet(packets, one, two) and _meet(packets, two, one)


def _acknowledging(flows: FlowTable, packets: PacketTable, flow: int) -> I64:
    rows = flows.order[flows.starts[flow] : flows.starts[flow + 1]][:COMPARED_PACKETS]
    acknowledging: I64 = rows[(packets.tcp_flags[rows] & (ACK | RST)) == ACK]
    return acknowledging


def _meet(packets: PacketTable, sender: I64, receiver: I64) -> bool:
    """Whether what ``receiver`` acknowledges overlaps what ``sender`` sends, in sequence numbers modulo 2^32."""
    origin = int(packets.seq[sender[0]])
    sent = _distances(packets.seq[sender], origin)
    ends = sent + packets.payload_wire_len[sender]
    acked = _distances(packets.ack[receiver], origin)
    return bool(acked.max() >= sent.min() - RANGE_SLACK and acked.min() <= ends.max() + RANGE_SLACK)


def _distances(numbers: NDArray[np.uint32], origin: int) -> I64:
    distances: I64 = ((numbers.astype(np.int64) - origin + HALF_32) & LOW_32) - HALF_32
    return distances
