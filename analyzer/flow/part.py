"""Some connections of a capture with their tables, as if it held no others."""

from __future__ import annotations

import numpy as np

from analyzer.base.fact import replace
from analyzer.base.table import I64, ranges
from analyzer.flow.lanes import LaneTable
from analyzer.flow.orientation import Orientation
from analyzer.flow.table import FlowTable
from analyzer.flow.traffic import Traffic


def part_of_traffic(traffic: Traffic, connections: I64) -> Traffic:
    """The traffic of ``connections`` (ascending), which are numbered anew in their order; packets keep their rows.

    What is strange about all of the capture's traffic together stays with the whole.
    """
    lanes = np.stack([2 * connections, 2 * connections + 1], axis=1).ravel()
    leads, partners = traffic.lanes.lead[connections], traffic.lanes.partner[connections]
    flows = np.sort(np.concatenate([leads, partners[partners >= 0]]))
    of_flows, of_rows = _members(traffic.flows.starts, flows), _members(traffic.lanes.starts, lanes)
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


def _members(starts: I64, chosen: I64) -> I64:
    """The indices of all that belongs to the ``chosen`` rows of a table in CSR form, one row after the other."""
    return ranges(starts[chosen], starts[chosen + 1] - starts[chosen])


def _starts(starts: I64, chosen: I64) -> I64:
    return np.append(0, np.cumsum(starts[chosen + 1] - starts[chosen]))
