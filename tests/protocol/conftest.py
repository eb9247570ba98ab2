"""Builders of streams and of what is said on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pytest
from hpack import Encoder

from analyzer.base.fact import replace
from analyzer.base.stream import End, Stream
from analyzer.protocol.conversation import parse_conversation
from analyzer.protocol.facts import Conversation
from analyzer.protocol.notes import Notes
from analyzer.protocol.spoken_columns import SpokenClasses, SpokenReader
from made.lanes import Lane, Pieces, pieces_of

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def _stream(
    data: bytes,
    *,
    cuts: Sequence[int] = (),
    gap: tuple[int, int] | None = None,
    from_start: bool = True,
    end: End = End.OPEN,
    first_packet: int = 1,
    step: int = 1,
) -> Stream:
    borders = sorted({0, len(data), *cuts, *(gap or ())} & set(range(len(data) + 1)))
    pieces = [(a, b) for a, b in pairwise(borders) if not (gap and gap[0] <= a < gap[1])]
    packets = [first_packet + step * i for i in range(len(pieces))]
    starts, lengths = [a for a, _ in pieces], [b - a for a, b in pieces]
    return Stream(
        memoryview(data), starts, starts, lengths, packets, [1000 * p for p in packets], len(data), from_start, end
    )


def _parse(client: bytes | Stream, server: bytes | Stream = b"") -> Conversation:
    streams = (s if isinstance(s, Stream) else _stream(s, first_packet=1001) for s in (client, server))
    return parse_conversation(*streams)


def _frame(kind: int, flags: int, stream_id: int, payload: bytes = b"") -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream_id.to_bytes(4, "big") + payload


def _vector(size: int, data: bytes) -> bytes:
    return len(data).to_bytes(size, "big") + data


def _extension(kind: int, data: bytes) -> bytes:
    return kind.to_bytes(2, "big") + _vector(2, data)


def _server_name(name: bytes) -> bytes:
    return _extension(0, _vector(2, b"\0" + _vector(2, name)))


def _alpn(*names: bytes) -> bytes:
    return _extension(16, _vector(2, b"".join(_vector(1, name) for name in names)))


def _hello_body(*extensions: bytes, version: int = 0x0303) -> bytes:
    listed = _vector(2, b"".join(extensions)) if extensions else b""
    return version.to_bytes(2, "big") + bytes(32) + _vector(1, b"") + _vector(2, b"\x13\x01") + b"\x01\0" + listed


def _record(kind: int, payload: bytes, *, version: int = 0x0301) -> bytes:
    return bytes((kind,)) + version.to_bytes(2, "big") + _vector(2, payload)


def _handshake(kind: int, body: bytes) -> bytes:
    return bytes((kind,)) + _vector(3, body)


class Peer:
    """One end of an HTTP/2 connection: frames with its own header compression."""

    def __init__(self) -> None:
        self._encoder = Encoder()

    def block(self, *headers: tuple[str, str]) -> bytes:
        """A header block."""
        return bytes(self._encoder.encode(list(headers)))

    def headers(self, stream_id: int, *headers: tuple[str, str], ends: bool = False) -> bytes:
        """A HEADERS frame."""
        return _frame(1, 0x4 | ends, stream_id, self.block(*headers))

    def request(self, stream_id: int, authority: str = "a.example", path: str = "/", *, ends: bool = True) -> bytes:
        """A GET."""
        pseudo = ((":method", "GET"), (":scheme", "http"), (":authority", authority), (":path", path))
        return self.headers(stream_id, *pseudo, ends=ends)

    def response(self, stream_id: int, status: str = "200", *, ends: bool = True) -> bytes:
        """A head with a status."""
        return self.headers(stream_id, (":status", status), ("server", "envoy"), ends=ends)


class Builders:
    """Bytes of the protocols, by their parts."""

    peer = Peer

    stream = staticmethod(_stream)
    parse = staticmethod(_parse)
    frame = staticmethod(_frame)
    vector = staticmethod(_vector)
    extension = staticmethod(_extension)
    server_name = staticmethod(_server_name)
    alpn = staticmethod(_alpn)
    hello_body = staticmethod(_hello_body)
    record = staticmethod(_record)
    handshake = staticmethod(_handshake)
    preface = PREFACE

    def client_hello(self, *extensions: bytes) -> bytes:
        """A ClientHello in one record."""
        return self.record(22, self.handshake(1, self.hello_body(*extensions)))

    def server_hello(self, *extensions: bytes, version: int = 0x0303) -> bytes:
        """A ServerHello in one record."""
        listed = self.vector(2, b"".join(extensions)) if extensions else b""
        body = version.to_bytes(2, "big") + bytes(32) + b"\0" + b"\x13\x01\0" + listed
        return self.record(22, self.handshake(2, body), version=0x0303)

    def get(self, path: str = "/", host: str = "a.example", *, method: str = "GET", more: str = "") -> bytes:
        """A request without a body."""
        return f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n".encode("latin-1")

    def ok(self, body: bytes = b"hello", *, status: int = 200, more: str = "") -> bytes:
        """A response with its length."""
        return f"HTTP/1.1 {status} OK\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body


def _told(lanes: list[Lane]) -> tuple[memoryview, Pieces]:
    """The lanes in one buffer with something between all segments."""
    return pieces_of(lanes, b"\x16\x03\x01")


def _stream_of(buffer: memoryview, pieces, from_start, lane: int) -> Stream:
    first, stop = pieces.starts[lane : lane + 2].tolist()
    columns = [column[first:stop].tolist() for column in (pieces.position, pieces.offset, pieces.length)]
    packets = list(range(first + 1, stop + 1))
    length, heard = int(pieces.lengths[lane]), int(pieces.heard[lane])
    return Stream(buffer, *columns, packets, packets, length, bool(from_start[lane]), End.OPEN, heard=heard)


def _without_positions(said: Conversation) -> Conversation:
    if said.tls is None:
        return said
    hello = replace(said.tls.client_hello, end=0)
    return replace(
        said,
        tls=replace(said.tls, client_hello=hello, alerts=tuple(replace(a, position=0) for a in said.tls.alerts)),
    )


def _check(buffer: memoryview, pieces, from_start, connections, classes) -> None:
    """Hold classes against what the whole parser says of the same bytes."""
    known: dict[int, Conversation] = {}
    for connection, number in zip(connections, classes, strict=True):
        if number >= 0:
            said = parse_conversation(*(_stream_of(buffer, pieces, from_start, 2 * connection + i) for i in (0, 1)))
            assert (said.oddities, said.missing, said.exchanges, said.inspected) == ((), (), (), None)
            assert (said.answer, said.inner_tls, said.sniffable, said.inside) == (None, None, True, None)
            assert number <= len(known)
            assert known.setdefault(number, _without_positions(said)) == _without_positions(said)


def _classes_of(*connections: tuple[Lane | bytes, Lane | bytes]) -> list[int]:
    """The classes of connections; a server's bytes alone come after it heard something."""
    lanes = []
    for client, server in connections:
        lanes += [client if isinstance(client, Lane) else Lane(client)]
        lanes += [server if isinstance(server, Lane) else Lane(server, heard=1)]
    buffer, pieces = _told(lanes)
    from_start, chosen = np.array([lane.from_start for lane in lanes], np.bool_), np.arange(len(connections))
    plain, compiled = (
        SpokenReader(buffer, pieces, from_start, len(chosen), SpokenClasses(), compile_rows=rows)
        .classes_of(chosen)
        .tolist()
        for rows in (1 << 62, 0)
    )
    assert plain == compiled
    _check(buffer, pieces, from_start, chosen.tolist(), plain)
    return plain


