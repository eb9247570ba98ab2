"""The connections of a capture, as the applications had them."""

from __future__ import annotations

from analyzer.base.table import PacketTable, RecordTable
from analyzer.flow.closing import closings
from analyzer.flow.conflicts import find_conflicts
from analyzer.flow.connection import Connection
from analyzer.flow.facts import ends, extents, interfaces, openings
from analyzer.flow.history import histories
from analyzer.flow.identity import community_id, connection_uid
from analyzer.flow.oddities import find_oddities
from analyzer.flow.reassembly import build_streams
from analyzer.flow.traffic import Traffic, read_traffic


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
    oddities = find_oddities(capture_name, traffic, find_conflicts(traffic, streams))
    parts = zip(
        ends(traffic), extents(traffic), openings(traffic), interfaces(traffic), closings(traffic), histories(traffic),
        strict=True,
    )  # fmt: skip
    found = []
    for index, (end, extent, opening, ifindexes, closing, history) in enumerate(parts):
        found.append(
            Connection(
                index=index,
                uid=connection_uid(end.client, end.server, opening.syn_seq, extent.first_ns),
                community_id=community_id(end.client, end.server),
                client=end.client,
                server=end.server,
                client_by=end.client_by,
                redirect_port=end.redirect_port,
                joined=end.joined,
                first_ns=extent.first_ns,
                last_ns=extent.last_ns,
                first_packet=extent.first_packet,
                last_packet=extent.last_packet,
                client_packets=extent.client_packets,
                server_packets=extent.server_packets,
                client_bytes=extent.client_bytes,
                server_bytes=extent.server_bytes,
                conn_state=closing.conn_state,
                history=history,
                missed_bytes=extent.missed_bytes,
                syn_seq=opening.syn_seq,
                syn_ack_seq=opening.syn_ack_seq,
                syn_tsval=opening.syn_tsval,
                ifindexes=ifindexes,
                closed_by=closing.closed_by,
                reset_by=closing.reset_by,
                from_client=streams[2 * index],
                from_server=streams[2 * index + 1],
                oddities=tuple(oddities.get(index, ())),
            )
        )
    return found
