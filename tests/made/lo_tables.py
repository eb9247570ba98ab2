"""Rows of captures over lo by their tables, held against what reading each connection gives."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from analyzer.base.fact import replace
from analyzer.verdict.alone_rows import AloneRows
from analyzer.verdict.answers import Answers
from analyzer.verdict.askers import Askers
from analyzer.verdict.decision import Decision
from analyzer.verdict.exemplars import Alike, Exemplars
from analyzer.verdict.likeness import retell
from analyzer.verdict.plain_calls import PlainCalls
from analyzer.verdict.roles import OUTBOUND_PORT
from analyzer.verdict.table_exemplars import TableExemplars
from analyzer.verdict.whole_calls import WholeCalls
from made.lo_alone import connections_in, table_in
from made.lo_heard import NAME, Heard


class Reader:
    """Gives rows of captures, and remembers from one to the next."""

    def __init__(self, mesh) -> None:
        self.mesh = mesh
        answers = Answers(mesh)
        self.exemplars = Exemplars(mesh, answers)
        askers = Askers(mesh, self.exemplars)
        self.plain, self.whole = (
            (calls, TableExemplars(askers, self.exemplars, answers, NAME)) for calls in (PlainCalls(mesh), WholeCalls())
        )

    def rows(self, heard: Heard, chosen: Iterable[int] | None = None, *, whole: bool = False) -> AloneRows:
        """The rows of requests, or of connections that are one ``whole`` call each."""
        connections = connections_in(heard)
        ends = connections.end_table
        which = np.flatnonzero((ends.redirect_port == OUTBOUND_PORT) & ends.joined)
        which = which if chosen is None else np.array(list(chosen), np.int64)
        calls, tables = self.whole if whole else self.plain
        return tables.rows(table_in(calls, heard, connections, which), connections)


def by_connection(rows: AloneRows) -> dict[int, list[Alike] | None]:
    """The calls of each connection; None where any needs a look by itself."""
    found: dict[int, list[Alike] | None] = {}
    names = ("kind", "asker", "target", "connection", "ordinal", "first", "last", "asked", "begin_ns", "end_ns")
    for kind, asker, target, index, *own in zip(*(getattr(rows, name).tolist() for name in names), strict=True):
        if rows.kinds[kind] is None:
            found[index] = None
        known = found.setdefault(index, [])
        if known is not None:
            path, (ordinal, *others) = None if target < 0 else rows.targets[target], own
            known.append(Alike(rows.kinds[kind], rows.askers[asker], ordinal, path, *others))
    return found


def shown(calls: list[Alike] | None) -> list | None:
    """All that lines show of calls: which of several calls that are alike came first does not matter."""
    return calls and [
        (
            *each[2:], each.asker.pod.full_name, decision_of(each), r.observed, r.server, r.host, r.method, r.protocol,
            r.server_pod, r.path is None, ":" in r.client.ip,
        )
        for each in calls
        for r in [each.exemplar.record]
    ]  # fmt: skip


def decision_of(call: Alike) -> Decision:
    """The decision in the words about the client."""
    record, place, own = call.exemplar.record, call.exemplar.place, call.asker.own
    if place is None:
        return record.decision
    named, server = call.asker.named, record.server
    if named is not None:
        sentence = own.redirect.sentence.replace(f"{named.ip}:{named.port}", f"{server.ip}:{server.port}")
        own = replace(own, redirect=replace(own.redirect, sentence=sentence))
    return retell(record.decision, place, own)


def check(reader: Reader, heard: Heard, *, whole: bool = False) -> dict[int, list[Alike] | None]:
    """Hold the rows of a capture against what reading gives; gives the rows."""
    found = by_connection(reader.rows(heard, whole=whole))
    exemplars = Exemplars(reader.mesh, Answers(reader.mesh))
    for wire, conversation in heard.spoken:
        index = wire.connection.index
        if index in found:
            assert shown(found[index]) == shown(exemplars.alike(wire, conversation))
    return found
