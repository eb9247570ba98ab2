"""The plain facts of every connection as columns: who with whom, when, how much."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import numpy as np

from analyzer.base.address import format_address
from analyzer.base.fact import Fact
from analyzer.base.table import HAS_TIMESTAMP, I64, U8, U32, by_appearance, distinct, numbered
from analyzer.flow.connection import Connection
from analyzer.flow.events import Event, Events
from analyzer.flow.halves import REDIRECT_PORTS, is_loopback, redirected_flows
from analyzer.flow.table import LOW_32
from analyzer.flow.traffic import Bools, Traffic
from analyzer.flow.tuples import number_rows


class EndTable(Fact, frozen=True):
    """The ends of all connections, ``(C,)``: ``client`` and ``server`` are two halves of an address, and a port.

    ``version`` is that of their packets, ``client_by`` an index of ``CLIENT_BY``.
    """

    client: Sequence[I64]
    server: Sequence[I64]
    version: U8
    client_by: I64
    redirect_port: I64
    joined: Bools

    def __len__(self) -> int:
        return len(self.version)


class EndAddresses(Fact, frozen=True):
    """Who talks with whom: ``client`` and ``server`` ``(C,)`` are indexes of ``texts``, the different addresses.

    ``redirect_port`` ``(C,)`` is as in ``EndTable``.
    """

    texts: Sequence[str]
    client: I64
    server: I64
    redirect_port: I64

    def __len__(self) -> int:
        return len(self.client)

    def clients(self, are: Callable[[str], bool]) -> Bools:
        """Of which connections the client's address is such a one, ``(C,)``."""
        return self._which(are)[self.client]

    def servers(self, are: Callable[[str], bool]) -> Bools:
        """Of which connections the server's address is such a one, ``(C,)``."""
        return self._which(are)[self.server]

    def _which(self, are: Callable[[str], bool]) -> Bools:
        return np.fromiter(map(are, self.texts), np.bool_, len(self.texts))

    def named(self, indexes: I64) -> frozenset[str]:
        """The different addresses that have these indexes."""
        return frozenset(self.texts[index] for index in np.flatnonzero(np.bincount(indexes)).tolist())

    def amended(self, connections: Mapping[int, Connection]) -> EndAddresses:
        """The same with the ends of some connections, by index, as these have them."""
        texts = {text: index for index, text in enumerate(self.texts)}
        client, server, redirect_port = self.client.copy(), self.server.copy(), self.redirect_port.copy()
        for index, each in connections.items():
            client[index] = texts.setdefault(each.client.ip, len(texts))
            server[index] = texts.setdefault(each.server.ip, len(texts))
            redirect_port[index] = each.redirect_port
        return EndAddresses(list(texts), client, server, redirect_port)


def end_addresses(table: EndTable) -> EndAddresses:
    """The addresses of all connections: texts are made of different ones only."""
    halves = [np.concatenate(ends) for ends in zip(table.client[:2], table.server[:2], strict=True)]
    columns = np.stack([np.tile(table.version, 2), *halves])
    numbers, firsts = by_appearance(number_rows(columns))
    told = columns[:, firsts].T.tolist()
    # Halves of one connection may be packets of both versions, where somebody means to confuse: then texts are equal.
    texts, indexes = numbered(format_address(hi, lo, version=version) for version, hi, lo in told)
    client, server = indexes[numbers].reshape(2, -1)
    return EndAddresses(texts, client, server, table.redirect_port)


def addresses_in(connections: Sequence[Connection]) -> EndAddresses:
    """The addresses of connections that are objects."""
    texts, numbers = numbered(end.ip for each in connections for end in (each.client, each.server))
    redirect_port = np.array([each.redirect_port for each in connections], np.int64)
    return EndAddresses(texts, numbers[::2], numbers[1::2], redirect_port)


def extents(traffic: Traffic, events: Events) -> Mapping[str, I64]:
    """When each connection was seen, and how much of it; packets that were captured twice count once."""
    lanes, pieces, number = traffic.lanes, traffic.pieces, traffic.records.numbers_at
    packets, sent = np.diff(lanes.starts).reshape(-1, 2), pieces.lengths.reshape(-1, 2)
    return {
        "first_ns": events.first_ns,
        "last_ns": events.last_ns,
        "first_packet": number(lanes.first_row),
        "last_packet": number(lanes.last_row),
        "client_packets": packets[:, 0],
        "server_packets": packets[:, 1],
        "client_bytes": sent[:, 0],
        "server_bytes": sent[:, 1],
        "missed_bytes": pieces.missing.reshape(-1, 2).sum(axis=1),
    }


def end_table(traffic: Traffic) -> EndTable:
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
    return EndTable(clients, servers, version, how, redirect_port, joined)


def openings(traffic: Traffic, events: Events) -> Mapping[str, Sequence[int | None]]:
    """What the SYN and the SYN-ACK that opened each connection say; None where they were not seen."""
    packets, lanes = traffic.packets, traffic.lanes
    syn, syn_ack = (lanes.rows_at(events.firsts[event]) for event in (Event.OPENS, Event.ACCEPTS))
    syn, syn_ack = syn[::2], syn_ack[1::2]
    stamped = (syn >= 0) & (packets.tcp_flags[syn] & HAS_TIMESTAMP != 0)
    return {
        "syn_seq": _optional(packets.seq, syn),
        "syn_ack_seq": _optional(packets.seq, syn_ack),
        "syn_tsval": _optional(packets.tsval, np.where(stamped, syn, -1)),
    }


def _optional(column: U32, rows: I64) -> list[int | None]:
    """``column[rows]``, None where a row is -1."""
    values: list[int | None] = column[rows].tolist()
    for i in np.flatnonzero(rows < 0).tolist():
        values[i] = None
    return values


def interfaces(traffic: Traffic) -> list[tuple[int, ...]]:
    """The interface indexes that each connection was seen on, ascending; none where the link does not say."""
    flows, lanes = traffic.flows, traffic.lanes
    if not traffic.packets.ifindex.any():
        return [()] * len(lanes)
    connection = lanes.connection_of[flows.flow_of]
    index = traffic.packets.ifindex[flows.order].astype(np.int64)
    known = (connection >= 0) & (index > 0)
    pairs = distinct(connection[known] << 32 | index[known])
    bounds = np.searchsorted(pairs >> 32, np.arange(len(lanes) + 1)).tolist()
    indexes = (pairs & LOW_32).tolist()
    return [tuple(indexes[first:stop]) for first, stop in pairwise(bounds)]
