"""Some connections of a capture with their tables, as if it held no others."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from analyzer.base.table import I64, ranges
from analyzer.flow.lanes import LaneTable
from analyzer.flow.orientation import Orientation
from analyzer.flow.reassembly import PieceTable
from analyzer.flow.sequence import END_AT, END_KIND, Placement
from analyzer.flow.table import FlowTable
from analyzer.flow.traffic import Bools, Traffic


def part_of_traffic(traffic: Traffic, connections: I64) -> Traffic:
    """The traffic of ``connections`` (ascending), which are numbered anew in their order; packets keep their rows.

    What is strange about all of the capture's traffic together stays with the whole.
    """
    lanes = np.stack([2 * connections, 2 * connections + 1], axis=1).ravel()
    leads, partners = traffic.lanes.lead[connections], traffic.lanes.partner[connections]
    flows = np.sort(np.concatenate([leads, partners[partners >= 0]]))
    of_flows, of_rows, of_pieces = (
        _members(starts, chosen)
        for starts, chosen in (
            (traffic.flows.starts, flows),
            (traffic.lanes.starts, lanes),
            (traffic.pieces.starts, lanes),
        )
    )
    return replace(
        traffic,
        flows=_flows(traffic.flows, flows, of_flows),
        orientation=Orientation(traffic.orientation.first_is_client[flows], traffic.orientation.known_by[flows]),
        copies=traffic.copies[of_flows],
        lanes=LaneTable(
            lead=np.searchsorted(flows, leads),
            partner=np.where(partners < 0, -1, np.searchsorted(flows, partners)),
            connection_of=np.searchsorted(connections, traffic.lanes.connection_of[flows]),
            rows=traffic.lanes.rows[of_rows],
            starts=_starts(traffic.lanes.starts, lanes),
        ),
        placement=_placement(traffic.placement, lanes, of_rows),
        pieces=_pieces(traffic.pieces, lanes, of_rows, of_pieces),
        oddities=(),
    )


def _flows(table: FlowTable, flows: I64, members: I64) -> FlowTable:
    return replace(
        table,
        first_hi=table.first_hi[flows],
        first_lo=table.first_lo[flows],
        first_port=table.first_port[flows],
        other_hi=table.other_hi[flows],
        other_lo=table.other_lo[flows],
        other_port=table.other_port[flows],
        first_ns=table.first_ns[flows],
        last_ns=table.last_ns[flows],
        syn=table.syn[flows],
        syn_ack=table.syn_ack[flows],
        answered=table.answered[flows],
        order=table.order[members],
        starts=_starts(table.starts, flows),
        forward=table.forward[members],
    )


def _placement(placement: Placement, lanes: I64, members: I64) -> Placement:
    facts = placement.lanes[:, lanes]
    facts[END_AT] = np.where(facts[END_KIND] > 0, np.searchsorted(members, facts[END_AT]), 0)
    return Placement(
        position=placement.position[members],
        usable=placement.usable[members],
        marks=placement.marks[members],
        lanes=facts,
        bases=placement.bases[lanes],
        from_start=placement.from_start[lanes],
    )


def _pieces(pieces: PieceTable, lanes: I64, of_rows: I64, members: I64) -> PieceTable:
    broken = _are_members(members, pieces.breaks)
    repeated = pieces.repeated[_are_members(of_rows, pieces.repeated)]
    return PieceTable(
        position=pieces.position[members],
        length=pieces.length[members],
        offset=pieces.offset[members],
        row=pieces.row[members],
        starts=_starts(pieces.starts, lanes),
        breaks=np.searchsorted(members, pieces.breaks[broken]),
        lengths=pieces.lengths[lanes],
        repeated=np.searchsorted(of_rows, repeated),
        after_gaps=np.searchsorted(of_rows, pieces.after_gaps[broken]),
        heard=pieces.heard[lanes],
    )


def _members(starts: I64, chosen: I64) -> I64:
    """The indices of all that belongs to the ``chosen`` rows of a table in CSR form, one row after the other."""
    return ranges(starts[chosen], starts[chosen + 1] - starts[chosen])


def _starts(starts: I64, chosen: I64) -> I64:
    return np.append(0, np.cumsum(starts[chosen + 1] - starts[chosen]))


def _are_members(members: I64, indices: I64) -> Bools:
    """Which of ``indices`` are ``members``, which ascend."""
    places = np.searchsorted(members, indices)
    found: Bools = places < len(members)
    found[found] = members[places[found]] == indices[found]
    return found
