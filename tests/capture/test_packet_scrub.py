"""Packets under pseudonyms: other addresses, no hardware addresses, the given payloads, checksums that are right."""

from __future__ import annotations

import struct

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6

from analyzer.base.pseudonym import Pseudonyms
from analyzer.capture.decode import decode_packets
from analyzer.capture.packet_scrub import scrub_packets

NAMES = Pseudonyms(b"k" * 32, frozenset())
V6 = bytes.fromhex("20010db8000000000000000000000001"), bytes.fromhex("20010db8000000000000000000000002")
HEADS = {
    0: b"\2\0\0\0",
    1: b"\xaa" * 12 + b"\x81\0\0\5\x08\0",
    101: b"",
    113: b"\0\0\0\1\0\6" + b"\xaa" * 8 + b"\x08\0",
    276: b"\x08\0" + bytes(10) + b"\xaa" * 8,
}


def scrub(read, write_pcap, *packets, link=101, new=b"\xee"):
    capture = read(write_pcap(packets, link=link))
    buffer, rows = scrub_packets(capture, decode_packets(capture), new * len(capture.buffer), NAMES)
    spans = zip(capture.records.data_off[rows].tolist(), capture.records.captured_len[rows].tolist(), strict=True)
    return [buffer[begin : begin + size] for begin, size in spans], rows


@pytest.mark.parametrize("link", HEADS)
def test_a_packet_of_every_link_is_rewritten(read, write_pcap, ipv4, tcp, link) -> None:
    (frame,), _ = scrub(read, write_pcap, HEADS[link] + ipv4(tcp(b"secret")), link=link)

    told = IP(frame[len(HEADS[link]) :])
    assert (told.src, told.dst) == (NAMES.address("10.244.1.10"), NAMES.address("10.96.0.11"))
    assert bytes(told[TCP].payload) == b"\xee" * 6
    assert b"\xaa" not in frame
    assert len(frame) == len(HEADS[link]) + 46


@pytest.mark.parametrize("size", [0, 5, 6])
def test_checksums_are_mended(read, write_pcap, ipv4, tcp, size) -> None:
    (frame,), _ = scrub(read, write_pcap, ipv4(tcp(b"x" * size)))
    told = IP(frame)
    sums = told.chksum, told[TCP].chksum
    del told.chksum, told[TCP].chksum

    again = IP(bytes(told))

    assert sums == (again.chksum, again[TCP].chksum)


def test_version_six_is_rewritten(read, write_pcap, tcp) -> None:
    (frame,), _ = scrub(read, write_pcap, struct.pack(">IHBB", 6 << 28, 24, 6, 64) + b"".join(V6) + tcp(b"four"))
    told = IPv6(frame)
    summed = told[TCP].chksum
    del told[TCP].chksum

    assert (told.src, told.dst) == (NAMES.address("2001:db8::1"), NAMES.address("2001:db8::2"))
    assert summed == IPv6(bytes(told))[TCP].chksum


def test_bytes_behind_the_packet_are_zeroed(read, write_pcap, ipv4, tcp) -> None:
    (frame,), _ = scrub(read, write_pcap, ipv4(tcp(b"x")) + b"padding")

    assert frame.endswith(b"\xee" + bytes(7))


def test_a_packet_that_was_cut_has_no_checksum(read, write_pcap, ipv4, tcp) -> None:
    packet = ipv4(tcp(b"x" * 30))

    (frame,), _ = scrub(read, write_pcap, (1, 1, packet[:50], len(packet)))

    assert frame[36:38] == b"\0\0"


def test_other_packets_are_left_out(read, write_pcap, ipv4, tcp) -> None:
    udp = ipv4(struct.pack(">HHHH", 1, 53, 12, 0) + b"name", protocol=17)
    tunnel = ipv4(ipv4(tcp(b"inner")), protocol=4)

    _, rows = scrub(read, write_pcap, udp, tunnel, ipv4(tcp(b"x")), b"garbage")

    assert rows == [2]


def test_a_link_that_is_not_rewritten_leaves_nothing(read, write_pcap, ipv4, tcp) -> None:
    assert scrub(read, write_pcap, b"\xff\x03\x00\x21" + ipv4(tcp(b"x")), link=9) == ([], [])
