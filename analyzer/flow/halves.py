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
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from analyzer.base.table import ACK, I64, IPV4_MAPPED_PREFIX, RST, SYN, PacketTable
from analyzer.flow.echoes import Echoes, read_echoes
from analyzer.flow.table import LOW_32, FlowTable

Bools = NDArray[np.bool_]
_Clients = dict[tuple[int, int, int], list[int]]

# Istio's redirect ports: outbound and inbound (tools/istio-iptables, ProxyPort and InboundCapturePort).
REDIRECT_PORTS = (15001, 15006)

# Where no handshake says which halves belong together, so many earlier and later ones of the client are compared.
COMPARED_HALVES = 4


def pair_halves(flows: FlowTable, packets: PacketTable) -> I64:
    """The other half of every flow, ``(F,)``; -1 where there is none or where it was not captured.

    Halves of one client belong together when B's SYN-ACK acknowledges A's SYN; without a handshake, when each
    acknowledges what the other sends and the timestamps (RFC 7323) do not contradict. Halves that go to the port that
    A comes from are looked for first, then those of other ports of the same address.
    """
    partners = np.full(len(flows), -1, np.int64)
    towards = redirected_flows(flows)
    if not towards.any():
        return partners
    answering = ~flows.answered & ~towards
    first_byte, answered = (numbers.tolist() for numbers in _handshakes(flows, packets))
    echoes = read_echoes(flows, packets)
    for first_port, other_port in ((flows.first_port, flows.other_port), (np.zeros_like(partners),) * 2):
        left = partners < 0
        requests = _by_client(flows.first_hi, flows.first_lo, first_port, towards & left)
        answers = _by_client(flows.other_hi, flows.other_lo, other_port, answering & left)
        for client, asking in requests.items():
            answers_to = answers.get(client, [])
            shaken = _pairs_by_handshake(asking, answers_to, first_byte, answered)
            late = _pairs_by_echo([a for a in asking if a not in shaken], set(answers_to) - {*shaken.values()}, echoes)
            for a, b in (shaken | late).items():
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


def _handshakes(flows: FlowTable, packets: PacketTable) -> tuple[I64, I64]:
    """The number behind each flow's SYN, and the one that its SYN-ACK acknowledges, ``(F,)``; -1 without one."""
    syn, syn_ack = first_rows(flows, packets, SYN), first_rows(flows, packets, SYN | ACK)
    following = (packets.seq[syn].astype(np.int64) + 1) & LOW_32
    return np.where(syn >= 0, following, -1), np.where(syn_ack >= 0, packets.ack[syn_ack].astype(np.int64), -1)


def _pairs_by_handshake(
    asking: list[int], answering: list[int], first_byte: Sequence[int], answered: Sequence[int]
) -> dict[int, int]:
    """The pairs A: B of one client's halves whose SYN-ACK acknowledges the SYN."""
    waiting = {first_byte[a]: a for a in reversed(asking) if first_byte[a] >= 0}
    found = {}
    for b in answering:
        a = waiting.pop(answered[b], None)
        if a is not None:
            found[a] = b
    return found


def _pairs_by_echo(asking: list[int], answering: set[int], echoes: Echoes) -> dict[int, int]:
    """The pairs A: B of one client's halves that acknowledge each other, the nearest first."""
    found: dict[int, int] = {}
    for b in sorted(answering):
        # Flows are numbered by their first packet, so neighbours in number began at about the same time.
        at = bisect_left(asking, b)
        near = [a for a in asking[max(0, at - COMPARED_HALVES) : at + COMPARED_HALVES] if a not in found]
        a = next((a for a in sorted(near, key=lambda a: abs(a - b)) if echoes.agree(a, b)), None)
        if a is not None:
            found[a] = b
    return found
