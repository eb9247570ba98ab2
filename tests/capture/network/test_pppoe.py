from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether
from scapy.layers.ppp import PPP, PPPoE

from analyzer.base.table import BAD_HEADER, DECODED


def test_a_session_carries_ip(decode) -> None:
    packets = decode(1, bytes(Ether() / PPPoE() / PPP() / IP() / TCP(dport=9080)))

    assert (packets.fate.tolist(), packets.dst_port.tolist()) == ([DECODED], [9080])


def test_a_capture_may_begin_with_the_session(decode) -> None:
    assert decode(51, bytes(PPPoE() / PPP() / IP() / TCP())).fate.tolist() == [DECODED]


def test_a_header_that_is_not_whole_is_bad(decode) -> None:
    assert decode(51, b"\x11\x00").fate.tolist() == [BAD_HEADER]
