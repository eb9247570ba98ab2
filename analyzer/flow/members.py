"""Which packets a connection is made of: for who wants the packets themselves."""

from __future__ import annotations

from collections.abc import Iterable

from analyzer.base.table import I64, PacketTable, RecordTable
from analyzer.flow.connections import describe
from analyzer.flow.traffic import read_traffic


def connection_rows(
    buffer: memoryview, records: RecordTable, packets: PacketTable, uids: Iterable[str]
) -> dict[str, list[int]]:
    """The rows of both directions of the connections with these ``uids``, in the order of the capture.

    Packets that were captured twice are there once; a uid that is of no connection is left out.
    """
    wanted = frozenset(uids)
    traffic = read_traffic(packets, records)
    rows: I64 = traffic.lanes.rows
    starts = traffic.lanes.starts.tolist()
    found: dict[str, list[int]] = {}
    for connection in describe("", buffer, traffic):
        if connection.uid in wanted:
            begin, end = starts[2 * connection.index], starts[2 * connection.index + 2]
            found.setdefault(connection.uid, []).extend(rows[begin:end].tolist())
    return {uid: sorted(members) for uid, members in found.items()}
