import pytest
from scapy.contrib.mpls import MPLS
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether

from analyzer.base.table import BAD_HEADER, DECODED


@pytest.mark.parametrize("network", [IP(), IPv6()])
@pytest.mark.parametrize("labels", [MPLS(s=1), MPLS(s=0) / MPLS(s=0) / MPLS(s=1)])
def test_labels_are_transparent(decode, labels, network) -> None:
    packets = decode(1, bytes(Ether(type=0x8847) / labels / network / TCP(dport=9080)))

    assert (packets.fate.tolist(), packets.dst_port.tolist()) == ([DECODED], [9080])


def test_a_stack_without_a_bottom_is_bad(decode) -> None:
    assert decode(1, bytes(Ether(type=0x8847)) + bytes(4) * 10).fate.tolist() == [BAD_HEADER]
