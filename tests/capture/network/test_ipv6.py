import struct

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import (
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
    Jumbo,
)

from analyzer.base.address import format_address
from analyzer.base.table import BAD_HEADER, CUT_HEADER, DECODED, IP_FRAGMENT, NESTED_TOO_DEEP, OTHER_TRANSPORT
from analyzer.capture.decode import MAX_HEADERS

RAW = 101


def test_addresses_are_kept_in_both_halves(decode) -> None:
    packets = decode(RAW, bytes(IPv6(src="fd00::1", dst="fe80::ffff:0:0:2") / TCP()))

    assert packets.ip_version.tolist() == [6]
    assert format_address(packets.src_hi[0], packets.src_lo[0]) == "fd00::1"
    assert format_address(packets.dst_hi[0], packets.dst_lo[0]) == "fe80::ffff:0:0:2"


@pytest.mark.parametrize(
    "extensions",
    [
        IPv6ExtHdrHopByHop(),
        IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt() / IPv6ExtHdrRouting(addresses=["::1"]),
        IPv6ExtHdrFragment(offset=0, m=0),
        IPv6ExtHdrDestOpt(options=[]) / IPv6ExtHdrFragment(offset=0, m=0) / IPv6ExtHdrDestOpt(),
    ],
)
def test_extension_headers_are_stepped_over(decode, extensions) -> None:
    packets = decode(RAW, bytes(IPv6() / extensions / TCP(dport=9080) / b"GET"))

    assert (packets.fate.tolist(), packets.protocol.tolist()) == ([DECODED], [6])
    assert (packets.dst_port.tolist(), packets.payload_len.tolist()) == ([9080], [3])


def test_an_authentication_header_counts_in_words_of_four_bytes(decode) -> None:
    header = struct.pack(">BBHII", 6, 4, 0, 1, 1) + bytes(12)

    assert decode(RAW, bytes(IPv6(nh=51) / (header + bytes(TCP())))).fate.tolist() == [DECODED]


@pytest.mark.parametrize(("offset", "more"), [(0, 1), (1, 0), (1, 1)])
def test_a_fragment_is_not_read_as_a_segment(decode, offset: int, more: int) -> None:
    packets = decode(RAW, bytes(IPv6() / IPv6ExtHdrFragment(offset=offset, m=more) / TCP(dport=9080)))

    assert (packets.fate.tolist(), packets.dst_port.tolist()) == ([IP_FRAGMENT], [0])


@pytest.mark.parametrize("jumbo", [True, False])
def test_a_payload_length_of_zero_reaches_to_the_end_of_the_record(decode, jumbo: bool) -> None:
    payload = bytes(70_000)
    option = IPv6ExtHdrHopByHop(options=[Jumbo(jumboplen=70_028)])
    packet = bytes(IPv6(plen=0) / option / TCP()) if jumbo else bytes(IPv6(plen=0) / TCP())

    packets = decode(RAW, packet + payload)

    assert packets.payload_len.tolist() == packets.payload_wire_len.tolist() == [70_000]


def test_no_next_header_is_another_transport(decode) -> None:
    assert decode(RAW, bytes(IPv6(nh=59))).fate.tolist() == [OTHER_TRANSPORT]


def test_many_extension_headers_are_followed_up_to_a_limit(decode) -> None:
    def nested(depth: int) -> bytes:
        options = b"".join(bytes([60 if n < depth - 1 else 6]) + bytes(7) for n in range(depth))
        return bytes(IPv6(nh=60, plen=len(options) + 20) / (options + bytes(TCP())))

    packets = decode(RAW, nested(170), nested(MAX_HEADERS))

    assert packets.fate.tolist() == [DECODED, NESTED_TOO_DEEP]


def test_an_extension_header_longer_than_its_packet_is_bad(decode) -> None:
    assert decode(RAW, bytes(IPv6(nh=60) / (b"\x06\xff" + bytes(30)))).fate.tolist() == [BAD_HEADER]


@pytest.mark.parametrize("captured", [39, 41])
def test_a_cut_header_is_cut(decode, captured: int) -> None:
    whole = bytes(IPv6() / IPv6ExtHdrDestOpt() / TCP())

    assert decode(RAW, (1, 0, whole[:captured], len(whole))).fate.tolist() == [CUT_HEADER]


def test_another_version_is_bad(decode) -> None:
    packets = decode(0, struct.pack("<I", 10) + b"\x40" + bytes(59), struct.pack("<I", 10) + bytes(IPv6() / TCP()))

    assert packets.fate.tolist() == [BAD_HEADER, DECODED]


def test_ipv4_inside_ipv6_leaves_nothing_of_the_outer_address(decode) -> None:
    packets = decode(RAW, bytes(IPv6(src="fd00::1") / IP(src="10.0.0.1") / TCP()))

    assert format_address(packets.src_hi[0], packets.src_lo[0]) == "10.0.0.1"
