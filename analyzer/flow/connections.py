"""The connections of a capture, as the applications had them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, overload

import numpy as np

from analyzer.base.oddity import Oddity
from analyzer.base.table import I64, PacketTable, RecordTable
from analyzer.flow.closing import closings
from analyzer.flow.conflicts import find_conflicts
from analyzer.flow.connection import Connection
from analyzer.flow.events import read_events
from analyzer.flow.facts import EndAddresses, end_addresses, end_table, extents, interfaces, openings
from analyzer.flow.fields import Coded, Endpoints, Field
from analyzer.flow.identity import community_ids, connection_uids
from analyzer.flow.oddities import find_oddities
from analyzer.flow.orientation import CLIENT_BY, GUESSED
from analyzer.flow.streams import Streams
from analyzer.flow.traffic import Traffic, read_traffic

# What a connection has before anybody read what was said on it.
_FIELDS = tuple(name for name in Connection.__struct_fields__ if name != "said")


def connections(capture_name: str, buffer: memoryview, records: RecordTable, packets: PacketTable) -> list[Connection]:
    """The TCP connections of a capture, in the order of their first packet.

    ``buffer`` is what the offsets of ``packets`` point into; the streams hold on to it. Nothing on the wire makes this
    raise: what is strange is in ``Connection.oddities``, and about the whole capture in ``Traffic.oddities``, for which
    one calls ``read_traffic`` and ``describe`` oneself.
    """
    return describe(capture_name, buffer, read_traffic(packets, records))


def describe(capture_name: str, buffer: memoryview, traffic: Traffic) -> list[Connection]:
    """The connections of traffic that was read."""
    return list(Connections(capture_name, buffer, traffic))


def _as_it_is(connection: Connection) -> Connection:
    return connection


class Connections(Sequence[Connection]):
    """The connections of traffic, of which each is made when it is asked for; what all have is in columns before that.

    ``end_table`` and ``extents`` ``(C,)`` are as in ``facts``; ``clients``, ``servers``, and by name ``coded`` and
    ``names`` are fields of ``Connection``; ``compared`` is as in ``Conflicts``. ``amend`` is done to each connection
    that is given, but not to columns: it changes only those whose client is a guess.
    """

    def __init__(
        self,
        capture_name: str,
        buffer: memoryview,
        traffic: Traffic,
        amend: Callable[[Connection], Connection] = _as_it_is,
    ) -> None:
        events = read_events(traffic)
        self.end_table = end_table(traffic)
        self.extents: Mapping[str, I64] = extents(traffic, events)
        conflicts = find_conflicts(traffic, buffer)
        self.compared = conflicts.compared
        self._oddities = find_oddities(capture_name, traffic, events, conflicts)
        self._streams = Streams(buffer, traffic.records, traffic.lanes, traffic.placement, traffic.pieces)
        self._amend, self._count = amend, len(traffic.lanes)
        table, opened = self.end_table, openings(traffic, events)
        self._ends = end_addresses(table)
        self.clients = Endpoints(Coded(self._ends.texts, self._ends.client), table.client[2])
        self.servers = Endpoints(Coded(self._ends.texts, self._ends.server), table.server[2])
        self.coded: Mapping[str, Coded[Any]] = {
            "client_by": Coded(CLIENT_BY, table.client_by),
            **closings(traffic.lanes, events),
            "history": events.histories,
        }
        first_ns = self.extents["first_ns"].tolist()
        self.names = {
            "uid": connection_uids(self.clients, self.servers, opened["syn_seq"], first_ns),
            "community_id": community_ids(self.clients, self.servers),
        }
        self._fields: Mapping[str, Field] = {
            "client": self.clients,
            "server": self.servers,
            "redirect_port": table.redirect_port.tolist(),
            "joined": table.joined.tolist(),
            "ifindexes": interfaces(traffic),
            **opened,
            **self.coded,
            **self.names,
            **{name: column.tolist() for name, column in self.extents.items()},
        }

    @cached_property
    def addresses(self) -> EndAddresses:
        """Who talks with whom, amended."""
        return self._ends.amended(self._guessed)

    @property
    def oddities(self) -> Mapping[int, Sequence[Oddity]]:
        """What is strange about those of which anything is, amended, by index."""
        return {**self._oddities, **{index: each.oddities for index, each in self._guessed.items() if each.oddities}}

    @cached_property
    def _guessed(self) -> Mapping[int, Connection]:
        return {index: self[index] for index in np.flatnonzero(self.end_table.client_by == GUESSED).tolist()}

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Connection: ...
    @overload
    def __getitem__(self, index: slice) -> list[Connection]: ...
    def __getitem__(self, index: int | slice) -> Connection | list[Connection]:
        if isinstance(index, slice):
            return [self[each] for each in range(self._count)[index]]
        (found,) = self.at((range(self._count)[index],))
        return found

    def __iter__(self) -> Iterator[Connection]:
        return self.at(range(self._count))

    def at(self, indices: Sequence[int]) -> Iterator[Connection]:
        """Some of them: many are made in less time than each by itself."""
        fields: dict[str, Iterable[Any]] = {
            name: map(column.__getitem__, indices) for name, column in self._fields.items()
        }
        fields |= {
            "index": indices,
            "from_client": self._streams.at([2 * index for index in indices]),
            "from_server": self._streams.at([2 * index + 1 for index in indices]),
            "oddities": [tuple(self._oddities.get(index, ())) for index in indices],
        }
        return map(self._amend, map(Connection, *(fields[name] for name in _FIELDS)))
