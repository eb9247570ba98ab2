"""Which end of a flow is the client, and how we know."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from analyzer.base.fact import Fact
from analyzer.base.table import I64, PacketTable
from analyzer.flow.halves import redirected_flows
from analyzer.flow.table import FlowTable
from analyzer.flow.tuples import number_rows

Bools = NDArray[np.bool_]

# How the client was told, in the order of trust; the index is the value of ``Orientation.known_by``.
SYN_SEEN, SYN_ACK_SEEN, REDIRECT, PORT = range(4)
CLIENT_BY = ("syn", "syn-ack", "redirect", "port")
GUESSED = CLIENT_BY.index("port")

# The first ephemeral port of Linux (net.ipv4.ip_local_port_range).
FIRST_EPHEMERAL_PORT = 32_768


class Orientation(Fact, frozen=True):
    """Of every flow, ``(F,)``: whether its first sender is the client, and an index of ``CLIENT_BY``."""

    first_is_client: Bools
    known_by: NDArray[np.int8]


def orient_flows(flows: FlowTable, packets: PacketTable, partners: I64) -> Orientation:
    """The client of every flow.

    Who sends the first SYN, who is sent a SYN-ACK (RFC 9293, section 3.5), who talks to a redirect port, and last, by
    ports: an end that serves other connections of the capture serves this one, so does a port below the ephemeral ones,
    an end that more flows share, the lower port. Where all that is equal the first sender is the client.
    """
    redirected = redirected_flows(flows)
    answering = ~redirected & (partners >= 0)

    first_is_client = np.zeros(len(flows), np.bool_)
    known_by = np.full(len(flows), PORT, np.int8)
    first_is_client[redirected], first_is_client[answering] = True, False
    known_by[redirected | answering] = REDIRECT
    for rows, is_client, how in ((flows.syn_ack, False, SYN_ACK_SEEN), (flows.syn, True, SYN_SEEN)):
        seen = rows >= 0
        first_is_client[seen] = _sent_first(flows, packets, rows)[seen] == is_client
        known_by[seen] = how
    guessed = known_by == PORT
    if guessed.any():
        first_is_client[guessed] = _by_port(flows, known_by, first_is_client)[guessed]
    return Orientation(first_is_client, known_by)


def _sent_first(flows: FlowTable, packets: PacketTable, rows: I64) -> Bools:
    """Whether ``rows`` (one packet of each flow) were sent by the flow's first sender."""
    same: Bools = packets.src_port[rows] == flows.first_port
    same &= (packets.src_lo[rows] == flows.first_lo) & (packets.src_hi[rows] == flows.first_hi)
    return same


def _by_port(flows: FlowTable, known_by: NDArray[np.int8], first_is_client: Bools) -> Bools:
    """Whether the first sender is the client, as ports and the other flows suggest."""
    firsts = np.stack([flows.first_hi, flows.first_lo, flows.first_port])
    others = np.stack([flows.other_hi, flows.other_lo, flows.other_port])
    ends = number_rows(np.concatenate([firsts, others], axis=1))
    first, other = ends[: len(flows)], ends[len(flows) :]
    certain = known_by != PORT
    serves = np.zeros(len(ends), np.bool_)
    serves[np.where(first_is_client, other, first)[certain]] = True
    used = np.bincount(ends, minlength=1)

    # Each of these says more than the next; 0 is undecided.
    signs = (
        serves[other].astype(np.int64) - serves[first],
        (flows.first_port >= FIRST_EPHEMERAL_PORT).astype(np.int64) - (flows.other_port >= FIRST_EPHEMERAL_PORT),
        used[other] - used[first],
        flows.first_port - flows.other_port,
    )
    return np.select([sign != 0 for sign in signs], [sign > 0 for sign in signs], default=True)
