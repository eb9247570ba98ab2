"""All tables of one capture's TCP traffic, from flows to the pieces of its streams."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from analyzer.base.oddity import Oddity
from analyzer.base.table import I64, PacketTable, RecordTable
from analyzer.flow.duplicates import find_duplicates
from analyzer.flow.halves import pair_halves
from analyzer.flow.lanes import LaneTable, build_lanes
from analyzer.flow.limits import MAX_CONNECTIONS, limit_connections, limit_oddities
from analyzer.flow.orientation import Orientation, orient_flows
from analyzer.flow.reassembly import PieceTable, reassemble
from analyzer.flow.sequence import Placement, place
from analyzer.flow.table import FlowTable, build_flows

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Traffic:
    """The tables of a capture, each built from those before it; the last two when they are asked for.

    ``copies`` are the packets that were captured twice; ``oddities`` is what is strange about all of it together.
    """

    packets: PacketTable
    records: RecordTable
    flows: FlowTable
    orientation: Orientation
    copies: Bools
    lanes: LaneTable
    oddities: tuple[Oddity, ...]

    @cached_property
    def placement(self) -> Placement:
        """Where each packet's payload lies in its stream."""
        return place(self.packets, self.lanes)

    @cached_property
    def pieces(self) -> PieceTable:
        """What the streams are made of."""
        return reassemble(self.packets, self.lanes, self.placement)

    @property
    def cut_bytes(self) -> I64:
        """How many payload bytes of each lane's packets were on the wire but not captured, ``(2C,)``."""
        if not (self.packets.payload_len != self.packets.payload_wire_len).any():
            return np.zeros(2 * len(self.lanes), np.int64)
        rows = self.lanes.rows
        cut = self.packets.payload_wire_len[rows].astype(np.int64) - self.packets.payload_len[rows]
        return np.bincount(self.lanes.lane_of, cut, 2 * len(self.lanes)).astype(np.int64)


def read_traffic(packets: PacketTable, records: RecordTable, *, most: int = MAX_CONNECTIONS) -> Traffic:
    """The TCP traffic of a capture, ``most`` connections of it."""
    flows = build_flows(packets, records)
    partners = pair_halves(flows, packets)
    orientation = orient_flows(flows, packets, partners)
    copies = find_duplicates(flows, packets, records)
    found = build_lanes(flows, partners, orientation, copies)
    lanes = limit_connections(found, packets, most)
    oddities = limit_oddities(len(found), len(lanes))
    return Traffic(packets, records, flows, orientation, copies, lanes, oddities)
