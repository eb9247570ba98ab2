"""DNS answers in a capture: which names were given to whom for which addresses."""

from __future__ import annotations

import struct

import pytest

from analyzer.capture.decode import decode_packets
from analyzer.capture.dns import MAX_MESSAGE_LEN, DnsAnswer, dns_answers
from analyzer.capture.reader import read_capture_bytes

RESOLVER, POD = bytes([10, 96, 0, 10]), bytes([10, 244, 1, 10])
MESSAGE = (
    struct.pack(">HHHHHH", 7, 0x8180, 1, 1, 0, 0)
    + b"\x03api\x07example\0\0\1\0\1"
    + b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4"
    + bytes([203, 0, 113, 9])
)


def datagram(payload, *, port=53, protocol=17):
    udp = struct.pack(">HHHH", port, 40000, 8 + len(payload), 0) + payload
    return struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, protocol, 0, RESOLVER, POD) + udp


def answers_in(*packets):
    records = b"".join(struct.pack("<IIII", 1000, n, len(p), len(p)) + p for n, p in enumerate(packets))
    data = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 101) + records
    capture = read_capture_bytes(data, name="a.pcap")
    return list(dns_answers(capture, decode_packets(capture)))


@pytest.mark.parametrize("port", [53, 15053])
def test_an_answer_has_its_packet_and_who_was_told(port):
    found = answers_in(datagram(b"other"), datagram(MESSAGE, port=port))

    assert found == [DnsAnswer("a.pcap", 2, 1_000_000_001_000, "10.244.1.10", "api.example", ("203.0.113.9",))]


def test_other_ports_are_not_asked():
    assert answers_in(datagram(MESSAGE, port=5353)) == []


def test_a_message_that_is_too_long_or_too_short_is_passed_over():
    assert answers_in(datagram(MESSAGE + bytes(MAX_MESSAGE_LEN)), datagram(MESSAGE[:11])) == []


def test_a_message_that_is_cut_is_passed_over():
    assert answers_in(datagram(MESSAGE)[:-3]) == []
