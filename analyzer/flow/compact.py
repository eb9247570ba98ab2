"""A connection without the capture that it lies in: small enough to be kept, or sent to another process.

What was said on it is read first; of its bytes only what joins sightings and legs is kept: the beginning of what the
client sent. Which packet brought which byte, and when, stays whole.
"""

from __future__ import annotations

from array import array

from analyzer.base.fact import replace
from analyzer.base.stream import Stream
from analyzer.flow.connection import Connection, said_on

# How far into the client's stream two sightings of a connection are compared (``verdict/wires.py``).
KEPT_LEN = 1 << 16


def compact(connection: Connection) -> Connection:
    """The same connection with what was said on it, and without a reference to its capture."""
    client, server = _cut(connection.from_client, KEPT_LEN), _cut(connection.from_server, 0)
    return replace(connection, from_client=client, from_server=server, said=said_on(connection))


def _cut(stream: Stream, size: int) -> Stream:
    """The stream with its first ``size`` bytes at most, each at its position of a buffer of its own."""
    kept = bytearray(min(stream.length, size))
    for start, offset, length in zip(stream.starts, stream.offsets, stream.lengths, strict=True):
        if start >= len(kept):
            break
        piece = stream.buffer[offset : offset + min(length, len(kept) - start)]
        kept[start : start + len(piece)] = piece
    starts, lengths, packets, times_ns = (
        array("q", column) for column in (stream.starts, stream.lengths, stream.packets, stream.times_ns)
    )
    return replace(
        stream, buffer=memoryview(bytes(kept)), starts=starts, offsets=starts, lengths=lengths, packets=packets,
        times_ns=times_ns,
    )  # fmt: skip
