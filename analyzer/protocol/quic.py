"""The ClientHello of QUIC, out of Initial packets (RFC 9000, RFC 9001; version 2: RFC 9369).

Whoever reads an Initial can open it: its keys follow from the connection id in it. Needs the extra ``crypto``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from analyzer.protocol.crypto import TAG_LEN, aes_block, expand_label, hkdf_extract, open_aes_gcm
from analyzer.protocol.cursor import Cursor, MalformedError
from analyzer.protocol.notes import Notes
from analyzer.protocol.tls_hello import Hello, parse_client_hello

_LONG_HEADER, _FIXED_BIT = 0x80, 0x40
_MAX_CONNECTION_ID_LEN = 20
# RFC 9001 section 5.4.2: the sample begins where a packet number of four bytes would end.
_SAMPLE_OFFSET, _SAMPLE_LEN = 4, 16
_PADDING, _PING, _ACK, _ACK_ECN, _CRYPTO, _CLOSE, _CLOSE_APPLICATION = 0x00, 0x01, 0x02, 0x03, 0x06, 0x1C, 0x1D
_CLIENT_HELLO = 1
_MESSAGE_HEADER_LEN = 4
# A hello that takes more is none that anyone sends; nor are so many packets spent on one.
MAX_HELLO_LEN = 64 * 1024
MAX_PACKETS = 64


class _Version(NamedTuple):
    """What differs between versions: the salt, the labels' prefix, and how the long header names packet types."""

    salt: bytes
    prefix: str
    initial: int
    retry: int


