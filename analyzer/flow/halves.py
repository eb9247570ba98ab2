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
from functools import cache

import numpy as np
from numpy.typing import NDArray

from analyzer.base.table import I64, IPV4_MAPPED_PREFIX, PacketTable
from analyzer.flow.echoes import Echoes, read_echoes
from analyzer.flow.table import LOW_32, FlowTable
from analyzer.flow.tuples import number_rows

Bools = NDArray[np.bool_]
_Clients = dict[tuple[int, ...], list[int]]

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
    answering = ~flows.answered & ~towards
    if not towards.any() or not answering.any():
        return partners
    first_byte, answered = _handshakes(flows, packets)
    echoes = cache(lambda: read_echoes(flows, packets))
    for first_port, other_port in ((flows.first_port, flows.other_port), (np.zeros_like(partners),) * 2):
        requests = np.stack([flows.first_hi, flows.first_lo, first_port, first_byte])
        answers = np.stack([flows.other_hi, flows.other_lo, other_port, answered])
        left = partners < 0
        a, b = _pairs_by_handshake(requests, answers, towards & left & (first_byte >= 0), answering & left)
        partners[a], partners[b] = b, a
        left = partners < 0
        asking, answers_to = _by_client(requests, towards & left), _by_client(answers, answering & left)
        for client in asking.keys() & answers_to.keys():
            for one, other in _pairs_by_echo(asking[client], answers_to[client], echoes()).items():
                partners[one], partners[other] = other, one
    return partners


def redirected_flows(flows: FlowTable) -> Bools:
    """Which flows are the client's half of a redirected connection: unanswered, to a redirect port; ``(F,)``."""
    return ~flows.answered & np.isin(flows.other_port, REDIRECT_PORTS)


def is_loopback(hi: I64, lo: I64) -> Bools:
    """Whether addresses are 127.0.0.0/8 or ::1 (RFC 1122, RFC 4291), ``(F,)``."""
    loopback: Bools = (hi == 0) & ((lo == 1) | (lo >> 24 == (IPV4_MAPPED_PREFIX | 127 << 24) >> 24))
    return loopback


def _by_client(columns: I64, chosen: Bools) -> _Clients:
    """The ``chosen`` flows by their client, whose address halves and port are the first rows of ``columns``."""
    found: _Clients = defaultdict(list)
    flows = np.flatnonzero(chosen)
    for flow, *client in zip(flows.tolist(), *columns[:3, flows].tolist(), strict=True):
        found[tuple(client)].append(flow)
    return found


def _handshakes(flows: FlowTable, packets: PacketTable) -> tuple[I64, I64]:
    """The number behind each flow's SYN, and the one that its SYN-ACK acknowledges, ``(F,)``; -1 without one."""
    syn, syn_ack = flows.syn, flows.syn_ack
    following = (packets.seq[syn].astype(np.int64) + 1) & LOW_32
    return np.where(syn >= 0, following, -1), np.where(syn_ack >= 0, packets.ack[syn_ack].astype(np.int64), -1)


def _pairs_by_handshake(requests: I64, answers: I64, asking: Bools, answering: Bools) -> I64:
    """The pairs ``(2, K)`` of flows, one ``asking`` and one ``answering``, that say the same of client and handshake.

    ``requests`` and ``answers`` ``(4, F)`` are what each says. Of several that say the same the first ones are a pair.
    """
    asked, answered = np.flatnonzero(asking), np.flatnonzero(answering)
    numbers = number_rows(np.concatenate([requests[:, asked], answers[:, answered]], axis=1))
    firsts = np.full((2, int(numbers.max(initial=-1)) + 1), -1, np.int64)
    # Of several values for one place the last one stays.
    firsts[0, numbers[: len(asked)][::-1]] = asked[::-1]
    firsts[1, numbers[len(asked) :][::-1]] = answered[::-1]
    return firsts[:, (firsts >= 0).all(axis=0)]


def _pairs_by_echo(asking: list[int], answering: list[int], echoes: Echoes) -> dict[int, int]:
    """The pairs A: B of one client's halves that acknowledge each other, the nearest first."""
    found: dict[int, int] = {}
    first_ns = echoes.flows.first_ns
    for b in answering:
        # Flows are numbered by their first packet, so neighbours in number began at about the same time.
        at = bisect_left(asking, b)
        near = [a for a in asking[max(0, at - COMPARED_HALVES) : at + COMPARED_HALVES] if a not in found]
        near.sort(key=lambda a: abs(int(first_ns[a]) - int(first_ns[b])))
        a = next((a for a in near if echoes.agree(a, b)), None)
        if a is not None:
            found[a] = b
    return found
