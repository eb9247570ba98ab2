"""Connections that are one call each, TLS and opaque TCP, as columns: which of them say and show the same."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import partial

import numpy as np

from analyzer.base.pages import forget_pages
from analyzer.base.table import I64, by_appearance
from analyzer.flow.connection import said_on
from analyzer.flow.connections import Connections
from analyzer.flow.traffic import Bools, Traffic
from analyzer.flow.tuples import number_rows
from analyzer.protocol.facts import Conversation
from analyzer.protocol.spoken_columns import SpokenClasses, SpokenReader
from analyzer.verdict.call_table import READ_AT_ONCE, CallTable
from analyzer.verdict.handshake import handshake_of

# How a connection ended: what is observed of it, and what that proves, goes by these, and by how its handshake went.
_ENDINGS = ("conn_state", "closed_by", "reset_by")
# So many ways to end are numbered.
_MOST_SHOWN = 1 << 15
_LENGTHS = ("client_bytes", "server_bytes", "server_packets", "missed_bytes")


class WholeCalls:
    """Finds connections that need not be read one by one."""

    def __init__(self) -> None:
        self._spoken = SpokenClasses()
        # What was said on connections of each class; the numbers of what connections showed, and of its parts.
        self._talks: dict[int, Conversation] = {}
        self._shown: dict[tuple[int, ...], int] = {}
        self._values: dict[Hashable, int] = {}

    @property
    def is_full(self) -> bool:
        """Whether so many classes are known that calls of others may soon not be found."""
        return self._spoken.is_full or len(self._shown) > _MOST_SHOWN

    def reading(self, buffer: memoryview, traffic: Traffic, connections: Connections, chosen: I64) -> WholeReading:
        """What reads some of the ``chosen`` connections after others."""
        reader = SpokenReader(buffer, traffic.pieces, traffic.placement.from_start, len(chosen), self._spoken)
        return WholeReading(reader, partial(self.table, buffer, connections))

    def table(self, buffer: memoryview, connections: Connections, which: I64, asked: I64) -> CallTable:
        """The calls of connections (ascending) of these classes."""
        talk, firsts = by_appearance(asked)
        self._read(connections, which[firsts].tolist(), asked[firsts].tolist(), buffer)
        talks = [self._talks[each] for each in asked[firsts].tolist()]
        # Of TLS connections know where a ClientHello ends, and alerts stand.
        said = [None if each.tls else each for each in talks]
        extents = {name: column[which] for name, column in connections.extents.items()}
        return CallTable(
            which, np.ones(len(which), np.int64), talks, said, talk, asked, self._endings(connections, which), (),
            np.full(len(which), -1), extents["first_packet"], extents["last_packet"], extents["first_packet"],
            extents["first_ns"], np.maximum(extents["last_ns"], extents["first_ns"]),
        )  # fmt: skip

    def _read(
        self, connections: Connections, indices: Sequence[int], classes: Sequence[int], buffer: memoryview
    ) -> None:
        """See what was said on connections of classes that are new."""
        new = [pair for pair in zip(classes, indices, strict=True) if pair[0] not in self._talks]
        for first in range(0, len(new), READ_AT_ONCE):
            some = new[first : first + READ_AT_ONCE]
            said = map(said_on, connections.at([index for _, index in some]))
            self._talks.update(zip((each for each, _ in some), said, strict=True))
            forget_pages(buffer)

    def _endings(self, connections: Connections, which: I64) -> I64:
        """The class of each connection by what it showed."""
        history = connections.coded["history"].numbers(lambda each: self._number(handshake_of(each)), which)
        endings = (connections.coded[name].numbers(self._number, which) for name in _ENDINGS)
        columns = np.stack([history, *endings, *(connections.extents[name][which] > 0 for name in _LENGTHS)])
        shown, firsts = by_appearance(number_rows(columns))
        known = [self._shown.setdefault(tuple(row), len(self._shown)) for row in columns[:, firsts].T.tolist()]
        return np.array(known, np.int64)[shown]

    def _number(self, value: Hashable) -> int:
        return self._values.setdefault(value, len(self._values))


class WholeReading:
    """Reads connections for the table of those that need not be read one by one; ``table_of`` gives that."""

    def __init__(self, reader: SpokenReader, table_of: Callable[[I64, I64], CallTable]) -> None:
        self._reader = reader
        self._table_of = table_of
        self._which = list[I64]()
        self._asked = list[I64]()

    def read(self, some: I64) -> Bools:
        """Which of some connections are of such a class."""
        classes = self._reader.classes_of(some)
        known: Bools = classes >= 0
        self._which.append(some[known])
        self._asked.append(classes[known])
        return known

    def table(self) -> CallTable:
        """The calls of those that were read and are of a class."""
        return self._table_of(np.concatenate(self._which), np.concatenate(self._asked))