_VERSIONS: Mapping[int, _Version] = MappingProxyType(
    {
        # RFC 9001 section 5.2
        0x00000001: _Version(bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a"), "quic", 0, 3),
        # RFC 9369 sections 3.2 and 3.3
        0x6B3343CF: _Version(bytes.fromhex("0dede3def700a6db819381be6e269dcbf9bd2ed9"), "quicv2", 1, 0),
        # draft-ietf-quic-tls-29 section 5.2
        0xFF00001D: _Version(bytes.fromhex("afbfec289993d24c9e9786f19c6111e04390a899"), "quic", 0, 3),
    }
)


class QuicHello(NamedTuple):
    """What a client said first: ``version`` as on the wire; ``sni`` and ``alpn`` of its ClientHello."""

    version: int
    sni: str | None
    alpn: tuple[str, ...]


class _Packet(NamedTuple):
    """A packet of type Initial in a datagram, still sealed; ``number_at`` is where its packet number begins."""

    version: _Version
    number: int
    destination: bytes
    data: bytes
    number_at: int


def is_quic(datagram: bytes) -> bool:
    """Whether a datagram begins with a long header of a version that we know (RFC 8999 section 5.1)."""
    return _long_version(datagram) in _VERSIONS


def quic_hello(datagrams: Iterable[bytes]) -> QuicHello | None:
    """The ClientHello in a client's datagrams, in whatever order its pieces came; None where it is not there whole.

    Keys follow from the first connection id that fits: a Retry gives the client another one (RFC 9001 section 5.2).
    """
    pieces: dict[int, bytes] = {}
    secrets: dict[tuple[int, bytes], _Keys] = {}
    opened = 0
    for datagram in datagrams:
        for packet in _initials(datagram):
            opened += 1
            if opened > MAX_PACKETS:
                return None
            keys = secrets.setdefault((packet.number, packet.destination), _client_keys(packet))
            frames = _open(packet, keys) or _open_with_any(packet, secrets.values())
            if frames is None:
                continue
            for offset, data in _crypto_frames(frames):
                if offset + len(data) <= MAX_HELLO_LEN:
                    pieces[offset] = max(pieces.get(offset, b""), data, key=len)
            hello = _hello(pieces)
            if hello is not None:
                return QuicHello(packet.number, hello.sni, hello.alpn)
    return None


class _Keys(NamedTuple):
    key: bytes
    vector: bytes
    header: bytes


def _client_keys(packet: _Packet) -> _Keys:
    """RFC 9001 sections 5.1 and 5.2, of packets that the client sends."""
    prefix = packet.version.prefix
    client = expand_label(hkdf_extract(packet.version.salt, packet.destination), "client in", 32)
    return _Keys(
        expand_label(client, f"{prefix} key", 16),
        expand_label(client, f"{prefix} iv", 12),
        expand_label(client, f"{prefix} hp", 16),
    )


def _long_version(data: bytes) -> int | None:
    if len(data) < 7 or not data[0] & _LONG_HEADER or not data[0] & _FIXED_BIT:
        return None
    return int.from_bytes(data[1:5], "big")


def _initials(datagram: bytes) -> Iterable[_Packet]:
    """The Initial packets of a datagram, which may hold several packets (RFC 9000 section 12.2)."""
    while (number := _long_version(datagram)) in _VERSIONS and number is not None:
        version = _VERSIONS[number]
        kind = datagram[0] >> 4 & 0x3
        if kind == version.retry:
            return
        cursor = Cursor(datagram[5:])
        try:
            destination = cursor.vector(1)
            source = cursor.vector(1)
            at = 5 + 2 + len(destination) + len(source)
            if kind == version.initial:
                token, size = _variable(cursor)
                cursor.take(token)
                at += size + token
            length, size = _variable(cursor)
        except MalformedError:
            return
        at += size
        end = at + length
        if end > len(datagram) or max(len(destination), len(source)) > _MAX_CONNECTION_ID_LEN:
            return
        if kind == version.initial:
            yield _Packet(version, number, destination, datagram[:end], at)
        datagram = datagram[end:]


def _variable(cursor: Cursor) -> tuple[int, int]:
    """A variable-length integer (RFC 9000 section 16), and how many bytes it took."""
    first = cursor.integer(1)
    size = 1 << (first >> 6)
    rest = cursor.integer(size - 1) if size > 1 else 0
    return (first & 0x3F) << 8 * (size - 1) | rest, size


def _open_with_any(packet: _Packet, known: Iterable[_Keys]) -> bytes | None:
    return next((frames for keys in known if (frames := _open(packet, keys)) is not None), None)


def _open(packet: _Packet, keys: _Keys) -> bytes | None:
    """The frames in a packet: header protection is taken off, then the payload is opened (RFC 9001 section 5)."""
    data, at = packet.data, packet.number_at
    sample = data[at + _SAMPLE_OFFSET : at + _SAMPLE_OFFSET + _SAMPLE_LEN]
    if len(sample) < _SAMPLE_LEN:
        return None
    mask = aes_block(keys.header, sample)
    first = data[0] ^ (mask[0] & 0x0F)
    size = (first & 0x03) + 1
    number = bytes(a ^ b for a, b in zip(data[at : at + size], mask[1:], strict=False))
    header = bytes((first,)) + data[1:at] + number
    nonce = bytes(a ^ b for a, b in zip(keys.vector, number.rjust(len(keys.vector), b"\0"), strict=True))
    sealed = data[at + size :]
    return open_aes_gcm(keys.key, nonce, sealed, header) if len(sealed) >= TAG_LEN else None


def _crypto_frames(frames: bytes) -> Iterable[tuple[int, bytes]]:
    """The pieces of the handshake in a payload by their offset; other frames of an Initial are stepped over."""
    cursor = Cursor(frames)
    try:
        while cursor:
            kind, _ = _variable(cursor)
            if kind in (_ACK, _ACK_ECN):
                _skip_ack(cursor, ecn=kind == _ACK_ECN)
            elif kind == _CRYPTO:
                offset, length = _variable(cursor)[0], _variable(cursor)[0]
                yield offset, cursor.take(length)
            elif kind not in (_PADDING, _PING):
                return
    except MalformedError:
        return


def _skip_ack(cursor: Cursor, *, ecn: bool) -> None:
    """RFC 9000 section 19.3."""
    _variable(cursor)
    _variable(cursor)
    ranges, _ = _variable(cursor)
    _variable(cursor)
    # Every number takes a byte, so that a wrong count ends with the payload.
    for _ in range(2 * ranges + (3 if ecn else 0)):
        _variable(cursor)


def _hello(pieces: Mapping[int, bytes]) -> Hello | None:
    """The ClientHello that begins the handshake, None while pieces of it are missing."""
    joined = b""
    for offset, data in sorted(pieces.items()):
        if offset > len(joined):
            break
        joined += data[len(joined) - offset :]
    size = int.from_bytes(joined[1:_MESSAGE_HEADER_LEN], "big")
    if joined[:1] != bytes((_CLIENT_HELLO,)) or len(joined) < _MESSAGE_HEADER_LEN + size:
        return None
    return parse_client_hello(joined[_MESSAGE_HEADER_LEN : _MESSAGE_HEADER_LEN + size], Notes(), offset=0)
