"""The exemplars of calls by their table: one call of each class is read, all others are like it."""

from __future__ import annotations

from enum import Enum

import numpy as np

from analyzer.base.pages import forget_pages
from analyzer.base.table import I64, by_appearance, numbered
from analyzer.flow.connection import said_on
from analyzer.flow.connections import Connections
from analyzer.flow.tuples import number_rows
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.verdict.alone_rows import AloneRows
from analyzer.verdict.answers import Answers, quotes
from analyzer.verdict.askers import AskedBy, Askers
from analyzer.verdict.call_table import READ_AT_ONCE, CallTable
from analyzer.verdict.exemplars import Alike, Exemplar, Exemplars
from analyzer.verdict.wires import wire_of


class _Way(Enum):
    """Which calls one may stand for: of all clients that share decisions, of those of a namespace, of one client."""

    OF_ALL = 0
    OF_CLASS = 1
    OF_ONE = 2
    OF_TARGET = 3  # of one client, for one target


class TableExemplars:
    """Finds what the calls of tables are like, of connections that iptables redirected, seen in one capture."""

    def __init__(self, mesh: MeshSnapshot, exemplars: Exemplars, answers: Answers, capture: str) -> None:
        self._askers = Askers(mesh, exemplars)
        self._exemplars = exemplars
        self._class_of = answers.class_of
        self._capture = capture

    def rows(self, calls: CallTable, connections: Connections) -> AloneRows:
        """The calls of a table with what they are like."""
        asked = self._askers.of(calls, connections)
        kind, kinds = self._kinds(calls, asked, _Reader(self._exemplars, self._capture, calls, connections))
        return AloneRows(
            kinds, kind, asked.askers, asked.asker, calls.targets, calls.target, calls.connection, calls.ordinal,
            calls.first, calls.last, calls.asked_packet, calls.begin_ns, calls.end_ns,
        )  # fmt: skip

    def _kinds(self, calls: CallTable, asked: AskedBy, reader: _Reader) -> tuple[I64, list[Exemplar | None]]:
        """The kind of each call.

        One call stands for all that its class of clients asks alike, the widest first, if clients of the class share
        the decision; then for all that one client asks alike; then, where words quote the target, for those to it. The
        one with the longest target stands for the others: sentences have shorter ones in them by chance.
        """
        _, of_targets = numbered(map(self._class_of, calls.targets))
        of_target = np.append(of_targets, -1)[calls.target]
        kind, kinds = np.full(len(calls), -1), list[Exemplar | None]()
        lengths = np.array([*map(len, calls.targets), 0])[calls.target]
        left, each = np.argsort(-lengths, kind="stable"), np.arange(len(asked.askers))
        ways = (_Way.OF_ALL, asked.classes[0], of_target), (_Way.OF_CLASS, asked.classes[1], of_target)
        for way, who, what in (*ways, (_Way.OF_ONE, each, of_target), (_Way.OF_TARGET, each, calls.target)):
            own = who[asked.asker]
            some = left[own[left] >= 0]
            columns = np.stack([own, asked.server, calls.asked, calls.answered, what])[:, some]
            number, firsts = by_appearance(number_rows(columns))
            found = [reader.exemplar(call) for call in some[firsts].tolist()]
            stands = np.array([reader.stands(*pair, way) for pair in zip(found, some[firsts].tolist(), strict=True)])
            taken = stands[number] if len(number) else number.astype(np.bool_)
            kind[some[taken]] = len(kinds) + number[taken]
            kinds += [exemplar if kept else None for exemplar, kept in zip(found, stands, strict=True)]
            left = left[kind[left] < 0]
        return kind, kinds


class _Reader:
    """Reads single calls of a table by what was said."""

    def __init__(self, exemplars: Exemplars, capture: str, calls: CallTable, connections: Connections) -> None:
        self._exemplars = exemplars
        self._capture = capture
        self._calls = calls
        self._connections = connections
        self._read: dict[int, list[Alike] | None] = {}

    def exemplar(self, call: int) -> Exemplar | None:
        """What a call is like; None where any on its connection needs the whole judge."""
        calls, index = self._calls, int(self._calls.connection[call])
        if index not in self._read:
            connection = self._connections[index]
            self._read[index] = self._exemplars.alike(wire_of(self._capture, connection), said_on(connection))
            if len(self._read) % READ_AT_ONCE == 0:
                forget_pages(connection.from_client.buffer)
        read, first = self._read[index], np.searchsorted(calls.connection, index)
        if read is None or len(read) != np.searchsorted(calls.connection, index, side="right") - first:
            return None
        found, target = read[call - first], int(calls.target[call])
        path = calls.targets[target] if target >= 0 else None
        return found.exemplar if found.path == path else None

    def stands(self, exemplar: Exemplar | None, call: int, way: _Way) -> bool:
        """Whether the exemplar of a call is that of all calls that are asked this way."""
        if exemplar is None:
            return way in (_Way.OF_ONE, _Way.OF_TARGET)
        if way is _Way.OF_TARGET:
            return True
        target, model = int(self._calls.target[call]), exemplar.model
        if target >= 0 and quotes(exemplar.record.decision, self._calls.targets[target]):
            return False
        return way is _Way.OF_ONE or (model is not None and (model.is_far or way is _Way.OF_CLASS))
