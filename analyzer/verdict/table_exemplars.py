"""The exemplars of calls by their table: one call of each class is read, all others are like it."""

from __future__ import annotations

from collections.abc import Hashable
from enum import Enum
from typing import NamedTuple

import numpy as np

from analyzer.base.pages import forget_pages
from analyzer.base.table import I64, by_appearance, numbered
from analyzer.flow.connection import Endpoint, said_on
from analyzer.flow.connections import Connections
from analyzer.flow.tuples import number_rows
from analyzer.verdict.alone_rows import AloneRows
from analyzer.verdict.answers import Answers, quotes
from analyzer.verdict.askers import AskedBy, Askers
from analyzer.verdict.call_table import READ_AT_ONCE, CallTable
from analyzer.verdict.exemplars import Alike, Exemplar, Exemplars
from analyzer.verdict.wires import wire_of

# What stands for others takes about 300 bytes, besides its record.
_MOST_KNOWN = 1 << 15


class _Way(Enum):
    """Which calls one may stand for: of all clients that share decisions, of those of a namespace, of one client."""

    OF_ALL = 0
    OF_CLASS = 1
    OF_ONE = 2
    OF_TARGET = 3  # of one client, for one target


class _Asked(NamedTuple):
    """What calls have in common that one stands for.

    ``who`` is a class of clients, or one's address; ``what`` a class of targets, or one of them.
    """

    way: _Way
    who: Hashable
    server: Endpoint
    silent: bool
    asked: int
    answered: int
    what: Hashable


class TableExemplars:
    """Finds what the calls of tables are like, of connections that iptables redirected, seen in one capture.

    What stood for the calls of one table stands for those of the next; all are made by one who reads.
    """

    def __init__(self, askers: Askers, exemplars: Exemplars, answers: Answers, capture: str) -> None:
        self._askers = askers
        self._exemplars = exemplars
        self._class_of = answers.class_of
        self._capture = capture
        self._known: dict[_Asked, Exemplar | None] = {}

    @property
    def is_full(self) -> bool:
        """Whether there is much to remember."""
        return len(self._known) > _MOST_KNOWN

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
        classes, of_targets = numbered(map(self._class_of, calls.targets))
        of_target = np.append(of_targets, -1)[calls.target]
        kind, kinds = np.full(len(calls), -1), list[Exemplar | None]()
        lengths = np.array([*map(len, calls.targets), 0])[calls.target]
        left, each = np.argsort(-lengths, kind="stable"), np.arange(len(asked.askers))
        alike, same = (of_target, [*classes, None]), (calls.target, [*calls.targets, None])
        ways = (_Way.OF_ALL, asked.classes[0], *alike), (_Way.OF_CLASS, asked.classes[1], *alike)
        for way, who, what, names in (*ways, (_Way.OF_ONE, each, *alike), (_Way.OF_TARGET, each, *same)):
            own = who[asked.asker]
            some = left[own[left] >= 0]
            columns = np.stack([own, asked.server, calls.asked, calls.answered, what])[:, some]
            number, firsts = by_appearance(number_rows(columns))
            ones = some[firsts]
            asking = zip(ones.tolist(), own[ones].tolist(), what[ones].tolist(), strict=True)
            found = [self._stands(reader, call, way, by, names[target]) for call, by, target in asking]
            stands = np.array([stands for _, stands in found], np.bool_)
            taken = stands[number]
            kind[some[taken]] = len(kinds) + number[taken]
            kinds += [exemplar for exemplar, _ in found]
            left = left[kind[left] < 0]
        return kind, kinds

    def _stands(self, reader: _Reader, call: int, way: _Way, who: int, what: Hashable) -> tuple[Exemplar | None, bool]:
        """What all calls that are asked this way are like, and if that is so; None with it is for the whole judge."""
        key = reader.asked(call, way, who, what)
        if key not in self._known:
            exemplar = reader.exemplar(call)
            stands = reader.stands(exemplar, call, way)
            if exemplar is None:
                # So it may be of one connection alone.
                return None, stands
            self._known[key] = exemplar if stands else None
        known = self._known[key]
        return known, known is not None


class _Reader:
    """Reads single calls of a table by what was said."""

    def __init__(self, exemplars: Exemplars, capture: str, calls: CallTable, connections: Connections) -> None:
        self._exemplars = exemplars
        self._capture = capture
        self._calls = calls
        self._connections = connections
        self._read: dict[int, list[Alike] | None] = {}

    def asked(self, call: int, way: _Way, who: int, what: Hashable) -> _Asked:
        """What a call has in common with those that it may stand for; ``who`` is the class of its client, if any."""
        calls, index = self._calls, int(self._calls.connection[call])
        connections = self._connections
        one = way in (_Way.OF_ONE, _Way.OF_TARGET)
        return _Asked(
            way, connections.clients.ips[index] if one else who, connections.servers[index],
            bool(connections.extents["client_bytes"][index] == 0), int(calls.asked[call]),
            int(calls.answered[call]), what,
        )  # fmt: skip

    def exemplar(self, call: int) -> Exemplar | None:
        """What a call is like; None where any on its connection needs the whole judge."""
        calls, index = self._calls, int(self._calls.connection[call])
        if index not in self._read:
            connection = self._connections[index]
            said = calls.said[calls.talk[call]] or said_on(connection)
            self._read[index] = self._exemplars.alike(wire_of(self._capture, connection), said)
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
