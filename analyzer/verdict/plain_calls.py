"""The calls of plain HTTP/1.1 connections as columns: what is their own, and which are asked and answered alike."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from analyzer.base.pages import forget_pages
from analyzer.flow.traffic import Traffic
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.protocol.http1_columns import PlainExchanges, plain_exchanges
from analyzer.verdict.reply import OWN_TEXTS
from analyzer.verdict.sameness import sameness_of

# So many targets are read at once: each may lie on a page of its own, which comes with its neighbours.
_TARGETS_AT_ONCE = 1_024
# What plain connections speak.
PLAIN_PROTOCOL = "http/1.1"


class PlainCall(NamedTuple):
    """One exchange; ``asked`` and ``answered`` are the classes of its messages, among those of one table.

    The others are as ``Alike`` has them.
    """

    target: str
    asked: int
    answered: int
    first: int
    last: int
    asked_packet: int
    begin_ns: int
    end_ns: int


class PlainCalls:
    """The calls of the connections of one capture, or of a part, that are plain from their first byte to their last."""

    def __init__(self, buffer: memoryview, traffic: Traffic, mesh: MeshSnapshot) -> None:
        sameness = sameness_of(mesh)
        begun = traffic.placement.from_start.reshape(-1, 2).all(axis=1)
        # Where a proxy's own configuration may look at any header, no two requests are known to be alike.
        chosen = np.flatnonzero(begun & (not sameness.all_headers))
        table = plain_exchanges(
            buffer, traffic.pieces, chosen, looked_at=frozenset(sameness.headers), own_texts=OWN_TEXTS
        )  # fmt: skip
        bounds = zip(table.starts[:-1].tolist(), table.starts[1:].tolist(), strict=True)
        self._bounds = {c: bound for c, bound in zip(chosen.tolist(), bounds, strict=True) if bound[0] < bound[1]}
        self._cut = frozenset(np.flatnonzero(table.complete == 0).tolist())
        self._calls = list(map(PlainCall, _targets(buffer, table), *_columns(table, traffic)))

    def of(self, connection: int) -> list[PlainCall]:
        """The calls of a connection by its index; none where it is not plain."""
        first, stop = self._bounds.get(connection, (0, 0))
        # How a connection ended tells of the message that this cut off; it can only be the last one.
        return [] if stop - 1 in self._cut else self._calls[first:stop]


def _targets(buffer: memoryview, table: PlainExchanges) -> Iterator[str]:
    """The target of each request: many out of one text."""
    data = np.frombuffer(buffer, np.uint8)
    for first in range(0, len(table), _TARGETS_AT_ONCE):
        some = slice(first, first + _TARGETS_AT_ONCE)
        sizes = table.target_len[some]
        bounds = np.append(0, np.cumsum(sizes))
        places = np.repeat(table.target_off[some] - bounds[:-1], sizes) + np.arange(bounds[-1])
        text = data[places].tobytes().decode("latin-1")
        forget_pages(buffer)
        yield from (text[begin:end] for begin, end in pairwise(bounds.tolist()))


def _columns(table: PlainExchanges, traffic: Traffic) -> list[list[int]]:
    """The fields of ``PlainCall`` behind the target."""
    rows, records = traffic.pieces.row, traffic.records
    asking, *answering = (
        records.numbers_at(rows[pieces])
        for pieces in (table.asking_piece, table.answering_piece, table.answered_last_piece)
    )
    columns = (
        table.asked,
        table.answered,
        np.minimum.reduce([asking, *answering]),
        np.maximum.reduce([asking, *answering]),
        asking,
        records.time_ns[rows[table.asking_piece]],
        records.time_ns[rows[table.answering_piece]],
    )
    return [column.tolist() for column in columns]
