"""The ceilings of the flow room; each has a code that says when it was hit."""

from __future__ import annotations

import numpy as np

from analyzer.base.fact import replace
from analyzer.base.oddity import Code, Family, Level, Oddity
from analyzer.base.table import PacketTable
from analyzer.flow.lanes import LaneTable

# A connection takes about 2 KB. A flood of SYNs makes as many of them as it has packets.
MAX_CONNECTIONS = 250_000

CONNECTION_LIMIT = Code(
    "connection-limit",
    Family.LIMIT,
    Level.WARNING,
    "{left_out} of {found} connections were left out, those without payload first",
    "The capture has more connections than are kept in memory at once. Connections that carried bytes are kept before "
    "those that did not, and earlier ones before later ones.",
    "Split the capture by time (editcap -i) or filter out scans and SYN floods.",
)


def limit_oddities(found: int, kept: int) -> tuple[Oddity, ...]:
    """What there is to say where ``kept`` of ``found`` connections were kept."""
    return (Oddity(CONNECTION_LIMIT, None, {"left_out": found - kept, "found": found}),) if kept < found else ()


def limit_connections(lanes: LaneTable, packets: PacketTable, most: int = MAX_CONNECTIONS) -> LaneTable:
    """The same lanes when there are at most ``most`` connections, else those of the ``most`` that say most."""
    if len(lanes) <= most:
        return lanes
    lane_of = lanes.lane_of
    silent = np.ones(len(lanes), np.bool_)
    silent[lane_of[packets.payload_wire_len[lanes.rows] > 0] >> 1] = False
    kept = np.sort(np.argsort(silent, kind="stable")[:most])
    numbers = np.full(len(lanes) + 1, -1, np.int64)
    numbers[kept] = np.arange(most)
    chosen = numbers[lane_of >> 1] >= 0
    lane_of = 2 * numbers[lane_of >> 1] + (lane_of & 1)
    return replace(
        lanes,
        lead=lanes.lead[kept],
        partner=lanes.partner[kept],
        connection_of=numbers[lanes.connection_of],
        rows=lanes.rows[chosen],
        starts=np.searchsorted(lane_of[chosen], np.arange(2 * most + 1)),
    )
