"""Calls as columns: of connections that need not be read one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from analyzer.base.fact import Fact
from analyzer.base.pages import forget_pages
from analyzer.base.table import I64
from analyzer.flow.traffic import Bools
from analyzer.protocol.facts import Conversation

# So many connections at a time, so that what one kernel read is still near when the next one needs it.
_AT_ONCE = 1_000
# Connections that stand for others are read so many at once: each lies on many pages, which come with their neighbours.
READ_AT_ONCE = 64


class CallTable(Fact, frozen=True):
    """The calls of connections that need not be read one by one, by call, ``(N,)``.

    ``connection`` is the index of each call's connection, ``ordinal`` its place on it. What was said on the connection
    is as in ``talks[talk]`` but for exchanges and positions; ``said[talk]`` is all of it, None where connections differ
    in that. ``asked`` and ``answered`` are the classes of the call's messages, the same in all tables of who made this
    one; those of one ``asked`` have equal talks. ``target`` is a place in ``targets``, -1 without one. The others are
    as ``Alike`` has them.
    """

    connection: I64
    ordinal: I64
    talks: Sequence[Conversation]
    said: Sequence[Conversation | None]
    talk: I64
    asked: I64
    answered: I64
    targets: Sequence[str]
    target: I64
    first: I64
    last: I64
    asked_packet: I64
    begin_ns: I64
    end_ns: I64

    def __len__(self) -> int:
        return len(self.connection)


class Reading(Protocol):
    """Connections that are read, some after others, for a table of their calls."""

    def read(self, some: I64) -> Bools:
        """Which of some connections are of this kind, ``(K,)``."""

    def table(self) -> CallTable:
        """The calls of all connections of this kind that were read."""


def read_calls(
    buffer: memoryview, readings: Sequence[Reading], chosen: I64, *, at_once: int = _AT_ONCE
) -> Iterator[CallTable]:
    """The tables of the ``chosen`` connections (ascending), of one kind after the other.

    What is of one kind is not of the next ones. Bytes that lie together are read together, for all kinds.
    """
    for begin in range(0, max(len(chosen), 1), at_once):
        some = chosen[begin : begin + at_once]
        for reading in readings:
            some = some[~reading.read(some)]
        forget_pages(buffer)
    return (reading.table() for reading in readings)
