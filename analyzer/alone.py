"""Calls that meet no others, kind by kind: one of a kind is judged, and the lines of all are made of its line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from analyzer.alone_lines import AloneLines
from analyzer.alone_sums import AloneSums
from analyzer.base.fact import Fact, field
from analyzer.base.pages import forget_pages
from analyzer.base.watch import UNWATCHED, Watch
from analyzer.flow.connection import said_on
from analyzer.flow.connections import Connections
from analyzer.flow.orientation import GUESSED
from analyzer.flow.traffic import Bools, Traffic
from analyzer.flow.tuples import number_rows
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.protocol.facts import Conversation
from analyzer.report.spill import Spill
from analyzer.verdict.alone_rows import AloneRows, rows_of
from analyzer.verdict.answers import Answers
from analyzer.verdict.askers import Askers
from analyzer.verdict.call_table import read_calls
from analyzer.verdict.decision import VERDICTS
from analyzer.verdict.exemplars import Exemplars
from analyzer.verdict.plain_calls import PlainCalls
from analyzer.verdict.record import CallRecord
from analyzer.verdict.rights import RightLog
from analyzer.verdict.roles import OUTBOUND_PORT
from analyzer.verdict.table_exemplars import TableExemplars
from analyzer.verdict.whole_calls import WholeCalls
from analyzer.verdict.wires import WIRES_AT_ONCE, Wire, wire_of


class Told(Fact, frozen=True):
    """What was told of a lot: of connections that are ``done``, ``(C,)``, all lines are written.

    ``verdicts`` counts their calls. ``heard`` has the connections that were read by themselves, done or not, by index.
    """

    done: Bools
    verdicts: Counter[str | None] = field(default_factory=Counter)
    heard: dict[int, tuple[Wire, Conversation]] = field(default_factory=dict)

    @classmethod
    def nothing(cls, count: int) -> Told:
        """Of so many connections none is done."""
        return cls(np.zeros(count, np.bool_))


class Lot(Fact, frozen=True):
    """What is there of a lot, of which no connection carries the calls of another; and where its lines go."""

    buffer: memoryview
    traffic: Traffic
    connections: Connections
    calls: Spill
    flows: Spill


class AloneWriter:
    """Takes connections whose calls are like others to ``lines``, lot by lot, and counts these in ``rights``."""

    def __init__(
        self, mesh: MeshSnapshot, answers: Answers, lines: AloneLines | AloneSums, capture: str, rights: RightLog
    ) -> None:
        self._exemplars = Exemplars(mesh, answers)
        askers = Askers(mesh, self._exemplars)
        self._tables = tuple(
            (calls, TableExemplars(askers, self._exemplars, answers, capture))
            for calls in (PlainCalls(mesh), WholeCalls())
        )
        self._lines = lines
        self._capture = capture
        self._rights = rights

    @property
    def size(self) -> int:
        """How many bytes of texts are kept from lot to lot."""
        return self._lines.size

    @property
    def is_full(self) -> bool:
        """Whether there is much to remember."""
        return any(each.is_full for pair in self._tables for each in pair)

    @property
    def records(self) -> list[CallRecord]:
        """Those of the exemplars so far."""
        return self._lines.records

    def write(self, lot: Lot, watch: Watch = UNWATCHED) -> Told:
        """Write the lines of those connections of a lot of which each call is like another."""
        told = Told.nothing(len(lot.connections))
        chosen = np.flatnonzero(_single(lot.connections))
        readings = [calls.reading(lot.buffer, lot.traffic, lot.connections, chosen) for calls, _ in self._tables]
        for table, (_, tables) in zip(read_calls(lot.buffer, readings, chosen), self._tables, strict=True):
            self._tell(tables.rows(table, lot.connections), lot, told)
        self._tell(self._heard_rows(lot, chosen[~told.done[chosen]].tolist(), told, watch), lot, told)
        return told

    def _tell(self, rows: AloneRows, lot: Lot, told: Told) -> None:
        shown = self._lines.shown(rows)
        self._lines.write(shown, lot.connections, lot.calls, lot.flows)
        shown.count(self._rights)
        told.done[shown.connection] = True
        counts = np.bincount(shown.verdict, minlength=len(VERDICTS)).tolist()
        told.verdicts.update({verdict: n for verdict, n in zip(VERDICTS, counts, strict=True) if n})

    def _heard_rows(self, lot: Lot, chosen: Sequence[int], told: Told, watch: Watch) -> AloneRows:
        """The calls of connections that are read one by one."""
        found = []
        for first in watch.over("verdicts", range(0, len(chosen), WIRES_AT_ONCE)):
            for connection in lot.connections.at(chosen[first : first + WIRES_AT_ONCE]):
                wire, said = told.heard[connection.index] = wire_of(self._capture, connection), said_on(connection)
                found.append((connection.index, self._exemplars.alike(wire, said) or ()))
            forget_pages(lot.buffer)
        return rows_of(found)


def _single(connections: Connections) -> Bools:
    """Which are applications' own connections with both halves, whose client has no other one with this port.

    Times are those of clocks that count from the epoch on.
    """
    ends, guessed = connections.end_table, connections.end_table.client_by == GUESSED
    clients, servers = np.stack(ends.client), np.stack(ends.server)
    # Where ports alone tell who the client is, the server may be it.
    number = number_rows(np.concatenate([clients, servers[:, guessed]], axis=1))
    found: Bools = (np.bincount(number) == 1)[number[: len(connections)]]
    found &= (ends.redirect_port == OUTBOUND_PORT) & ends.joined & ~guessed
    return found & (connections.extents["first_ns"] >= 0)
