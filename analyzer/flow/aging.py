"""Connections of a capture that is read piece by piece: which are over, and whose packets are still needed."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import numpy as np

from analyzer.base.fact import replace
from analyzer.base.place import PacketPlace
from analyzer.base.stream import Stream
from analyzer.base.table import I64, IP_FRAGMENT
from analyzer.flow.connection import Connection
from analyzer.flow.traffic import Bools, Traffic

# States in which both ends are done (Zeek, conn.log).
OVER = frozenset({"SF", "REJ", "RSTO", "RSTR", "RSTOS0", "RSTRH"})
# Packets that come late (retransmitted FINs, resets) are awaited so long.
SETTLE_NS = 10_000_000_000


def is_over(connection: Connection, now_ns: int) -> bool:
    """Whether nothing is expected of a connection any more, ``now_ns`` being the latest packet's time."""
    return connection.conn_state in OVER and connection.last_ns + SETTLE_NS <= now_ns


def rows_needed(traffic: Traffic, living: Sequence[Connection], now_ns: int) -> Bools:
    """The rows to be looked at again with the packets to come, ``(P,)``: of living connections, and fragments."""
    lanes = traffic.lanes
    wanted = np.zeros(len(lanes), np.bool_)
    wanted[[connection.index for connection in living]] = True
    needed: Bools = np.zeros(len(traffic.records), np.bool_)
    needed[lanes.rows[np.repeat(wanted, np.diff(lanes.starts[::2]))]] = True
    recent = traffic.records.time_ns + SETTLE_NS > now_ns
    needed |= (traffic.packets.fate == IP_FRAGMENT) & recent
    return needed


def numbered(connection: Connection, numbers: I64, index: int) -> Connection:
    """The connection with the numbers that its packets have in the whole capture, ``(P,)``, and an index there."""
    return replace(
        connection,
        index=index,
        first_packet=int(numbers[connection.first_packet - 1]),
        last_packet=int(numbers[connection.last_packet - 1]),
        from_client=_numbered_stream(connection.from_client, numbers),
        from_server=_numbered_stream(connection.from_server, numbers),
        oddities=tuple(
            replace(oddity, place=replace(oddity.place, packet=int(numbers[oddity.place.packet - 1])))
            if isinstance(oddity.place, PacketPlace)
            else oddity
            for oddity in connection.oddities
        ),
    )


def _numbered_stream(stream: Stream, numbers: I64) -> Stream:
    own = numbers[np.asarray(stream.packets, np.int64) - 1]
    end = int(numbers[stream.end_packet - 1]) if stream.end_packet else 0
    return replace(stream, packets=array("q", own.tobytes()), end_packet=end)
