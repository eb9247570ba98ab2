"""What a TLS connection shows in the clear (RFC 8446, RFC 5246): hellos, certificate names, alerts."""

from __future__ import annotations

from typing import NamedTuple

from analyzer.base.oddity import Code, Family, Level
from analyzer.base.stream import Stream
from analyzer.protocol.certificate import subject_alt_names
from analyzer.protocol.cursor import Cursor, MalformedError
from analyzer.protocol.facts import Alert, ClientHello, TlsFacts
from analyzer.protocol.notes import FIRST_BYTES_INCOMPLETE, Notes
from analyzer.protocol.tls_hello import ServerHello, parse_client_hello, parse_cut_client_hello, parse_server_hello
from analyzer.protocol.tls_records import HEADER_LEN, Flight, Message, read_flight

_CLIENT_HELLO, _SERVER_HELLO, _CERTIFICATE = 1, 2, 11
_MESSAGE_HEADER_LEN = 4
_TLS_1_3 = 0x0304
# RFC 8446 section 4.4: Finished with SHA-384 (52), an empty Certificate (8), content type and tag (17), some padding.
MAX_FINISHED_LEN = 128
# TlsInspector.max_client_hello_size, default (TLS_MAX_CLIENT_HELLO).
ENVOY_MAX_CLIENT_HELLO_LEN = 16 * 1024

CLIENT_HELLO_TOO_LARGE = Code(
    "tls-client-hello-too-large",
    Family.LIMIT,
    Level.WARNING,
    "a ClientHello is larger than 16 KiB",
    "Envoy's TLS inspector reads no more than that by default and closes the connection.",
)
SSL2_HELLO = Code(
    "tls-ssl2-hello",
    Family.PROTOCOL,
    Level.WARNING,
    "the ClientHello has the framing of SSL 2.0",
    "It carries no server name and no ALPN.",
)

# RFC 8446 section 6, and of earlier versions what is still met.
ALERT_NAMES = {
    0: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 21: "decryption_failed", 22: "record_overflow",
    30: "decompression_failure", 40: "handshake_failure", 41: "no_certificate", 42: "bad_certificate",
    43: "unsupported_certificate", 44: "certificate_revoked", 45: "certificate_expired", 46: "certificate_unknown",
    47: "illegal_parameter", 48: "unknown_ca", 49: "access_denied", 50: "decode_error", 51: "decrypt_error",
    60: "export_restriction", 70: "protocol_version", 71: "insufficient_security", 80: "internal_error",
    86: "inappropriate_fallback", 90: "user_canceled", 100: "no_renegotiation", 109: "missing_extension",
    110: "unsupported_extension", 111: "certificate_unobtainable", 112: "unrecognized_name",
    113: "bad_certificate_status_response", 114: "bad_certificate_hash_value", 115: "unknown_psk_identity",
    116: "certificate_required", 120: "no_application_protocol", 121: "ech_required",
}  # fmt: skip


class Tls(NamedTuple):
    """The facts of a TLS connection; not ``sound``: Envoy's TLS inspector would not take its hello for TLS."""

    facts: TlsFacts
    sound: bool


def parse_tls(
    from_client: Stream, from_server: Stream, notes: Notes, *, client_start: int = 0, server_start: int = 0
) -> Tls:
    """Read both directions from record boundaries at the given positions."""
    asked = read_flight(from_client, client_start, notes, from_client=True)
    answered = read_flight(from_server, server_start, notes, from_client=False)
    hello, sound = _client_hello(asked, client_start, notes)
    chosen = _server_hello(answered)
    facts = TlsFacts(
        hello,
        None if chosen is None else chosen.version,
        None if chosen is None else chosen.alpn,
        _server_names(answered, chosen),
        tuple(sorted((*_alerts(asked, True), *_alerts(answered, False)), key=lambda a: (a.from_client, a.position))),
        asked.data,
        answered.data,
        _client_certificate(asked, answered, chosen),
    )
    return Tls(facts, sound)


def _client_hello(flight: Flight, start: int, notes: Notes) -> tuple[ClientHello | None, bool]:
    message = _first(flight, _CLIENT_HELLO)
    if message is None:
        return _cut_client_hello(flight, start, notes), True
    hello = parse_client_hello(message.body, notes, offset=start)
    if len(message.body) > ENVOY_MAX_CLIENT_HELLO_LEN:
        notes.odd(CLIENT_HELLO_TOO_LARGE, from_client=True, offset=start)
    return ClientHello(hello.sni, hello.alpn, hello.versions, start, message.end, hello.ech), hello.sound


def _cut_client_hello(flight: Flight, start: int, notes: Notes) -> ClientHello | None:
    """A hello that was not seen whole: the rest is lost, and its beginning may say enough; or it is still coming."""
    if not flight.lost:
        if flight.begun:
            notes.lack(FIRST_BYTES_INCOMPLETE)
        return None
    if flight.begun[:1] != bytes((_CLIENT_HELLO,)):
        return None
    hello = parse_cut_client_hello(flight.begun[_MESSAGE_HEADER_LEN:], notes, offset=start)
    if hello is None:
        return None
    return ClientHello(hello.sni, hello.alpn, hello.versions, start, start + HEADER_LEN + len(flight.begun), hello.ech)


def _server_hello(flight: Flight) -> ServerHello | None:
    message = _first(flight, _SERVER_HELLO)
    return None if message is None else parse_server_hello(message.body)


def _server_names(flight: Flight, chosen: ServerHello | None) -> tuple[str, ...]:
    """The names in the server's own certificate; the first of the chain (RFC 5246 section 7.4.2)."""
    message = _first(flight, _CERTIFICATE)
    if message is None or (chosen is not None and chosen.version >= _TLS_1_3):
        return ()
    try:
        return subject_alt_names(Cursor(Cursor(message.body).vector(3)).vector(3))
    except MalformedError:
        return ()


def _client_certificate(flight: Flight, answered: Flight, chosen: ServerHello | None) -> bool | None:
    """Whether the client sent a certificate: read in TLS 1.2, in TLS 1.3 by the size of its first encrypted record.

    That record holds its Finished alone (53 or 69 bytes), with an empty Certificate (up to 77), or a real one. None
    where an earlier session is resumed, in which it may have sent one: a server of TLS 1.2 then sends none either.
    """
    if chosen is None or chosen.resumed:
        return None
    if chosen.version >= _TLS_1_3:
        return flight.data_len > MAX_FINISHED_LEN if flight.data_len else None
    message = _first(flight, _CERTIFICATE)
    if message is not None:
        return any(message.body)
    return False if flight.data and _first(answered, _CERTIFICATE) is not None else None


def _first(flight: Flight, kind: int) -> Message | None:
    return next((message for message in flight.messages if message.kind == kind), None)


def _alerts(flight: Flight, from_client: bool) -> tuple[Alert, ...]:
    return tuple(
        Alert(level, ALERT_NAMES.get(description, f"alert_{description}"), from_client, position)
        for level, description, position in flight.alerts
    )
