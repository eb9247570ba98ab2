"""The conductor of a capture whose calls have nothing to do with each other: judged lot by lot, each lot by itself.

That is so where nothing but applications' own connections was captured, as ``tcpdump -i lo`` does: what would have
carried a call onwards is not there. The capture is read once, and its connections are parted by their times.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from analyzer.base.table import I64
from analyzer.base.watch import UNWATCHED, Watch
from analyzer.capture.capture import Capture
from analyzer.flow.conflicts import may_exceed_budget
from analyzer.flow.connection import Endpoint
from analyzer.flow.facts import Ends, ends_of
from analyzer.flow.part import part_of_traffic
from analyzer.flow.traffic import Traffic
from analyzer.judging import Count, SpilledRun, judge_lots, told
from analyzer.lot import LotTraffic, Plan, Task
from analyzer.opening import ReadCapture, connections_of
from analyzer.verdict.beside import Beside
from analyzer.verdict.health import sights_of
from analyzer.verdict.roles import OUTBOUND_PORT
from analyzer.verdict.shards import meets_no_call
from analyzer.verdict.wires import RETRIED_NS

# Connections that are judged together.
LOT_CONNECTIONS = 8_192
# The share of a run until its lots are judged.
_JUDGED = 0.95


def run_apart(
    read: ReadCapture, plan: Plan, watch: Watch = UNWATCHED, *, lot_connections: int = LOT_CONNECTIONS
) -> SpilledRun | None:
    """The run over a capture that was read; None where its connections may have to do with each other.

    Or where keys open its TLS, sidecars deliver to 127.0.0.1, or more bytes were sent twice than are compared.
    """
    capture, traffic = read.capture, read.traffic
    if plan.needs_whole(capture):
        return None
    found = ends_of(traffic)
    if not found or not all(map(meets_no_call, found)) or may_exceed_budget(traffic):
        return None
    sights = sights_of(found)
    lots = _lots(found, traffic, plan.jobs, lot_connections)
    task = Task(
        name=capture.name,
        plan=plan,
        read=partial(_read_lot, capture, traffic, lots),
        count=len(lots),
        home=sights.pod(plan.hint, plan.mesh),
        beside=_beside(capture.name, found),
    )
    judged = judge_lots(task, plan.jobs, watch.part(0.0, _JUDGED))
    count = Count()
    count.add(0, capture.records, read.packets)
    return told(capture, count, plan, sights, judged, strange=traffic.oddities)


def shares_by_server(found: Sequence[Ends], jobs: int) -> I64:
    """Which process each connection is for: by its server, and all have as many."""
    numbers: dict[Endpoint, int] = {}
    order = np.argsort([numbers.setdefault(ends.server, len(numbers)) for ends in found], kind="stable")
    shares = np.empty(len(found), np.int64)
    shares[order] = np.arange(len(found)) * jobs // len(found)
    return shares


def _lots(found: Sequence[Ends], traffic: Traffic, jobs: int, most: int) -> list[I64]:
    """The connections of each lot, ascending: those that began one after the other, so that their bytes lie together.

    But a process has the lots of some servers, as far as that can be: what is decided alike is decided once.
    Connections of one client's port that follow each other at once are in one lot; inside of a pod, where several
    servers may be asked with one sequence number, at any time.
    """
    shares = shares_by_server(found, jobs)
    of_share = -(-len(found) // (jobs * most))
    lots = np.empty(len(found), np.int64)
    for share in range(jobs):
        own = np.flatnonzero(shares == share)
        lots[own] = share * of_share + np.arange(len(own)) * of_share // max(len(own), 1)
    leads = traffic.lanes.lead
    first_ns, last_ns = traffic.flows.first_ns[leads].tolist(), traffic.flows.last_ns[leads].tolist()
    latest: dict[Endpoint, int] = {}
    for number, ends in enumerate(found):
        before = latest.get(ends.client)
        if before is not None and (not ends.redirect_port or first_ns[number] <= last_ns[before] + RETRIED_NS):
            lots[number] = lots[before]
        latest[ends.client] = number
    return [chosen for lot in range(jobs * of_share) if len(chosen := np.flatnonzero(lots == lot))]


def _read_lot(capture: Capture, traffic: Traffic, lots: Sequence[I64], lot: int, watch: Watch) -> LotTraffic:
    watch.tell(f"{capture.name}: streams")
    part = part_of_traffic(traffic, lots[lot])
    return LotTraffic(capture.buffer, part, connections_of(capture, part))


def _beside(name: str, found: Sequence[Ends]) -> Beside:
    return Beside(
        apps=frozenset(each.client.ip for each in found if each.redirect_port == OUTBOUND_PORT),
        called=frozenset(each.server.ip for each in found),
        lo_captures=frozenset((name,)),
    )
