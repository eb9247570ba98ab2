"""The calls of plain HTTP/1.1 connections as columns: what is their own, and which are asked and answered alike."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from analyzer.base.table import I64, numbered, ranges
from analyzer.flow.connections import Connections
from analyzer.flow.traffic import Bools, Traffic
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.protocol.facts import Conversation
from analyzer.protocol.http1_columns import PlainExchanges, PlainHeads, PlainReader
from analyzer.verdict.call_table import CallTable
from analyzer.verdict.reply import OWN_TEXTS
from analyzer.verdict.sameness import sameness_of

# What is known of a connection on which plain requests are made, before any is looked at.
_PLAIN = Conversation("http/1.1")


class PlainCalls:
    """Finds plain calls, as a mesh looks at requests."""

    def __init__(self, mesh: MeshSnapshot) -> None:
        sameness = sameness_of(mesh)
        # Where a proxy's own configuration may look at any header, no two requests are known to be alike.
        self._may_be = not sameness.all_headers
        self._heads = PlainHeads(looked_at=frozenset(sameness.headers), own_texts=OWN_TEXTS)

    @property
    def is_full(self) -> bool:
        """Whether so many classes are known that calls of others may soon not be found."""
        return self._heads.is_full

    def reading(self, buffer: memoryview, traffic: Traffic, connections: Connections, chosen: I64) -> PlainReading:
        """What reads some of the ``chosen`` connections after others."""
        from_start = traffic.placement.from_start
        begun = from_start[::2] & from_start[1::2] & self._may_be
        return PlainReading(
            PlainReader(buffer, traffic.pieces, chosen[begun[chosen]], self._heads), begun, traffic, connections
        )


class PlainReading:
    """Reads connections for the table of their plain calls; of those that were ``begun``."""

    def __init__(self, reader: PlainReader, begun: Bools, traffic: Traffic, connections: Connections) -> None:
        self._reader = reader
        self._begun = begun
        self._traffic, self._connections = traffic, connections
        self._which = list[I64]()
        self._parts = list[PlainExchanges]()

    def read(self, some: I64) -> Bools:
        """Which of some connections are plain."""
        begun = self._begun[some]
        self._which.append(some[begun])
        self._parts.append(self._reader.read(some[begun]))
        plain = np.zeros(len(some), np.bool_)
        plain[begun] = np.diff(self._parts[-1].starts) > 0
        return plain

    def table(self) -> CallTable:
        """The calls of those that were read and are plain."""
        table, chosen = PlainExchanges.joined(self._parts), np.concatenate(self._which)
        counts = np.diff(table.starts)
        # How a connection ended tells of the message that this cut off; it can only be the last one.
        lasts = np.maximum(table.starts[1:] - 1, 0)
        counts = np.where(table.complete[lasts] == 0, 0, counts) if len(table) else counts
        rows = ranges(table.starts[:-1], counts)
        ordinals = ranges(np.ones(len(counts), np.int64), counts)
        targets, target = numbered(_targets(table, rows))
        connection = np.repeat(chosen, counts)
        return CallTable(
            connection, ordinals, (_PLAIN,), (None,), np.zeros(len(rows), np.int64), table.asked[rows],
            table.answered[rows], targets, target, *_places(table, rows, self._traffic),
            *_times(table, rows, self._traffic, self._connections.extents["last_ns"][connection]),
        )  # fmt: skip


def _targets(table: PlainExchanges, rows: I64) -> Iterator[str]:
    """The target of each request."""
    ends = np.cumsum(table.target_len)
    bounds = np.stack([ends - table.target_len, ends])[:, rows].tolist()
    return (table.targets[begin:end] for begin, end in zip(*bounds, strict=True))


def _places(table: PlainExchanges, rows: I64, traffic: Traffic) -> tuple[I64, I64, I64]:
    """The first and the last packet of each call, and the one that asks."""
    asking, *answering = (
        traffic.records.numbers_at(traffic.pieces.row[pieces[rows]])
        for pieces in (table.asking_piece, table.answering_piece, table.answered_last_piece)
    )
    return np.minimum.reduce([asking, *answering]), np.maximum.reduce([asking, *answering]), asking


def _times(table: PlainExchanges, rows: I64, traffic: Traffic, last_ns: I64) -> tuple[I64, I64]:
    """When each call was asked and began to be answered."""
    begin, end = (
        traffic.records.time_ns[traffic.pieces.row[pieces[rows]]]
        for pieces in (table.asking_piece, table.answering_piece)
    )
    return begin, np.maximum(np.where(end == 0, last_ns, end), begin)
