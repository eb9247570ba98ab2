"""What may stand before the protocol proper: a PROXY protocol header, or the handshake with a SOCKS proxy."""

from __future__ import annotations

import re
from typing import NamedTuple

from analyzer.base.oddity import Code, Family, Level
from analyzer.base.stream import Stream
from analyzer.protocol.notes import Notes

PROXY_PROTOCOL = Code(
    "proxy-protocol",
    Family.PROTOCOL,
    Level.INFO,
    "the connection begins with a PROXY protocol header",
    "The header names the true client. Envoy reads it only with a proxy_protocol listener filter; else it takes the "
    "connection for opaque TCP.",
)
SOCKS_PROXY = Code(
    "socks-proxy",
    Family.PROTOCOL,
    Level.INFO,
    "the client speaks to a SOCKS proxy",
    "What follows is meant for the server behind the proxy. Envoy takes the connection for opaque TCP.",
)

# haproxy.org, proxy-protocol.txt sections 2.1 and 2.2.
_PROXY_V1 = re.compile(rb"PROXY (?:TCP[46]|UNKNOWN)[ !-~]{0,98}\r\n")
_PROXY_V2 = b"\r\n\r\n\0\r\nQUIT\n"
_PROXY_V2_LEN = 16
# RFC 1928, RFC 1929, and the protocol of SOCKS 4 with its extension 4A: names are at most 255 bytes there too.
_SOCKS4_REQUEST = re.compile(
    rb"\x04[\x01\x02]..(?:(?!\0\0\0[^\0])....[^\0]{0,255}\0|\0\0\0.[^\0]{0,255}\0[^\0]{1,255}\0)", re.S
)
_SOCKS4_GRANTED = re.compile(rb"\0\x5a......", re.S)
_SOCKS5_GREETING = re.compile(rb"\x05(?:\x01.|\x02..|\x03...|\x04....)", re.S)
_SOCKS5_REPLY = re.compile(rb"\x05\0\0(?:\x01.{4}|\x04.{16}).{2}", re.S)
_MAX_SOCKS_LEN = 600


class Preamble(NamedTuple):
    """Where the protocol proper begins on each stream."""

    client_end: int
    server_end: int


def skip_preamble(from_client: Stream, from_server: Stream, first: bytes, notes: Notes) -> Preamble | None:
    """What stands before the protocol, None where nothing does. ``first`` are the client's first bytes."""
    if first.startswith(_PROXY_V2) and len(first) >= _PROXY_V2_LEN:
        length = _PROXY_V2_LEN + int.from_bytes(first[14:16], "big")
    else:
        match = _PROXY_V1.match(first) if first.startswith(b"PROXY ") else None
        length = match.end() if match else 0
    if length:
        notes.odd(PROXY_PROTOCOL, from_client=True, offset=0)
        return Preamble(length, 0)
    skip_socks = _SOCKS.get(first[:1])
    found = skip_socks(from_client.read(0, _MAX_SOCKS_LEN), from_server.read(0, _MAX_SOCKS_LEN)) if skip_socks else None
    if found is not None:
        notes.odd(SOCKS_PROXY, from_client=True, offset=0)
    return found


def _skip_socks4(asked: bytes, answered: bytes) -> Preamble | None:
    request, granted = _SOCKS4_REQUEST.match(asked), _SOCKS4_GRANTED.match(answered)
    return Preamble(request.end(), granted.end()) if request and granted else None


def _skip_socks5(asked: bytes, answered: bytes) -> Preamble | None:
    greeting = _SOCKS5_GREETING.match(asked)
    if greeting is None or answered[:1] != b"\x05":
        return None
    client, server = greeting.end(), 2
    if answered[1:2] == b"\x02" and asked[client : client + 1] == b"\x01":
        # User name and password (RFC 1929), each after its length.
        client += 2 + int.from_bytes(asked[client + 1 : client + 2], "big")
        client += 1 + int.from_bytes(asked[client : client + 1], "big")
        server += 2
    length = _socks5_request_len(asked[client:])
    reply = _SOCKS5_REPLY.match(answered, server)
    return Preamble(client + length, reply.end()) if length and reply else None


def _socks5_request_len(request: bytes) -> int:
    """The length of a CONNECT request by its address type (RFC 1928 section 4), 0 where it is none."""
    if request[:1] != b"\x05" or len(request) < 5:
        return 0
    address = {1: 4, 3: 1 + request[4], 4: 16}.get(request[3], 0)
    return 4 + address + 2 if address else 0


_SOCKS = {b"\x04": _skip_socks4, b"\x05": _skip_socks5}
