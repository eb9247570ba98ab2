"""The connections of a capture, as the applications had them."""

from __future__ import annotations

from analyzer.base.table import PacketTable, RecordTable
from analyzer.flow.closing import closings
from analyzer.flow.conflicts import find_conflicts
from analyzer.flow.connection import Connection
from analyzer.flow.events import read_events
from analyzer.flow.facts import ends, extents, interfaces, openings
from analyzer.flow.identity import community_ids, connection_uids
from analyzer.flow.oddities import find_oddities
from analyzer.flow.reassembly import build_streams
from analyzer.flow.traffic import Traffic, read_traffic

# What a connection has before anybody read what was said on it.
_FIELDS = tuple(name for name in Connection.__struct_fields__ if name != "said")


def connections(capture_name: str, buffer: memoryview, records: RecordTable, packets: PacketTable) -> list[Connection]:
    """The TCP connections of a capture, in the order of their first packet.

    ``buffer`` is what the offsets of ``packets`` point into; the streams hold on to it. Nothing on the wire makes this
    raise: what is strange is in ``Connection.oddities``, and about the whole capture in ``Traffic.oddities``, for which
    one calls ``read_traffic`` and ``describe`` oneself.
    """
    return describe(capture_name, buffer, read_traffic(packets, records))


def describe(capture_name: str, buffer: memoryview, traffic: Traffic) -> list[Connection]:
    """The connections of traffic that was read."""
    streams = build_streams(buffer, traffic.records, traffic.lanes, traffic.placement, traffic.pieces)
    events = read_events(traffic)
    oddities = find_oddities(capture_name, traffic, events, find_conflicts(traffic, streams))
    columns = {**ends(traffic), **extents(traffic, events), **openings(traffic, events)}
    columns |= closings(traffic.lanes, events)
    clients, servers = columns["client"], columns["server"]
    columns |= {
        "index": range(len(traffic.lanes)),
        "uid": connection_uids(clients, servers, columns["syn_seq"], columns["first_ns"]),
        "community_id": community_ids(clients, servers),
        "history": events.histories,
        "ifindexes": interfaces(traffic),
        "from_client": streams[::2],
        "from_server": streams[1::2],
        "oddities": [tuple(oddities.get(index, ())) for index in range(len(traffic.lanes))],
    }
    return list(map(Connection, *(columns[name] for name in _FIELDS)))
