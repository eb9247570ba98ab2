"""TLS opened by a key log: both directions of what was said inside, as streams (RFC 8446, RFC 5246).

Each byte keeps the packet that completed its record. Reading stops where bytes are missing or a key does not fit: what
follows counts as a gap at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from analyzer.base.stream import Stream
from analyzer.protocol import keylog
from analyzer.protocol.crypto import expand_label
from analyzer.protocol.cursor import Cursor, MalformedError
from analyzer.protocol.keylog import RANDOM_LEN, KeyLog
from analyzer.protocol.notes import Notes
from analyzer.protocol.tls_records import (
    APPLICATION_DATA,
    CHANGE_CIPHER_SPEC,
    HANDSHAKE,
    HEADER_LEN,
    is_record_header,
    read_flight,
)
from analyzer.protocol.tls_suites import (
    SUITES_1_2,
    SUITES_1_3,
    RecordKeys,
    Suite,
    keys_1_2,
    keys_1_3,
    open_1_2,
    open_1_3,
)

_CLIENT_HELLO, _SERVER_HELLO, _KEY_UPDATE = 1, 2, 24
_SUPPORTED_VERSIONS, _ENCRYPT_THEN_MAC = 43, 22
_TLS_1_2, _TLS_1_3 = 0x0303, 0x0304
# RFC 8446 section 4.1.3: the random of a ServerHello that asks for another ClientHello.
_RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
# In the order in which they are used.
_CLIENT_SECRETS = (keylog.EARLY, keylog.CLIENT_HANDSHAKE, keylog.CLIENT_TRAFFIC)
_SERVER_SECRETS = (keylog.SERVER_HANDSHAKE, keylog.SERVER_TRAFFIC)
# A handshake message that is longer is not looked at; keys change with short ones.
_MAX_MESSAGE_LEN = 128 * 1024


class Opened(NamedTuple):
    """What both sides said inside."""

    from_client: Stream
    from_server: Stream


class _Agreed(NamedTuple):
    """What the hellos agreed on."""

    client_random: bytes
    server_random: bytes
    version: int
    suite: Suite
    mac_first: bool


class _Record(NamedTuple):
    kind: int
    header: bytes
    body: bytes
    last: int


# Gives the application data of each record in turn, empty for others; None where it cannot be opened.
_Reader = Callable[[_Record], bytes | None]


def open_tls(
    from_client: Stream, from_server: Stream, keys: KeyLog, *, client_start: int = 0, server_start: int = 0
) -> Opened | None:
    """What is inside a connection from its hellos on; None where the log has no keys of it, or no such suite."""
    agreed = _agree(from_client, from_server, client_start, server_start)
    secrets = keys.of(agreed.client_random) if agreed else {}
    if agreed is None or not secrets:
        return None
    readers = _readers_1_3(agreed.suite, secrets) if agreed.version == _TLS_1_3 else _readers_1_2(agreed, secrets)
    if readers is None:
        return None
    client, server = readers
    return Opened(_inside(from_client, client_start, client), _inside(from_server, server_start, server))


def _agree(from_client: Stream, from_server: Stream, client_start: int, server_start: int) -> _Agreed | None:
    asked = read_flight(from_client, client_start, Notes(), from_client=True)
    answered = read_flight(from_server, server_start, Notes(), from_client=False)
    hello = next((m.body for m in asked.messages if m.kind == _CLIENT_HELLO), b"")
    chosen = next((m.body for m in answered.messages if m.kind == _SERVER_HELLO and m.body[2:34] != _RETRY), b"")
    if len(hello) < 2 + RANDOM_LEN:
        return None
    try:
        return _read_choice(hello[2 : 2 + RANDOM_LEN], Cursor(chosen))
    except MalformedError:
        return None


def _read_choice(client_random: bytes, chosen: Cursor) -> _Agreed | None:
    """The fields of a ServerHello (RFC 8446 section 4.1.3); raises ``MalformedError``."""
    version, server_random = chosen.integer(2), chosen.take(RANDOM_LEN)
    chosen.vector(1)
    number = chosen.integer(2)
    chosen.take(1)
    extensions = Cursor(chosen.vector(2) if chosen else b"")
    mac_first = True
    while extensions:
        kind, data = extensions.integer(2), extensions.vector(2)
        if kind == _SUPPORTED_VERSIONS:
            version = int.from_bytes(data, "big")
        mac_first &= kind != _ENCRYPT_THEN_MAC
    suite = {_TLS_1_3: SUITES_1_3, _TLS_1_2: SUITES_1_2}.get(version, {}).get(number)
    return _Agreed(client_random, server_random, version, suite, mac_first) if suite else None


def _records(stream: Stream, position: int) -> Iterator[_Record]:
    """The records from ``position`` on, as far as they are there whole."""
    while is_record_header(header := stream.read(position, HEADER_LEN)):
        size = int.from_bytes(header[3:], "big")
        body = stream.read(position + HEADER_LEN, size)
        if len(body) < size:
            return
        position += HEADER_LEN + size
        yield _Record(header[0], header, body, position - 1)


def _inside(stream: Stream, start: int, reader: _Reader) -> Stream:
    """What one side said: a piece for each record that had any of it."""
    buffer = bytearray()
    starts: list[int] = []
    lengths: list[int] = []
    lasts: list[int] = []
    read_to = start
    for record in _records(stream, start):
        said = reader(record)
        if said is None:
            break
        read_to = record.last + 1
        if said:
            starts.append(len(buffer))
            lengths.append(len(said))
            lasts.append(record.last)
            buffer += said
    missing = int(read_to < stream.length)
    return Stream(
        memoryview(bytes(buffer)), starts, list(starts), lengths, [stream.packet_at(last) for last in lasts],
        [stream.time_at(last) for last in lasts], len(buffer) + missing, stream.from_start, stream.end,
        stream.end_packet, stream.end_time_ns,
    )  # fmt: skip


def _readers_1_2(agreed: _Agreed, secrets: Mapping[str, bytes]) -> tuple[_Reader, _Reader] | None:
    master = secrets.get(keylog.MASTER)
    if master is None:
        return None
    client, server = keys_1_2(
        agreed.suite, master, agreed.client_random, agreed.server_random, mac_first=agreed.mac_first
    )
    return _Reader12(client), _Reader12(server)


class _Reader12:
    """One direction of TLS 1.2: sealed from its ChangeCipherSpec on (RFC 5246 section 7.1)."""

    __slots__ = ("_keys", "_number", "_sealed")

    def __init__(self, keys: RecordKeys) -> None:
        self._keys = keys
        self._sealed = False
        self._number = 0

    def __call__(self, record: _Record) -> bytes | None:
        if record.kind == CHANGE_CIPHER_SPEC:
            self._sealed = True
            return b""
        if not self._sealed:
            return b"" if record.kind != APPLICATION_DATA else None
        plain = open_1_2(self._keys, self._number, record.header, record.body)
        self._number += 1
        return plain if plain is None or record.kind == APPLICATION_DATA else b""


def _readers_1_3(suite: Suite, secrets: Mapping[str, bytes]) -> tuple[_Reader, _Reader] | None:
    client = [secrets[label] for label in _CLIENT_SECRETS if label in secrets]
    server = [secrets[label] for label in _SERVER_SECRETS if label in secrets]
    return (_Reader13(suite, client), _Reader13(suite, server)) if client and server else None


class _Reader13:
    """One direction of TLS 1.3: each of its secrets in turn, from when the one before no longer fits.

    A secret's first record tells it apart from the others: its number is 0, and a wrong key opens nothing.
    """

    __slots__ = ("_handshake", "_keys", "_number", "_secret", "_suite", "_waiting")

    def __init__(self, suite: Suite, secrets: Sequence[bytes]) -> None:
        self._suite = suite
        self._waiting = list(secrets)
        self._secret = b""
        self._keys: RecordKeys | None = None
        self._number = 0
        self._handshake = bytearray()

    def __call__(self, record: _Record) -> bytes | None:
        if record.kind != APPLICATION_DATA:
            return b""
        opened = self._open(record)
        if opened is None:
            # Records of a handshake whose secret the log does not have come before anything that it opens.
            return None if self._number else b""
        self._number += 1
        kind, said = opened
        if kind == HANDSHAKE:
            self._follow(said)
        return said if kind == APPLICATION_DATA else b""

    def _open(self, record: _Record) -> tuple[int, bytes] | None:
        opened = open_1_3(self._keys, self._number, record.header, record.body) if self._keys else None
        if opened is not None:
            return opened
        for place, secret in enumerate(self._waiting):
            keys = keys_1_3(self._suite, secret)
            opened = open_1_3(keys, 0, record.header, record.body)
            if opened is not None:
                self._secret, self._keys, self._number = secret, keys, 0
                del self._waiting[: place + 1]
                return opened
        return None

    def _follow(self, said: bytes) -> None:
        """Handshake messages inside: after a KeyUpdate the next key is used (RFC 8446 section 7.2)."""
        self._handshake += said
        while len(self._handshake) >= 4:
            size = int.from_bytes(self._handshake[1:4], "big")
            if size > _MAX_MESSAGE_LEN:
                self._handshake.clear()
                return
            if len(self._handshake) < 4 + size:
                return
            kind = self._handshake[0]
            del self._handshake[: 4 + size]
            if kind == _KEY_UPDATE:
                self._secret = expand_label(self._secret, "traffic upd", len(self._secret), self._suite.hash_name)
                self._keys, self._number = keys_1_3(self._suite, self._secret), 0
