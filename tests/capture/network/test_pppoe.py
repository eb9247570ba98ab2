from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether
from scapy.layers.ppp import PPP, PPPoE

from analyzer.base.table import BAD_HEADER, DECODED, NOT_IP


def test_a_session_carries_ip(decode) -> None:
    packets = decode(1, bytes(Ether() / PPPoE() / PPP() / IP() / TCP(dport=9080)))

    assert (packets.fate.tolist(), packets.dst_port.tolist()) == ([DECODED], [9080])


def test_a_capture_may_begin_with_the_session(decode) -> None:
    assert decode(51, bytes(PPPoE() / PPP() / IP() / TCP())).fate.tolist() == [DECODED]


def test_a_header_that_is_not_whole_is_bad(decode) -> None:
    assert decode(51, b"\x11\x00").fate.tolist() == [BAD_HEADER]


def test_what_pads_the_frame_is_no_part_of_the_session(decode) -> None:
    """A packet of TSO with total length 0 would reach to the end of what is around it."""
    session = PPPoE() / PPP() / IP(len=0) / TCP() / b"GET"

    packets = decode(1, bytes(Ether() / session) + bytes(20))

    assert packets.payload_len.tolist() == packets.payload_wire_len.tolist() == [3]


def test_discovery_carries_no_ip(decode) -> None:
    assert decode(51, bytes(PPPoE(code=9) / PPP() / IP() / TCP())).fate.tolist() == [NOT_IP]


def test_a_length_beyond_the_frame_is_not_believed(decode) -> None:
    packets = decode(51, bytes(PPPoE(len=9000) / PPP() / IP(len=0) / TCP() / b"GET"))

    assert packets.payload_wire_len.tolist() == [3]
