"""Which of many connections that are not HTTP/1.1 say the same, told without reading each into facts.

The sibling of ``http1_columns``. What is simple here is a part of what ``conversation`` reads as TLS or as opaque TCP;
that reads all else, one connection at a time.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from analyzer.base.kernel import COMPILE_ROWS
from analyzer.base.table import I64, U8
from analyzer.protocol import opaque_walk as walk
from analyzer.protocol.classes import Classes
from analyzer.protocol.http2_frames import FLAGS
from analyzer.protocol.piece_reader import PieceReader, Pieces, frozen
from analyzer.protocol.request_line import parse_request_line
from analyzer.protocol.tls_columns import TLS_NUMBERS, TLS_STRETCHES, read_tls

Bools = NDArray[np.bool_]

# Plain Python needs as long for one connection as for so many rows of the usual kernel.
_ROWS_A_CONNECTION = 40
# Who spoke first; where both spoke before they heard anything, the order of packets tells, which is not looked at.
_NOBODY, _CLIENT, _SERVER, _BOTH = range(4)
# A row by which connections are told apart: who spoke first, what it is, and of TLS what ``tls_columns`` has: numbers,
# and the lengths of texts.
_FIRST, _TOLD, _NUMBERS = 0, 1, 2
_LENGTHS = _NUMBERS + TLS_NUMBERS


class SpokenClasses(Classes):
    """The classes of connections that were told apart so far, of whatever capture."""

    def __init__(self) -> None:
        super().__init__(_LENGTHS, TLS_STRETCHES)


class SpokenReader:
    """Tells the classes of a capture's connections, of some after others; of about so many in all.

    ``from_start`` ``(2C,)`` says which lanes begin with the handshake.
    """

    def __init__(
        self,
        buffer: memoryview,
        pieces: Pieces,
        from_start: Bools,
        count: int,
        known: SpokenClasses,
        *,
        compile_rows: int = COMPILE_ROWS,
    ) -> None:
        self._reader = _Reader.of(buffer, pieces, count * _ROWS_A_CONNECTION, compile_rows)
        self._speaks = _speaks_first(pieces)
        self._may_be = _is_whole(pieces, from_start) & (self._speaks != _BOTH)
        self._known = known

    def classes_of(self, connections: I64) -> I64:
        """The class of each of some connections, ``(K,)``, -1 where it has to be read by itself.

        Connections of a class are TLS or opaque TCP, or nothing was said. ``parse_conversation`` gives equal
        conversations for them, but for where in the streams a ClientHello ends and alerts stand; these have no
        oddities, nothing is missing of them, and what Envoy's inspectors take them for is their protocol. Not a byte is
        missing of either lane, and both begin with the handshake; only of a client that said nothing and heard nothing
        it may be that no answer to its handshake was seen.
        """
        which = np.flatnonzero(self._may_be[connections])
        some = connections[which]
        simple, texts, *rows = self._reader.rows_of(some, self._speaks[some])
        classes = np.full(len(connections), -1)
        classes[which[simple]] = self._known.of(self._reader.run, frozen(texts), *rows)
        return classes


class _Reader(PieceReader, frozen=True):
    """Gives what connections are told apart by."""

    def rows_of(self, connections: I64, speaks: I64) -> tuple[I64, U8, I64, I64]:
        """The places of simple connections among some, the texts, and their rows, as ``tell_apart`` takes them."""
        told = self._told(connections)
        secret = np.flatnonzero(told == walk.MAYBE_TLS)
        tls = read_tls(self.run, self.data, self.matrix, self.pieces, connections[secret])
        told[secret[~tls.sound]] = walk.UNKNOWN
        rows = np.zeros((len(connections), _LENGTHS + TLS_STRETCHES), np.int64)
        begins = np.zeros((len(connections), TLS_STRETCHES), np.int64)
        rows[:, _FIRST], rows[:, _TOLD], rows[:, _LENGTHS:] = speaks, told, -1
        sound = secret[tls.sound]
        rows[sound, _NUMBERS:_LENGTHS] = tls.numbers
        begins[sound], rows[sound, _LENGTHS:] = tls.stretches[:, ::2], tls.stretches[:, 1::2]
        known = np.flatnonzero(told != walk.UNKNOWN)
        return known, tls.texts, rows[known], begins[known]

    def _told(self, connections: I64) -> I64:
        """What each connection is by its first bytes."""
        starts, lengths = self.pieces.starts, self.pieces.lengths
        client, server = 2 * connections, 2 * connections + 1
        matrix = np.zeros((walk.TOLD + 1, len(connections)), np.int64)
        matrix[walk.CLIENT_FIRST], matrix[walk.CLIENT_STOP] = starts[client], starts[client + 1]
        matrix[walk.SERVER_FIRST] = starts[server]
        matrix[walk.CLIENT_SENT], matrix[walk.SERVER_SENT] = lengths[client], lengths[server]
        self.run(walk.walk_first_bytes, self.data, self.matrix, matrix, np.array(FLAGS))
        self.run(walk.walk_lines, self.data, self.matrix, matrix, _method_bytes())
        told: I64 = matrix[walk.TOLD]
        return told


@lru_cache(maxsize=1)
def _method_bytes() -> U8:
    """Of each byte whether a method may have it, ``(256,)``."""
    lines = (f"{chr(byte)} / HTTP/1.1" for byte in range(256))
    return np.array([parse_request_line(line) is not None for line in lines], np.uint8)


def _is_whole(pieces: Pieces, from_start: Bools) -> Bools:
    """Of which connections no byte is missing, from the handshake on, or nothing was said to a client's handshake."""
    gapless = np.diff(np.searchsorted(pieces.breaks, pieces.starts)) == 0
    last = pieces.starts[1:] - 1
    there = np.diff(pieces.starts) > 0
    ends = np.zeros(len(last), np.int64)
    ends[there] = (pieces.position + pieces.length)[last[there]]
    whole = gapless & (ends == pieces.lengths)
    silent = (pieces.lengths[::2] == 0) & (pieces.lengths[1::2] == 0)
    found: Bools = whole[::2] & whole[1::2] & from_start[::2] & (from_start[1::2] | silent)
    return found


def _speaks_first(pieces: Pieces) -> I64:
    """Who spoke first on each connection."""
    asks, answers = pieces.lengths[::2] > 0, pieces.lengths[1::2] > 0
    asked_first, answered_first = pieces.heard[::2] == 0, pieces.heard[1::2] == 0
    found: I64 = np.select(
        [~asks & ~answers, ~answers, ~asks, asked_first & answered_first, answered_first],
        [_NOBODY, _CLIENT, _SERVER, _BOTH, _SERVER],
        _CLIENT,
    )
    return found
