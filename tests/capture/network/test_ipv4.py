import pytest
from scapy.layers.inet import ICMP, IP, TCP, IPOption_NOP
from scapy.layers.l2 import Ether

from analyzer.base.address import format_address
from analyzer.base.table import BAD_HEADER, CUT_HEADER, DECODED, IP_FRAGMENT, OTHER_TRANSPORT

RAW = 101


def test_addresses_are_in_the_ipv6_form(decode, http_packet: bytes) -> None:
    packets = decode(RAW, http_packet)

    assert packets.ip_version.tolist() == [4]
    assert format_address(packets.src_hi[0], packets.src_lo[0]) == "10.244.1.10"
    assert format_address(packets.dst_hi[0], packets.dst_lo[0]) == "10.96.0.11"


def test_options_are_stepped_over(decode) -> None:
    packets = decode(RAW, bytes(IP(options=[IPOption_NOP()] * 8) / TCP(dport=9080) / b"GET"))

    assert (packets.fate.tolist(), packets.dst_port.tolist(), packets.payload_len.tolist()) == ([DECODED], [9080], [3])


def test_padding_of_the_frame_is_no_payload(decode, http_packet: bytes) -> None:
    frame = bytes(Ether())[:12] + b"\x08\x00" + http_packet

    packets = decode(1, frame + bytes(60 - len(frame)))

    assert packets.payload_len.tolist() == packets.payload_wire_len.tolist() == [3]


def test_a_total_length_of_zero_reaches_to_the_end_of_the_record(decode, ipv4, tcp) -> None:
    packets = decode(RAW, ipv4(tcp(bytes(70_000)), total_len=0))

    assert packets.payload_len.tolist() == packets.payload_wire_len.tolist() == [70_000]


def test_the_wire_length_is_what_the_header_claims(decode, ipv4, tcp) -> None:
    whole = ipv4(tcp(bytes(1000)))

    packets = decode(RAW, (1, 0, whole[:96], len(whole)))

    assert (packets.payload_len.tolist(), packets.payload_wire_len.tolist()) == ([56], [1000])


@pytest.mark.parametrize("fragment", [0x2000, 0x0001, 0x2001])
def test_a_fragment_is_not_read_as_a_segment(decode, ipv4, tcp, fragment: int) -> None:
    packets = decode(RAW, ipv4(tcp(b"GET"), fragment=fragment))

    assert (packets.fate.tolist(), packets.dst_port.tolist()) == ([IP_FRAGMENT], [0])


def test_another_transport_is_named_by_its_protocol(decode) -> None:
    packets = decode(RAW, bytes(IP(dst="10.0.0.1") / ICMP() / IP() / TCP()))

    assert (packets.fate.tolist(), packets.protocol.tolist()) == ([OTHER_TRANSPORT], [1])


@pytest.mark.parametrize(
    ("at", "value"),
    [(0, 0x40), (0, 0x44), (0, 0x4F), (0, 0x55), (3, 5)],
    ids=["ihl 0", "ihl 4", "ihl 15", "version", "length"],
)
def test_a_header_that_contradicts_itself_is_bad(decode, at: int, value: int) -> None:
    packet = bytearray(bytes(IP() / TCP()))
    packet[at] = value

    assert decode(228, bytes(packet)).fate.tolist() == [BAD_HEADER]


def test_sound_packets_beside_a_bad_one_keep_their_own_columns(decode, http_packet: bytes) -> None:
    packets = decode(RAW, b"\x44" + http_packet[1:], http_packet)

    assert (packets.fate.tolist(), packets.dst_port.tolist()) == ([BAD_HEADER, DECODED], [0, 9080])


def test_a_cut_header_is_cut(decode, http_packet: bytes) -> None:
    assert decode(RAW, (1, 0, http_packet[:19], 60)).fate.tolist() == [CUT_HEADER]


def test_wrong_checksums_are_accepted(decode) -> None:
    assert decode(RAW, bytes(IP(chksum=1) / TCP(chksum=2))).fate.tolist() == [DECODED]


def test_a_packet_inside_a_packet_is_the_one_that_counts(decode) -> None:
    packets = decode(RAW, bytes(IP(src="1.1.1.1") / IP(src="2.2.2.2") / TCP(dport=9080)))

    assert format_address(packets.src_hi[0], packets.src_lo[0]) == "2.2.2.2"
    assert packets.dst_port.tolist() == [9080]
