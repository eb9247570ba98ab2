"""TCP segments that came in fragments: every byte from the packet that brought it, or no segment at all."""

from __future__ import annotations

import struct
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment
from scapy.layers.l2 import Ether
from scapy.layers.vxlan import VXLAN

from analyzer.base.address import format_address
from analyzer.base.table import (
    BAD_HEADER,
    CUT_HEADER,
    DECODED,
    FIN,
    FRAGMENT_CONFLICT,
    IP_FRAGMENT,
    OTHER_TRANSPORT,
    RST,
    SYN,
)  # fmt: skip
from analyzer.capture.decode import decode_packets
from analyzer.capture.network.fragments import WAIT_NS

RAW = 101
STAMPS = struct.pack(">BBBBII", 1, 1, 8, 10, 77, 88)


@pytest.fixture
def fragment(ipv4):
    """A function that gives bytes ``start`` to ``stop`` of a datagram as a packet."""

    def cut(datagram: bytes, start: int, stop: int, *, identification: int = 1) -> bytes:
        more = 0x2000 if stop < len(datagram) else 0
        packet = bytearray(ipv4(datagram[start:stop], fragment=more | start // 8))
        packet[4:6] = struct.pack(">H", identification)
        return bytes(packet)

    return cut


@pytest.fixture
def fragments(fragment):
    """A function that cuts a datagram at the given places."""

    def cut(datagram: bytes, *cuts: int) -> list[bytes]:
        return [fragment(datagram, a, b) for a, b in zip((0, *cuts), (*cuts, len(datagram)), strict=True)]

    return cut


def spoken(packets, data: bytes) -> dict[int, bytes]:
    """The payload bytes by sequence number that decoded rows bring."""
    return {
        int(seq): data[off : off + size]
        for seq, off, size, fate in zip(
            packets.seq, packets.payload_off, packets.payload_len, packets.fate, strict=True
        )
        if fate == DECODED and size
    }


def test_each_fragment_becomes_a_segment_of_its_own_bytes(decode, tcp, fragments) -> None:
    packets = decode(RAW, *fragments(tcp(b"a" * 12 + b"b" * 8 + b"c"), 32, 40))

    assert packets.fate.tolist() == [DECODED] * 3
    assert packets.dst_port.tolist() == [9080] * 3
    assert packets.seq.tolist() == [1000, 1012, 1020]
    assert packets.payload_len.tolist() == packets.payload_wire_len.tolist() == [12, 8, 1]


@settings(max_examples=60, deadline=None)
@given(
    body=st.binary(min_size=1, max_size=300),
    options=st.sampled_from([b"", STAMPS]),
    cuts=st.sets(st.integers(1, 40), max_size=12),
    order=st.randoms(use_true_random=False),
)
def test_any_cut_in_any_order_brings_the_same_bytes(read, write_pcap, tcp, body, options, cuts, order) -> None:
    datagram = tcp(body, options=options)
    places = sorted({0, len(datagram)} | {8 * cut for cut in cuts if 8 * cut < len(datagram)})
    packets = [ipv4_fragment(datagram, a, b) for a, b in pairwise(places)]
    order.shuffle(packets)
    capture = read(write_pcap(packets, link=RAW))

    table = decode_packets(capture)

    assert set(table.fate.tolist()) == {DECODED}
    found = spoken(table, bytes(capture.buffer))
    assert b"".join(found[seq] for seq in sorted(found)) == body
    assert set(table.tsval.tolist()) == {77 if options else 0}


def ipv4_fragment(datagram: bytes, start: int, stop: int) -> bytes:
    more = 0x2000 if stop < len(datagram) else 0
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + stop - start, 7, more | start // 8, 64, 6, 0)
    return head + bytes((10, 0, 0, 1)) + bytes((10, 0, 0, 2)) + datagram[start:stop]


def test_a_header_that_was_cut_is_read_from_its_parts(decode, tcp, fragments) -> None:
    packets = decode(RAW, *fragments(tcp(b"GET /", options=STAMPS), 8, 16, 24, 32))

    assert packets.fate.tolist() == [DECODED] * 5
    assert packets.src_port.tolist() == [40000] * 5
    assert packets.tsval.tolist() == [77] * 5
    assert packets.payload_len.tolist() == [0, 0, 0, 0, 5]


def test_fragments_of_ipv6_are_joined_too(decode, tcp) -> None:
    datagram = tcp(b"GET /" * 5)
    parts = [(0, 24, 1), (24, len(datagram), 0)]
    frames = [
        bytes(IPv6() / IPv6ExtHdrFragment(nh=6, offset=a // 8, m=more, id=9) / datagram[a:b]) for a, b, more in parts
    ]

    packets = decode(RAW, *frames)

    assert (packets.fate.tolist(), packets.payload_len.tolist()) == ([DECODED] * 2, [4, 21])


def test_a_missing_fragment_leaves_the_others_fragments(decode, tcp, fragments) -> None:
    first, _, last = fragments(tcp(bytes(40)), 24, 40)

    assert decode(RAW, first, last).fate.tolist() == [IP_FRAGMENT] * 2
    assert decode(RAW, last).fate.tolist() == [IP_FRAGMENT]


def test_what_repeats_bytes_that_came_is_left_out(decode, tcp, fragment, fragments) -> None:
    datagram = tcp(b"good" * 10)
    first, middle, last = fragments(datagram, 24, 40)
    inside = fragment(datagram.replace(b"good", b"evil"), 24, 32)

    packets = decode(RAW, first, middle, inside, first, last)

    assert packets.fate.tolist() == [DECODED, DECODED, IP_FRAGMENT, IP_FRAGMENT, DECODED]


@pytest.mark.parametrize(
    ("begin", "stop", "length"),
    [(32, 48, 64), (16, 32, 64), (48, 56, 56), (64, 72, 80)],
    ids=["right half", "left half", "an end before bytes that came", "bytes behind the end"],
)
def test_fragments_that_contradict_each_other_spoil_the_datagram(decode, tcp, fragment, begin, stop, length) -> None:
    datagram = tcp(bytes(44))
    first, middle, last = (fragment(datagram, *part) for part in ((0, 24), (24, 40), (48, 64)))

    packets = decode(RAW, middle, last, fragment(bytes(length), begin, stop), first)

    assert packets.fate.tolist() == [FRAGMENT_CONFLICT] * 3 + [IP_FRAGMENT]


def test_an_empty_fragment_spoils_the_datagram(decode, tcp, fragment, fragments) -> None:
    datagram = tcp(bytes(44))
    first, last = fragments(datagram, 24)

    packets = decode(RAW, first, fragment(datagram, 24, 24), last)

    assert packets.fate.tolist() == [FRAGMENT_CONFLICT, FRAGMENT_CONFLICT, IP_FRAGMENT]


def test_a_datagram_longer_than_any_is_none(decode, ipv4) -> None:
    packets = decode(RAW, ipv4(bytes(200), fragment=0x1FFF))

    assert packets.fate.tolist() == [FRAGMENT_CONFLICT]


def test_what_is_no_multiple_of_eight_is_cut_off(decode, tcp, ipv4, fragment) -> None:
    datagram = tcp(b"a" * 12 + b"b" * 8)
    ragged = bytearray(ipv4(datagram[:32] + b"xyz", fragment=0x2000))
    ragged[4:6] = b"\0\1"

    packets = decode(RAW, bytes(ragged), fragment(datagram, 32, 40))

    assert (packets.fate.tolist(), packets.payload_len.tolist()) == ([DECODED] * 2, [12, 8])


def test_datagrams_are_told_apart_by_identification(decode, tcp, fragment) -> None:
    one, two = tcp(b"1" * 20), tcp(b"2" * 20)
    parts = [fragment(d, a, b, identification=n) for a, b in ((0, 24), (24, 40)) for n, d in ((1, one), (2, two))]

    assert decode(RAW, *parts).fate.tolist() == [DECODED] * 4


def test_an_identification_may_come_again_when_its_datagram_is_whole(decode, tcp, fragments) -> None:
    packets = decode(RAW, *fragments(tcp(b"1" * 20), 24), *fragments(tcp(b"2" * 20), 24))

    assert packets.fate.tolist() == [DECODED] * 4


def test_a_receiver_does_not_wait_for_ever(decode, tcp, fragments) -> None:
    first, last = fragments(tcp(bytes(20)), 24)
    late = WAIT_NS // 1_000_000_000 + 1

    assert decode(RAW, (100, 0, first), (100 + late, 0, last)).fate.tolist() == [IP_FRAGMENT] * 2
    assert decode(RAW, (100, 0, first), (99 + late, 0, last)).fate.tolist() == [DECODED] * 2


def test_a_copy_from_another_tap_is_a_datagram_of_its_own(decode, tcp, fragments) -> None:
    first, last = fragments(tcp(bytes(20)), 24)
    here, there = (bytes((0, kind)) + bytes(12) + b"\x08\x00" for kind in (0, 4))

    packets = decode(113, here + first, there + first, here + last, there + last)

    assert packets.fate.tolist() == [DECODED] * 4


def test_what_was_not_captured_of_a_fragment_is_a_gap(decode, tcp, fragments) -> None:
    first, last = fragments(tcp(bytes(60)), 56)

    packets = decode(RAW, (1, 0, first[:50], len(first)), (1, 0, last[:30], len(last)))

    assert packets.fate.tolist() == [DECODED] * 2
    assert (packets.payload_len.tolist(), packets.payload_wire_len.tolist()) == ([10, 10], [36, 24])


def test_a_header_that_was_not_captured_is_cut(decode, tcp, fragments) -> None:
    first, last = fragments(tcp(bytes(60)), 56)

    assert decode(RAW, (1, 0, first[:32], len(first)), (1, 0, last)).fate.tolist() == [CUT_HEADER, IP_FRAGMENT]


def test_a_header_that_contradicts_itself_is_bad(decode, tcp, fragments) -> None:
    assert decode(RAW, *fragments(tcp(bytes(60), offset=4), 24)).fate.tolist() == [BAD_HEADER, IP_FRAGMENT]


def test_a_syn_opens_and_a_fin_closes_once(decode, tcp, fragments) -> None:
    packets = decode(RAW, *fragments(tcp(b"d" * 20, flags=SYN | FIN), 24, 32))

    assert [flags & (SYN | FIN) for flags in packets.tcp_flags.tolist()] == [SYN, 0, FIN]
    assert packets.seq.tolist() == [1000, 1005, 1013]


def test_what_a_reset_carries_is_no_payload(decode, tcp, fragments) -> None:
    packets = decode(RAW, *fragments(tcp(b"d" * 20, flags=RST), 24))

    assert packets.fate.tolist() == [DECODED, IP_FRAGMENT]


def test_a_datagram_of_udp_is_read_at_its_first_fragment(decode, ipv4) -> None:
    datagram = struct.pack(">HHHH", 53, 5353, 48, 0) + bytes(40)

    packets = decode(
        RAW, ipv4(datagram[:24], protocol=17, fragment=0x2000), ipv4(datagram[24:], protocol=17, fragment=3)
    )

    assert packets.fate.tolist() == [DECODED, IP_FRAGMENT]
    assert (packets.payload_len.tolist(), packets.payload_wire_len.tolist()) == ([16, 0], [40, 0])
    assert packets.payload_off[0] == 24 + 16 + 20 + 8


def test_a_datagram_of_another_transport_is_named_by_it(decode, ipv4) -> None:
    parts = [ipv4(bytes(16), protocol=1, fragment=0x2000), ipv4(bytes(16), protocol=1, fragment=2)]

    assert decode(RAW, *parts).fate.tolist() == [OTHER_TRANSPORT, IP_FRAGMENT]


@pytest.mark.parametrize("padding", [0, 30])
def test_a_segment_inside_a_tunnel_is_spread_over_the_fragments_of_the_tunnel(read, write_pcap, padding) -> None:
    body = bytes(range(100))
    inside = bytes(VXLAN() / Ether() / IP(src="10.9.9.1") / TCP(dport=9080, flags="PA", seq=7) / body) + bytes(padding)
    datagram = bytes(UDP(dport=4789, len=8 + len(inside))) + inside
    cuts = [0, 40, 120, 160, len(datagram)]
    capture = read(write_pcap([udp_fragment(datagram, a, b) for a, b in pairwise(cuts)], link=RAW))

    packets = decode_packets(capture)

    assert packets.fate.tolist() == [DECODED] * 4
    assert {format_address(0, lo) for lo in packets.src_lo} == {"10.9.9.1"}
    found = spoken(packets, bytes(capture.buffer))
    assert b"".join(found[seq] for seq in sorted(found)) == body


def udp_fragment(datagram: bytes, start: int, stop: int) -> bytes:
    packet = bytearray(ipv4_fragment(datagram, start, stop))
    packet[6:8] = struct.pack(">H", (0x2000 if stop < len(datagram) else 0) | start // 8)
    packet[9] = 17
    return bytes(packet)


def test_headers_that_were_captured_in_part_give_no_payload(decode, tcp, fragments) -> None:
    first, last = fragments(tcp(bytes(60), options=STAMPS), 56)

    packets = decode(RAW, (1, 0, first[:44], len(first)), (1, 0, last))

    assert packets.fate.tolist() == [DECODED, IP_FRAGMENT]
    assert (packets.payload_len.tolist(), packets.dst_port.tolist()) == ([0, 0], [9080, 0])
