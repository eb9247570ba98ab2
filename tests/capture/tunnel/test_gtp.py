import struct

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6

from analyzer.base.table import DECODED, PROTOCOL_TCP, PROTOCOL_UDP

RAW = 101
INNER = bytes(IP() / TCP(dport=9080))


def datagram(payload: bytes) -> bytes:
    return bytes(IP() / UDP(sport=5906, dport=2152) / payload)


def gtp(rest: bytes, *, flags: int = 0x30, message: int = 255) -> bytes:
    return datagram(struct.pack(">BBHI", flags, message, len(rest), 7) + rest)


@pytest.mark.parametrize(
    ("flags", "between"),
    [
        (0x30, b""),
        (0x32, b"\0\1\0\0"),
        (0x34, b"\0\0\0\x85" + b"\1\0\x05\x85" + b"\2" + bytes(7)),
        (0x34, b"\0\0\0\0"),
        (0x31, b"\0\0\7\xff"),
    ],
    ids=["plain", "sequence", "extensions", "no extension", "packet number"],
)
def test_a_packet_is_found_behind_any_header(decode, flags: int, between: bytes) -> None:
    packets = decode(RAW, gtp(between + INNER, flags=flags))

    assert (packets.fate.tolist(), packets.protocol.tolist()) == ([DECODED], [PROTOCOL_TCP])
    assert packets.dst_port.tolist() == [9080]


def test_the_packet_may_be_ipv6(decode) -> None:
    assert decode(RAW, gtp(bytes(IPv6() / TCP(dport=9080)))).dst_port.tolist() == [9080]


def test_headers_of_all_lengths_may_stand_side_by_side(decode) -> None:
    rest = [(0x32, b"\0\1\0\0"), (0x30, b""), (0x34, b"\0\0\0\x85\1\0\x05\0")]

    packets = decode(RAW, *[gtp(between + INNER, flags=flags) for flags, between in rest])

    assert packets.dst_port.tolist() == [9080] * 3


@pytest.mark.parametrize(
    "packet",
    [
        datagram(b""),
        datagram(b"\x30\xff"),
        gtp(INNER, flags=0x10),
        gtp(INNER, flags=0x50),
        gtp(INNER, message=1),
        gtp(b""),
        gtp(b"\0\0", flags=0x32),
        gtp(bytes(40)),
        gtp(b"\0\0\0\x85" + bytes(40), flags=0x34),
        gtp(b"\0\0\0\x85" + b"\1\0\0\1" * 9 + b"\1\0\0\0" + INNER, flags=0x34),
        gtp(b"\0\0\0\x85" + b"\xff", flags=0x34),
        gtp(b"\0\0\0\x85", flags=0x34),
    ],
    ids=[
        "empty", "short", "GTP'", "version 2", "echo", "no packet", "cut", "no IP", "no length", "too many",
        "too long", "nothing behind",
    ],
)  # fmt: skip
def test_what_carries_no_packet_stays_a_datagram(decode, packet: bytes) -> None:
    packets = decode(RAW, packet)

    assert (packets.fate.tolist(), packets.protocol.tolist()) == ([DECODED], [PROTOCOL_UDP])
