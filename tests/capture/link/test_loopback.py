import struct

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6

from analyzer.base.table import CUT_HEADER, DECODED, NOT_IP


@pytest.mark.parametrize("link", [0, 108])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("family", "network"), [(2, IP()), *((family, IPv6()) for family in (10, 23, 24, 28, 30))])
def test_every_family_is_read_in_either_order(decode, link: int, order: str, family: int, network) -> None:
    packets = decode(link, struct.pack(f"{order}I", family) + bytes(network / TCP(dport=80)))

    assert packets.fate.tolist() == [DECODED]
    assert packets.ip_version.tolist() == [network.version]


def test_another_family_is_not_ip(decode) -> None:
    assert decode(0, struct.pack("<I", 7) + bytes(40)).fate.tolist() == [NOT_IP]


def test_a_cut_header_is_cut(decode) -> None:
    assert decode(0, (1, 0, bytes(3), 60)).fate.tolist() == [CUT_HEADER]
