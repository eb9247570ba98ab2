import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, LLC, SNAP, Dot3, Ether

from analyzer.base.table import BAD_HEADER, CUT_HEADER, DECODED, NOT_IP

LINK = 1


@pytest.mark.parametrize("network", [IP(), IPv6()])
def test_the_ethertype_leads_to_ip(decode, network) -> None:
    packets = decode(LINK, bytes(Ether() / network / TCP(sport=1, dport=2)))

    assert packets.fate.tolist() == [DECODED]


def test_what_is_not_ip_is_nothing_for_us(decode) -> None:
    assert decode(LINK, bytes(Ether() / ARP())).fate.tolist() == [NOT_IP]


def test_a_length_instead_of_a_type_leads_to_llc(decode) -> None:
    frame = Dot3(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / LLC() / SNAP() / IP() / TCP(sport=1, dport=2)

    packets = decode(LINK, bytes(frame))

    assert (packets.fate.tolist(), packets.dst_port.tolist()) == ([DECODED], [2])


def test_a_header_cut_by_the_snap_length_is_cut(decode) -> None:
    assert decode(LINK, (1, 0, bytes(13), 60)).fate.tolist() == [CUT_HEADER]


@pytest.mark.parametrize("frame", [b"", b"x", bytes(13)])
def test_a_frame_too_short_for_its_header_is_bad(decode, frame: bytes) -> None:
    assert decode(LINK, frame).fate.tolist() == [BAD_HEADER]


def test_ethernet_does_not_say_which_way_a_packet_goes(decode) -> None:
    packets = decode(LINK, bytes(Ether() / IP() / TCP()))

    assert (packets.direction.tolist(), packets.ifindex.tolist()) == ([255], [0])
