import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import GRE, Ether

from analyzer.base.table import BAD_HEADER, DECODED, NOT_IP


@pytest.mark.parametrize(
    "header", [GRE(), GRE(key_present=1, key=7), GRE(chksum_present=1, key_present=1, seqnum_present=1)]
)
def test_the_packet_inside_is_the_one_that_counts(decode, header) -> None:
    packets = decode(101, bytes(IP() / header / IP() / TCP(dport=9080)))

    assert (packets.fate.tolist(), packets.dst_port.tolist()) == ([DECODED], [9080])


def test_a_frame_may_be_inside(decode) -> None:
    assert decode(101, bytes(IP() / GRE(proto=0x6558) / Ether() / IP() / TCP())).fate.tolist() == [DECODED]


def test_a_mirrored_frame_without_a_header_of_its_own_follows_at_once(decode) -> None:
    assert decode(101, bytes(IP() / GRE(proto=0x88BE) / Ether() / IP() / TCP())).fate.tolist() == [DECODED]


def test_version_1_is_not_followed(decode) -> None:
    assert decode(101, bytes(IP(proto=47) / (b"\x30\x01\x88\x0b" + bytes(40)))).fate.tolist() == [NOT_IP]


def test_a_header_that_is_not_whole_is_bad(decode) -> None:
    assert decode(101, bytes(IP(proto=47) / b"\0\0")).fate.tolist() == [BAD_HEADER]
