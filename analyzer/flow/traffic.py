"""All tables of one capture's TCP traffic, from flows to the pieces of its streams."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analyzer.base.table import I64, PacketTable, RecordTable
from analyzer.flow.duplicates import find_duplicates
from analyzer.flow.halves import pair_halves
from analyzer.flow.lanes import LaneTable, build_lanes
from analyzer.flow.limits import limit_connections
from analyzer.flow.orientation import Orientation, orient_flows
from analyzer.flow.reassembly import PieceTable, reassemble
from analyzer.flow.sequence import Placement, place
from analyzer.flow.table import FlowTable, build_flows

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Traffic:
    """The tables of a capture, each built from those before it; ``copies`` are the packets that were captured twice."""

    packets: PacketTable
    records: RecordTable
    flows: FlowTable
    orientation: Orientation
    copies: Bools
    lanes: LaneTable
    placement: Placement
    pieces: PieceTable

    @property
    def cut_bytes(self) -> I64:
        """How many payload bytes of each lane's packets were on the wire but not captured, ``(2C,)``."""
        rows = self.lanes.rows
        cut = self.packets.payload_wire_len[rows].astype(np.int64) - self.packets.payload_len[rows]
        return np.bincount(self.lanes.lane_of, cut, 2 * len(self.lanes)).astype(np.int64)


def read_traffic(packets: PacketTable, records: RecordTable) -> Traffic:
    """The TCP traffic of a capture."""
    flows = build_flows(packets, records)
    partners = pair_halves(flows, packets)
    orientation = orient_flows(flows, packets, partners)
    copies = find_duplicates(flows, packets, records)
    lanes = limit_connections(build_lanes(flows, partners, orientation, copies), packets)
    placement = place(packets, lanes)
    return Traffic(
        packets, records, flows, orientation, copies, lanes, placement, reassemble(packets, lanes, placement)
    )
