import pytest
from scapy.layers.inet import IP, UDP

from analyzer.base.table import BAD_HEADER, CUT_HEADER, DECODED, PROTOCOL_UDP

RAW = 101


def test_the_fields_of_the_header_are_kept(decode) -> None:
    packets = decode(RAW, bytes(IP() / UDP(sport=40000, dport=53) / b"query"))

    assert (packets.fate.tolist(), packets.protocol.tolist()) == ([DECODED], [PROTOCOL_UDP])
    assert (packets.src_port.tolist(), packets.dst_port.tolist()) == ([40000], [53])
    assert packets.payload_len.tolist() == packets.payload_wire_len.tolist() == [5]


@pytest.mark.parametrize(("length", "payload"), [(0, 9), (8, 0), (12, 4), (999, 9)])
def test_the_length_bounds_the_payload_within_the_packet(decode, length: int, payload: int) -> None:
    packets = decode(RAW, bytes(IP() / UDP(len=length) / b"123456789"))

    assert packets.payload_len.tolist() == [payload]


def test_a_cut_datagram_says_what_was_sent(decode) -> None:
    whole = bytes(IP() / UDP() / bytes(100))

    packets = decode(RAW, (1, 0, whole[:40], len(whole)))

    assert (packets.payload_len.tolist(), packets.payload_wire_len.tolist()) == ([12], [100])


def test_a_length_shorter_than_the_header_is_bad(decode) -> None:
    assert decode(RAW, bytes(IP() / UDP(len=7))).fate.tolist() == [BAD_HEADER]


def test_a_cut_header_is_cut(decode) -> None:
    assert decode(RAW, (1, 0, bytes(IP() / UDP())[:27], 60)).fate.tolist() == [CUT_HEADER]
