import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import CookedLinux, Dot1Q

from analyzer.base.table import CUT_HEADER, DECODED

LINK = 113


@pytest.mark.parametrize("packet_type", range(5))
def test_the_packet_type_is_the_direction(decode, packet_type: int) -> None:
    packets = decode(LINK, bytes(CookedLinux(pkttype=packet_type) / IP() / TCP(dport=9080)))

    assert packets.fate.tolist() == [DECODED]
    assert packets.direction.tolist() == [packet_type]
    assert packets.dst_port.tolist() == [9080]


def test_a_tag_may_follow(decode) -> None:
    assert decode(LINK, bytes(CookedLinux(proto=0x8100) / Dot1Q() / IP() / TCP())).fate.tolist() == [DECODED]


def test_a_packet_type_that_cannot_be_is_not_known(decode) -> None:
    assert decode(LINK, bytes(CookedLinux(pkttype=0x1234) / IP() / TCP())).direction.tolist() == [255]


def test_a_cut_header_is_cut(decode) -> None:
    assert decode(LINK, (1, 0, bytes(15), 60)).fate.tolist() == [CUT_HEADER]
