from scapy.layers.l2 import LLC, SNAP, STP, Dot3

from analyzer.base.table import BAD_HEADER, DECODED, NOT_IP

ADDRESSES = {"src": "02:00:00:00:00:01", "dst": "02:00:00:00:00:02"}


def test_snap_leads_to_ip(decode, http_packet: bytes) -> None:
    assert decode(1, bytes(Dot3(**ADDRESSES) / LLC() / SNAP(code=0x0800) / http_packet)).fate.tolist() == [DECODED]


def test_spanning_tree_is_not_ip(decode) -> None:
    assert decode(1, bytes(Dot3(**ADDRESSES) / LLC() / STP())).fate.tolist() == [NOT_IP]


def test_a_header_that_is_not_whole_is_bad(decode) -> None:
    assert decode(1, bytes(Dot3(**ADDRESSES)) + b"\xaa\xaa\x03").fate.tolist() == [BAD_HEADER]
