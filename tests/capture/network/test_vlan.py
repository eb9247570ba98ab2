import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Dot1AD, Dot1Q, Ether

from analyzer.base.table import BAD_HEADER, DECODED


@pytest.mark.parametrize("tags", [Dot1Q(vlan=5), Dot1AD(vlan=5) / Dot1Q(vlan=6), Dot1Q() / Dot1Q() / Dot1Q() / Dot1Q()])
def test_tags_are_transparent(decode, tags) -> None:
    packets = decode(1, bytes(Ether() / tags / IP() / TCP(dport=9080)))

    assert (packets.fate.tolist(), packets.dst_port.tolist()) == ([DECODED], [9080])


def test_an_older_number_for_stacked_tags_is_known(decode) -> None:
    assert decode(1, bytes(Ether(type=0x9100) / Dot1Q() / IP() / TCP())).fate.tolist() == [DECODED]


def test_a_tag_that_is_not_whole_is_bad(decode) -> None:
    assert decode(1, bytes(Ether(type=0x8100)) + b"\0\0").fate.tolist() == [BAD_HEADER]