def _is_simple(client: Lane | bytes, server: Lane | bytes = b"") -> bool:
    return _classes_of((client, server)) == [0]


class Spoken:
    """Classes of connections, held against what the whole parser reads of each."""

    lane = Lane
    told = staticmethod(_told)
    stream_of = staticmethod(_stream_of)
    check = staticmethod(_check)
    classes_of = staticmethod(_classes_of)
    is_simple = staticmethod(_is_simple)


class Tls:
    """What a client and a server say in TLS; ``filler`` is what facts do not depend on."""

    change = b"\x14\x03\x03\0\x01\x01"

    def __init__(self, say: Builders) -> None:
        self.say = say
        self.name, self.alpn = say.server_name(b"a.example"), say.alpn(b"h2", b"http/1.1")
        self.versions = say.extension(43, say.vector(1, b"\x03\x04\x03\x03"))
        self.chosen = say.extension(43, b"\x03\x04")
        leaf = say.vector(3, b"certificate of the server")
        self.certificate = self.record(say.handshake(11, say.vector(3, leaf + say.vector(3, b"issuer"))))

    def record(self, payload: bytes, kind: int = 22) -> bytes:
        """A record."""
        return self.say.record(kind, payload, version=0x0303)

    def hello(self, *extensions: bytes, filler: int = 0, session: int = 0, ciphers: bytes = b"\x13\x01") -> bytes:
        """A ClientHello; with name, protocols and versions where nothing is said."""
        say = self.say
        chosen = extensions or (self.name, self.alpn, self.versions)
        body = b"\x03\x03" + bytes((filler,)) * 32 + say.vector(1, bytes((filler,)) * session) + say.vector(2, ciphers)
        return say.record(22, say.handshake(1, body + b"\x01\0" + say.vector(2, b"".join(chosen))))

    def answer(self, *extensions: bytes, filler: int = 0, version: bytes = b"\x03\x03") -> bytes:
        """A ServerHello."""
        listed = self.say.vector(2, b"".join(extensions)) if extensions else b""
        return self.record(self.say.handshake(2, version + bytes((filler,)) * 32 + b"\0" + b"\x13\x01\0" + listed))

    def data(self, size: int = 200, filler: int = 0) -> bytes:
        """Application data."""
        return self.record(bytes((filler,)) * size, 23)

    def alert(self, level: int, description: int) -> bytes:
        """An alert."""
        return self.record(bytes((level, description)), 21)


@pytest.fixture(scope="session")
def say() -> Builders:
    """Builders of streams, messages, frames and records; ``say.parse`` reads a conversation."""
    return Builders()


@pytest.fixture
def notes() -> Notes:
    return Notes()


@pytest.fixture
def codes() -> Callable[[Conversation | Notes], list[str]]:
    """The names of the oddities of a conversation."""
    return lambda said: [oddity.code.name for oddity in said.oddities]


@pytest.fixture
def client() -> Peer:
    """The client's end of an HTTP/2 connection."""
    return Peer()


@pytest.fixture
def server() -> Peer:
    """The server's end of an HTTP/2 connection."""
    return Peer()


@pytest.fixture(scope="session")
def spoken() -> Spoken:
    """Lanes of connections, and which of them say the same."""
    return Spoken()


@pytest.fixture(scope="session")
def tls(say: Builders) -> Tls:
    """Builders of TLS."""
    return Tls(say)
