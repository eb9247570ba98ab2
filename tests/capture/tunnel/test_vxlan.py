import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.layers.vxlan import VXLAN

from analyzer.base.address import format_address
from analyzer.base.table import DECODED, PROTOCOL_TCP, PROTOCOL_UDP

INNER = Ether() / IP(src="10.244.1.10") / TCP(dport=9080)


@pytest.mark.parametrize("port", [4789, 8472])
def test_the_packet_inside_is_the_one_that_counts(decode, port: int) -> None:
    packets = decode(101, bytes(IP(src="192.168.0.1") / UDP(dport=port) / VXLAN(vni=7, flags=8) / INNER))

    assert (packets.fate.tolist(), packets.protocol.tolist()) == ([DECODED], [PROTOCOL_TCP])
    assert format_address(packets.src_hi[0], packets.src_lo[0]) == "10.244.1.10"
    assert packets.dst_port.tolist() == [9080]


@pytest.mark.parametrize("payload", [b"", b"short", bytes(8) + bytes(INNER)])
def test_what_does_not_look_like_it_stays_a_datagram(decode, payload: bytes) -> None:
    packets = decode(101, bytes(IP() / UDP(dport=4789) / payload))

    assert (packets.fate.tolist(), packets.protocol.tolist()) == ([DECODED], [PROTOCOL_UDP])
    assert packets.payload_len.tolist() == [len(payload)]


def test_reserved_bits_are_ignored(decode) -> None:
    packets = decode(101, bytes(IP() / UDP(dport=4789) / (b"\x0a\x01\x02\x03\0\0\x07\xff" + bytes(INNER))))

    assert packets.dst_port.tolist() == [9080]
