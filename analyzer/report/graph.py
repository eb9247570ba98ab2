"""Who calls whom, drawn together from calls: pods, names and addresses, and between them edges with their verdicts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from analyzer.base.fact import Fact
from analyzer.report.phrase import VERDICT_ORDER, source_phrase
from analyzer.verdict.decision import DROPPED
from analyzer.verdict.record import CallRecord
from analyzer.verdict.roles import is_loopback

# What a picture can show: edges with dropped calls, then those with most calls. JSON has all.
SHOWN_EDGES = 300

_PORT = re.compile(r":\d{1,5}$")


class GraphEdge(Fact, frozen=True):
    """The calls of ``source`` to ``target``; ``counts`` are by verdict, from the worst to the least, without zeros."""

    source: str
    target: str
    counts: tuple[tuple[str | None, int], ...]

    @property
    def calls(self) -> int:
        """How many calls there are."""
        return sum(count for _, count in self.counts)

    @property
    def worst(self) -> str | None:
        """The worst verdict among them, which gives the edge its colour."""
        return self.counts[0][0]


class Graph(Fact, frozen=True):
    """Nodes are the names at the ends of ``edges``, sorted; so are the edges. ``left_out`` edges are not among them."""

    nodes: tuple[str, ...]
    edges: tuple[GraphEdge, ...]
    left_out: int = 0


def build_graph(calls: Iterable[CallRecord], *, most: int | None = None) -> Graph:
    """The graph of calls; with ``most`` only so many edges: those with dropped calls, then those with most calls."""
    counts: dict[tuple[str, str], Counter[str | None]] = {}
    for call in calls:
        counts.setdefault((source_phrase(call), callee(call)), Counter())[call.decision.verdict] += 1
    edges = [
        GraphEdge(source, target, tuple((v, each[v]) for v in VERDICT_ORDER if each[v]))
        for (source, target), each in sorted(counts.items())
    ]
    kept = sorted(edges, key=_rank)[:most]
    shown = tuple(sorted(kept, key=lambda edge: (edge.source, edge.target)))
    nodes = sorted({end for edge in shown for end in (edge.source, edge.target)})
    return Graph(tuple(nodes), shown, len(edges) - len(shown))


def callee(call: CallRecord) -> str:
    """Who is called: the pod where one is known, else the name that was asked for, without a port, else an address.

    Whoever calls a loopback address calls its own pod.
    """
    if call.pod and is_loopback(call.server.ip):
        return call.pod
    inbound = call.decision.inbound
    pod = (inbound.pod if inbound else None) or call.server_pod
    return pod or _PORT.sub("", call.host or "") or call.sni or call.server.ip


def _rank(edge: GraphEdge) -> tuple[bool, int, int, str, str]:
    return edge.worst != DROPPED, -edge.calls, VERDICT_ORDER.index(edge.worst), edge.source, edge.target
