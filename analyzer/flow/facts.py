"""The plain facts of every connection as columns: who with whom, when, how much."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from analyzer.base.address import format_address
from analyzer.base.fact import Fact
from analyzer.base.table import ACK, HAS_TIMESTAMP, I64, RST, SYN, U32, distinct
from analyzer.flow.connection import Endpoint
from analyzer.flow.halves import REDIRECT_PORTS, is_loopback, redirected_flows
from analyzer.flow.orientation import CLIENT_BY
from analyzer.flow.table import LOW_32
from analyzer.flow.traffic import Traffic

# Packets of several queues of a network card, or of several captures that were merged, are written this late at most.
MAX_DISORDER_NS = 5_000_000_000


class Ends(Fact, frozen=True):
    """Who talks with whom: the fields of ``Connection`` of the same names."""

    client: Endpoint
    server: Endpoint
    client_by: str
    redirect_port: int
    joined: bool


class Extent(Fact, frozen=True):
    """When and how much: the fields of ``Connection`` of the same names."""

    first_ns: int
    last_ns: int
    first_packet: int
    last_packet: int
    client_packets: int
    server_packets: int
    client_bytes: int
    server_bytes: int
    missed_bytes: int


class Opening(Fact, frozen=True):
    """The handshake: the fields of ``Connection`` of the same names."""

    syn_seq: int | None
    syn_ack_seq: int | None
    syn_tsval: int | None


def extents(traffic: Traffic) -> Iterator[Extent]:
    """The extent of each connection; packets that were captured twice count once."""
    lanes, pieces, number = traffic.lanes, traffic.pieces, traffic.records.numbers_at
    first, last = lanes.first_row, lanes.last_row
    first_ns, last_ns = _span(traffic, first, last)
    client_packets, server_packets = np.diff(lanes.starts).reshape(-1, 2).T
    client_bytes, server_bytes = pieces.lengths.reshape(-1, 2).T
    missed = pieces.missing.reshape(-1, 2).sum(axis=1)
    columns = (
        first_ns, last_ns, number(first), number(last),
        client_packets, server_packets, client_bytes, server_bytes, missed,
    )  # fmt: skip
    return (Extent(*values) for values in zip(*(column.tolist() for column in columns), strict=True))


def _span(traffic: Traffic, first: I64, last: I64) -> tuple[I64, I64]:
    """When each connection was first and last seen, also by packets that were written late.

    Times that are farther off than ``MAX_DISORDER_NS`` come from a clock that was set, and tell nothing.
    """
    times, begins = traffic.records.time_ns, traffic.lanes.starts[:-1:2]
    if not len(begins):
        return first, last
    seen, of = times[traffic.lanes.rows], traffic.lanes.lane_of >> 1
    earliest, latest = times[first], np.maximum(times[first], times[last])
    early = np.where(seen >= (earliest - MAX_DISORDER_NS)[of], seen, earliest[of])
    late = np.where(seen <= (latest + MAX_DISORDER_NS)[of], seen, latest[of])
    return np.minimum.reduceat(early, begins), np.maximum.reduceat(late, begins)


def ends(traffic: Traffic) -> Iterator[Ends]:
    """The ends of each connection, as the client meant them."""
    flows, lead, partner = traffic.flows, traffic.lanes.lead, traffic.lanes.partner
    whole = partner >= 0
    known_by = traffic.orientation.known_by
    how = np.where(whole, np.minimum(known_by[lead], known_by[partner]), known_by[lead])
    first_is_client = traffic.orientation.first_is_client[lead]
    firsts = (flows.first_hi, flows.first_lo, flows.first_port)
    others = (flows.other_hi, flows.other_lo, flows.other_port)
    clients = [np.where(first_is_client, a[lead], b[lead]) for a, b in zip(firsts, others, strict=True)]
    servers = [np.where(first_is_client, b[lead], a[lead]) for a, b in zip(firsts, others, strict=True)]
    redirected = np.isin(servers[2], REDIRECT_PORTS) & (is_loopback(*servers[:2]) & ~is_loopback(*clients[:2]))
    redirected |= redirected_flows(flows)[lead]
    redirect_port = np.where(redirected, servers[2], 0)
    joined = np.where(redirected, whole, np.diff(traffic.lanes.starts)[::2] > 0)
    # The other half is what the server sent, from the address that the client meant.
    servers = [np.where(whole, a[partner], server) for a, server in zip(firsts, servers, strict=True)]
    version = traffic.packets.ip_version[flows.order[flows.starts[lead]]]
    columns = (c.tolist() for c in (*clients, *servers, version, how, redirect_port, joined))
    for c_hi, c_lo, c_port, s_hi, s_lo, s_port, ip, by, port, both in zip(*columns, strict=True):
        client = Endpoint(format_address(c_hi, c_lo, version=ip), c_port)
        server = Endpoint(format_address(s_hi, s_lo, version=ip), s_port)
        yield Ends(client, server, CLIENT_BY[by], port, both)


def openings(traffic: Traffic) -> Iterator[Opening]:
    """What the SYN and the SYN-ACK that opened each connection say."""
    packets, lanes = traffic.packets, traffic.lanes
    flags = packets.tcp_flags[lanes.rows]
    opening = (flags & (SYN | RST)) == SYN
    opening &= ((packets.seq[lanes.rows].astype(np.int64) + 1) & LOW_32) == traffic.placement.bases[lanes.lane_of]
    syn = lanes.rows_at(lanes.first_of(opening & (flags & ACK == 0)))[::2]
    syn_ack = lanes.rows_at(lanes.first_of(opening & (flags & ACK != 0)))[1::2]
    stamped = (syn >= 0) & (packets.tcp_flags[syn] & HAS_TIMESTAMP != 0)
    tsval = _optional(packets.tsval, np.where(stamped, syn, -1))
    return map(Opening, _optional(packets.seq, syn), _optional(packets.seq, syn_ack), tsval)


def _optional(column: U32, rows: I64) -> list[int | None]:
    """``column[rows]``, None where a row is -1."""
    return [value if row >= 0 else None for row, value in zip(rows.tolist(), column[rows].tolist(), strict=True)]


def interfaces(traffic: Traffic) -> Iterator[tuple[int, ...]]:
    """The interface indexes that each connection was seen on, ascending; none where the link does not say."""
    connection = traffic.lanes.connection_of[traffic.flows.flow_of]
    index = traffic.packets.ifindex[traffic.flows.order].astype(np.int64)
    known = (connection >= 0) & (index > 0)
    pairs = distinct(connection[known] << 32 | index[known])
    bounds = np.searchsorted(pairs >> 32, np.arange(len(traffic.lanes) + 1)).tolist()
    indexes = (pairs & LOW_32).tolist()
    for c in range(len(traffic.lanes)):
        yield tuple(indexes[bounds[c] : bounds[c + 1]])
