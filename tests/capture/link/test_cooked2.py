from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import CookedLinuxV2

from analyzer.base.table import CUT_HEADER, DECODED

LINK = 276


def test_interface_and_direction_are_kept(decode) -> None:
    frame = bytes(CookedLinuxV2(proto=0x0800, ifindex=70_000, pkttype=4) / IP() / TCP(dport=15001))

    packets = decode(LINK, frame)

    assert packets.fate.tolist() == [DECODED]
    assert (packets.ifindex.tolist(), packets.direction.tolist()) == ([70_000], [4])
    assert packets.dst_port.tolist() == [15001]


def test_a_cut_header_is_cut(decode) -> None:
    assert decode(LINK, (1, 0, bytes(19), 60)).fate.tolist() == [CUT_HEADER]
