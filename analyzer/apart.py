"""The conductor of a capture whose calls have nothing to do with each other: judged lot by lot, each lot by itself.

That is so where nothing but applications' own connections was captured, as ``tcpdump -i lo`` does: what would have
carried a call onwards is not there. The capture is read once, and its connections are parted by their times.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from analyzer.base.table import I64, by_appearance
from analyzer.base.watch import UNWATCHED, Watch
from analyzer.capture.capture import Capture
from analyzer.flow.conflicts import MAX_COMPARED_PIECES, may_exceed_budget
from analyzer.flow.count import Count
from analyzer.flow.facts import EndAddresses, EndTable, end_addresses, end_table
from analyzer.flow.part import part_of_traffic
from analyzer.flow.traffic import Traffic
from analyzer.flow.tuples import number_rows
from analyzer.judging import SpilledRun, judge_lots, told
from analyzer.lot import LotTraffic, Plan, Task
from analyzer.opening import ReadCapture, connections_of
from analyzer.verdict.beside import Beside
from analyzer.verdict.health import Sights
from analyzer.verdict.roles import OUTBOUND_PORT
from analyzer.verdict.shards import meet_no_call
from analyzer.verdict.wires import RETRIED_NS

# Connections that are judged together.
LOT_CONNECTIONS = 8_192
# The share of a run until its lots are judged.
_JUDGED = 0.95


def run_apart(
    read: ReadCapture,
    plan: Plan,
    watch: Watch = UNWATCHED,
    *,
    lot_connections: int = LOT_CONNECTIONS,
    most_compared: int = MAX_COMPARED_PIECES,
) -> SpilledRun | None:
    """The run over a capture that was read; None where its connections may have to do with each other.

    Or where keys open its TLS, sidecars deliver to 127.0.0.1, or repeats are to be compared with more than
    ``most_compared`` pieces of streams: which of them are depends on all others.
    """
    capture, traffic = read.capture, read.traffic
    if plan.needs_whole(capture):
        return None
    table = end_table(traffic)
    ends = end_addresses(table)
    if not len(ends) or not meet_no_call(ends).all():
        return None
    sights = Sights.of(ends)
    lots = _lots(table, traffic, plan.jobs, lot_connections)
    task = Task(
        name=capture.name,
        plan=plan,
        read=partial(_read_lot, capture, traffic, lots),
        count=len(lots),
        home=sights.pod(plan.hint, plan.mesh),
        beside=_beside(capture.name, ends),
    )
    judged = judge_lots(task, plan.jobs, watch.part(0.0, _JUDGED))
    if sum(run.compared for _, run in judged.runs) > most_compared:
        return None
    count = Count()
    count.add(capture.records, read.packets)
    return told(capture, count, plan, sights, judged, strange=traffic.oddities)


def comes_to_limits(traffic: Traffic) -> bool:
    """Whether something is left out of a capture that would not be of lots that are read by themselves."""
    return bool(traffic.oddities) or may_exceed_budget(traffic)


def shares_by_server(table: EndTable, jobs: int) -> I64:
    """Which process each connection is for: by its server, and all have as many."""
    server, _ = by_appearance(number_rows(np.stack(table.server)))
    shares = np.empty(len(table), np.int64)
    shares[np.argsort(server, kind="stable")] = np.arange(len(table)) * jobs // len(table)
    return shares


def _lots(table: EndTable, traffic: Traffic, jobs: int, most: int) -> list[I64]:
    """The connections of each lot, ascending: those that began one after the other, so that their bytes lie together.

    But a process has the lots of some servers, as far as that can be: what is decided alike is decided once.
    """
    shares = shares_by_server(table, jobs)
    of_share = -(-len(table) // (jobs * most))
    lots = np.empty(len(table), np.int64)
    for share in range(jobs):
        own = np.flatnonzero(shares == share)
        lots[own] = share * of_share + np.arange(len(own)) * of_share // max(len(own), 1)
    _keep_together(lots, table, traffic)
    return [chosen for lot in range(jobs * of_share) if len(chosen := np.flatnonzero(lots == lot))]


def _keep_together(lots: I64, table: EndTable, traffic: Traffic) -> None:
    """Bring connections of one client's port that follow each other at once into one lot.

    Inside of a pod, where several servers may be asked with one sequence number, those that follow at any time.
    """
    client, leads = number_rows(np.stack(table.client)), traffic.lanes.lead
    first_ns, last_ns = traffic.flows.first_ns[leads], traffic.flows.last_ns[leads]
    order = np.argsort(client, kind="stable")
    again = np.flatnonzero(client[order[1:]] == client[order[:-1]])
    for before, after in zip(order[again].tolist(), order[again + 1].tolist(), strict=True):
        if not table.redirect_port[after] or first_ns[after] <= last_ns[before] + RETRIED_NS:
            lots[after] = lots[before]


def _read_lot(capture: Capture, traffic: Traffic, lots: Sequence[I64], lot: int, watch: Watch) -> LotTraffic:
    watch.tell(f"{capture.name}: streams")
    part = part_of_traffic(traffic, lots[lot])
    return LotTraffic(capture.buffer, part, connections_of(capture, part))


def _beside(name: str, ends: EndAddresses) -> Beside:
    return Beside(
        apps=ends.named(ends.client[ends.redirect_port == OUTBOUND_PORT]),
        called=ends.named(ends.server),
        lo_captures=frozenset((name,)),
    )
