"""What many connections show of TLS in the clear, as columns by which they are told apart.

What is taken here is a part of what ``tls`` reads. Of connections that are equal in all columns the facts are equal,
but for positions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from analyzer.base.fact import Fact
from analyzer.base.table import I64, U8, ranges
from analyzer.protocol import tls_walk as walk
from analyzer.protocol.piece_reader import Pieces
from analyzer.protocol.tls import MAX_FINISHED_LEN
from analyzer.protocol.tls_hello import (
    ALPN,
    ECH,
    ECH_OUTER,
    HOST,
    HOST_NAME,
    MAX_HOST_NAME_LEN,
    PRE_SHARED_KEY,
    SERVER_NAME,
    SUPPORTED_VERSIONS,
)

Bools = NDArray[np.bool_]
# Begins and lengths, -1 for none.
Stretches = tuple[I64, I64]
# Runs a kernel over arguments.
Run = Callable[..., int]

# The extensions of which facts are made, in the order of their rows.
_OFFERED = (ALPN, SUPPORTED_VERSIONS, SERVER_NAME, ECH)
_CHOSEN = (ALPN, SUPPORTED_VERSIONS, PRE_SHARED_KEY)
# A server_name extension with one name is five bytes and the name: two lengths around a type.
_BEFORE_NAME = 5
# How many numbers and stretches there are of a connection.
TLS_NUMBERS, TLS_STRETCHES = 10, 5
_TLS_1_3 = 0x0304
# Longer texts are read one connection at a time, so that those that somebody made long take no memory.
_MAX_PROTOCOLS_LEN, _MAX_LEAF_LEN = 256, 4096
# So that the first bytes of an extension can be looked at where there is none.
_SPARE = 8


class TlsColumns(Fact, frozen=True):
    """``sound`` ``(K,)`` says which connections are told of; all else is of those, ``(S, …)``.

    ``numbers`` are versions, alerts and the like, ``stretches`` the begin in ``texts`` and the length, -1 for none, of
    name, protocols, versions, the server's protocol and its certificate, in turn.
    """

    sound: Bools
    numbers: I64
    stretches: I64
    texts: U8


def read_tls(run: Run, data: U8, matrix: I64, pieces: Pieces, connections: I64) -> TlsColumns:
    """The columns of those ``connections`` whose opening is simple.

    Both lanes of each begin with the handshake and have no gaps, and the client's first byte is that of a handshake
    record. ``matrix`` has the rows of ``tls_walk`` of ``pieces``.
    """
    asked = _read(run, data, matrix, pieces, 2 * connections, walk.CLIENT_HELLO, _OFFERED)
    answered = _read(run, data, matrix, pieces, 2 * connections + 1, walk.SERVER_HELLO, _CHOSEN)
    sound = asked.simple & answered.simple & _is_plain_offer(asked) & _is_plain_choice(answered)
    asked, answered = asked.only(sound), answered.only(sound)
    offered, offered_at = asked.copy((asked.name, asked.extension(ALPN), asked.extension(SUPPORTED_VERSIONS)))
    chosen, chosen_at = answered.copy((answered.extension(ALPN), answered.leaf))
    chosen_at[:, ::2] += len(offered)
    return TlsColumns(
        sound,
        np.stack(_numbers(asked, answered), axis=1),
        np.concatenate([offered_at, chosen_at], axis=1),
        np.concatenate([offered, chosen]),
    )


class _Flights(Fact, frozen=True):
    """The first flights of one side: their bytes and the matrix of ``tls_walk``; which ``extensions`` it has."""

    data: U8
    lanes: I64
    extensions: tuple[int, ...]

    @property
    def simple(self) -> Bools:
        """Of which lanes all could be read."""
        simple: Bools = self.lanes[walk.END] >= 0
        return simple

    def only(self, which: Bools) -> _Flights:
        """The flights of some of the lanes."""
        return _Flights(self.data, self.lanes[:, which], self.extensions)

    def extension(self, kind: int) -> Stretches:
        """Where the extensions of a kind lie."""
        row = walk.EXTENSIONS + 2 * self.extensions.index(kind)
        return self.lanes[row], self.lanes[row + 1]

    def size(self, kind: int) -> I64:
        """How long they are, -1 where there is none."""
        return self.extension(kind)[1]

    @property
    def name(self) -> Stretches:
        """Where the server names lie, of which there is one."""
        at, size = self.extension(SERVER_NAME)
        return at + _BEFORE_NAME, np.where(size < 0, -1, size - _BEFORE_NAME)

    @property
    def leaf(self) -> Stretches:
        """Where the certificates lie."""
        return self.lanes[walk.LEAF], self.lanes[walk.LEAF_LEN]

    def number(self, kind: int, skipped: int, size: int) -> I64:
        """What stands in the extension of a kind behind some bytes; anything where there is none so long."""
        at, length = self.extension(kind)
        first = np.where(length >= skipped + size, at + skipped, 0)
        found: I64 = np.zeros(len(at), np.int64)
        for byte in range(size):
            found = found << 8 | self.data[first + byte]
        return found

    def copy(self, stretches: Sequence[Stretches]) -> tuple[U8, I64]:
        """The bytes of some stretches of each lane, and the columns that say where each begins and how long it is."""
        begins, sizes = (np.stack(each, axis=1) for each in zip(*stretches, strict=True))
        lengths = np.maximum(sizes, 0).ravel()
        columns = np.empty((len(sizes), 2 * len(stretches)), np.int64)
        columns[:, ::2] = (np.cumsum(lengths) - lengths).reshape(sizes.shape)
        columns[:, 1::2] = sizes
        return self.data[ranges(begins.ravel(), lengths)], columns


def _read(
    run: Run, data: U8, matrix: I64, pieces: Pieces, lanes: I64, hello: int, extensions: tuple[int, ...]
) -> _Flights:
    """The flights of some lanes, each with a hello of the kind ``hello`` or, of a server, without one."""
    rows = np.zeros((walk.EXTENSIONS + 2 * len(extensions), len(lanes)), np.int64)
    rows[walk.FIRST], rows[walk.STOP], rows[walk.SENT] = (
        pieces.starts[lanes],
        pieces.starts[lanes + 1],
        pieces.lengths[lanes],
    )
    flights = np.zeros(int(np.minimum(rows[walk.SENT], walk.MAX_FLIGHT_LEN).sum()) + _SPARE, np.uint8)
    run(walk.walk_records, data, matrix, rows, flights)
    run(walk.walk_messages, flights, rows, hello)
    run(walk.walk_hellos, flights, rows, hello, np.array(extensions), np.zeros(walk.MAX_EXTENSIONS, np.int64))
    found = _Flights(flights, rows, extensions)
    run(walk.walk_protocols, flights, rows, walk.EXTENSIONS + 2 * extensions.index(ALPN))
    return found


def _is_plain_offer(asked: _Flights) -> Bools:
    """Which hellos of clients have one server name or none, a list of versions or none, and nothing encrypted."""
    size, offered, hidden = map(asked.size, (SERVER_NAME, SUPPORTED_VERSIONS, ECH))
    listed, kind, length = (asked.number(SERVER_NAME, skipped, of) for skipped, of in ((0, 2), (2, 1), (3, 2)))
    one = (size > _BEFORE_NAME) & (size <= _BEFORE_NAME + MAX_HOST_NAME_LEN)
    one &= (listed == size - 2) & (kind == HOST_NAME) & (length == size - _BEFORE_NAME)
    versions = (offered & 1 == 1) & (asked.number(SUPPORTED_VERSIONS, 0, 1) == offered - 1)
    plain: Bools = ((size < 0) | one) & ((offered < 0) | versions)
    plain &= asked.size(ALPN) <= _MAX_PROTOCOLS_LEN
    plain &= (hidden <= 0) | (asked.number(ECH, 0, 1) != ECH_OUTER)
    return plain & _are_hosts(asked, plain)


def _are_hosts(asked: _Flights, plain: Bools) -> Bools:
    """Of which of the ``plain`` lanes the server name has nothing that no name of a host has."""
    at, size = asked.name
    size = np.where(plain, np.maximum(size, 0), 0)
    strange = ~_host_bytes()[asked.data[ranges(at, size)]]
    found: Bools = np.bincount(np.repeat(np.arange(len(at)), size)[strange], minlength=len(at)) == 0
    return found


def _is_plain_choice(answered: _Flights) -> Bools:
    """Which servers choose one version, by the extension or without, and show no very long certificate."""
    size = answered.size(SUPPORTED_VERSIONS)
    plain: Bools = ((size < 0) | (size == 2)) & (answered.size(ALPN) <= _MAX_PROTOCOLS_LEN)
    return plain & (answered.leaf[1] <= _MAX_LEAF_LEN)


def _numbers(asked: _Flights, answered: _Flights) -> tuple[I64, ...]:
    """What facts are made of beside the texts; the client's first data only as far as it tells of a certificate."""
    version = np.where(
        answered.size(SUPPORTED_VERSIONS) < 0,
        answered.lanes[walk.VERSION],
        answered.number(SUPPORTED_VERSIONS, 0, 2),
    )
    asked_len, answered_len = asked.lanes[walk.DATA_LEN], answered.lanes[walk.DATA_LEN]
    long = (asked_len > MAX_FINISHED_LEN) & (version >= _TLS_1_3)
    both = (flights.lanes[row] for flights in (asked, answered) for row in (walk.VERSION, walk.ALERTS, walk.CERTIFIED))
    return *both, version, answered.size(PRE_SHARED_KEY) >= 0, np.where(long, 2, asked_len > 0), answered_len > 0


@lru_cache(maxsize=1)
def _host_bytes() -> Bools:
    """Of each byte whether the name of a host may have it, ``(256,)``."""
    return np.array([HOST.fullmatch(chr(byte)) is not None for byte in range(256)])
