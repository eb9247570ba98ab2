"""TLS records (RFC 8446 section 5.1) and the handshake messages in them, of one direction of a connection."""

from __future__ import annotations

from typing import NamedTuple

from analyzer.base.oddity import Code, Family, Level
from analyzer.base.stream import Stream
from analyzer.protocol.notes import GAP, Notes

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA, HEARTBEAT = 20, 21, 22, 23, 24
HEADER_LEN = 5
# RFC 5246 section 6.2.3: 2^14 bytes and 2048 of expansion.
MAX_RECORD_LEN = (1 << 14) + 2048
# How much of a handshake in the clear is put together, and over how many records.
MAX_HANDSHAKE_LEN = 128 * 1024
MAX_RECORDS = 4096

BAD_RECORD = Code(
    "tls-bad-record",
    Family.PROTOCOL,
    Level.WARNING,
    "something that is no TLS record follows on a TLS connection",
    "The record header has an unknown type or version, or a length beyond 2^14 + 2048 bytes.",
)
RECORD_FLOOD = Code(
    "tls-record-flood",
    Family.LIMIT,
    Level.WARNING,
    "a TLS handshake is spread over too many records",
    "Reading stops; BoringSSL closes a connection after 32 empty records.",
)
HANDSHAKE_TOO_LARGE = Code(
    "tls-handshake-too-large",
    Family.LIMIT,
    Level.WARNING,
    "a TLS handshake message is larger than 128 KiB",
    "Reading stops. Envoy's TLS inspector reads 16 KiB of a ClientHello by default.",
)


class Message(NamedTuple):
    """A handshake message; ``end`` is where the record ends that completes it."""

    kind: int
    body: bytes
    end: int


class Flight(NamedTuple):
    """What one side said before its records were encrypted.

    ``alerts`` are level, description and position; ``data``: a record of type application_data came, which in TLS 1.3
    may still be its handshake. ``begun`` is what is there of a first message that was not seen whole, and ``lost``
    says that a gap hides its rest. ``data_len`` is the length of the first application_data record, 0 without one.
    """

    messages: tuple[Message, ...]
    alerts: tuple[tuple[int, int, int], ...]
    data: bool
    begun: bytes = b""
    lost: bool = False
    data_len: int = 0


def is_record_header(header: bytes) -> bool:
    """Whether five bytes may begin a record of SSL 3.0 to TLS 1.3."""
    return (
        len(header) == HEADER_LEN
        and CHANGE_CIPHER_SPEC <= header[0] <= HEARTBEAT
        and header[1] == 3
        and header[2] <= 4
        and int.from_bytes(header[3:], "big") <= MAX_RECORD_LEN
    )


def looks_like_records(stream: Stream, position: int) -> bool:
    """Whether record framing fits at ``position``: one header, and the one behind it as far as it was captured."""
    header = stream.read(position, HEADER_LEN)
    if not is_record_header(header) or header[0] == HEARTBEAT:
        return False
    behind = stream.read(position + HEADER_LEN + int.from_bytes(header[3:], "big"), HEADER_LEN)
    return len(behind) < HEADER_LEN or is_record_header(behind)


def read_flight(stream: Stream, position: int, notes: Notes, *, from_client: bool) -> Flight:
    """Follow the records from ``position`` to the first application data, or as far as they can be followed."""
    messages: list[Message] = []
    alerts: list[tuple[int, int, int]] = []
    handshake = bytearray()
    encrypted = lost = False
    data_len = 0
    for _ in range(MAX_RECORDS):
        header = stream.read(position, HEADER_LEN)
        if not is_record_header(header):
            lost = _is_lost(stream, position, header, notes, from_client=from_client)
            break
        length = int.from_bytes(header[3:], "big")
        begin, position = position + HEADER_LEN, position + HEADER_LEN + length
        if header[0] == APPLICATION_DATA:
            data_len = length
            break
        if header[0] == CHANGE_CIPHER_SPEC:
            encrypted = True
        elif header[0] == ALERT and length == 2:
            alert = stream.read(begin, 2)
            if len(alert) == 2:
                alerts.append((alert[0], alert[1], begin - HEADER_LEN))
        elif header[0] == HANDSHAKE and not encrypted:
            body = stream.read(begin, length)
            handshake += body
            _take_messages(handshake, messages, position)
            if len(body) < length:
                lost = _is_lost(stream, begin + len(body), b"", notes, from_client=from_client)
                break
            if len(handshake) > MAX_HANDSHAKE_LEN:
                notes.odd(HANDSHAKE_TOO_LARGE, from_client=from_client, offset=begin)
                break
    else:
        notes.odd(RECORD_FLOOD, from_client=from_client, offset=position)
    begun = b"" if messages else bytes(handshake)
    return Flight(tuple(messages), tuple(alerts), data_len > 0, begun, lost, data_len)


def _take_messages(handshake: bytearray, messages: list[Message], end: int) -> None:
    """Move the complete messages from the front of ``handshake``."""
    begin = 0
    while len(handshake) - begin >= 4:
        length = int.from_bytes(handshake[begin + 1 : begin + 4], "big")
        if len(handshake) - begin < 4 + length:
            break
        messages.append(Message(handshake[begin], bytes(handshake[begin + 4 : begin + 4 + length]), end))
        begin += 4 + length
    del handshake[:begin]


def _is_lost(stream: Stream, position: int, header: bytes, notes: Notes, *, from_client: bool) -> bool:
    """Whether a gap is why no record header could be read; else it is the end so far, or bytes that are none."""
    if len(header) == HEADER_LEN:
        notes.odd(BAD_RECORD, from_client=from_client, offset=position)
        return False
    lost = position < stream.length and stream.contiguous_end(position) < stream.length
    if lost:
        notes.lack(GAP)
    return lost
