import pytest
from scapy.contrib.geneve import GENEVE
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether

from analyzer.base.table import DECODED, PROTOCOL_TCP, PROTOCOL_UDP


def test_a_frame_or_a_packet_may_be_inside(decode) -> None:
    outer = IP() / UDP(dport=6081)

    packets = decode(
        101,
        bytes(outer / GENEVE(proto=0x6558) / Ether() / IP() / TCP(dport=1)),
        bytes(outer / GENEVE(proto=0x0800) / IP() / TCP(dport=2)),
        bytes(outer / (b"\x02\0\x08\0\0\0\x07\0" + bytes(8) + bytes(IP() / TCP(dport=3)))),
    )

    assert (packets.fate.tolist(), packets.protocol.tolist()) == ([DECODED] * 3, [PROTOCOL_TCP] * 3)
    assert packets.dst_port.tolist() == [1, 2, 3]


@pytest.mark.parametrize("payload", [b"", b"short", b"\x80" + bytes(40)])
def test_what_does_not_look_like_it_stays_a_datagram(decode, payload: bytes) -> None:
    packets = decode(101, bytes(IP() / UDP(dport=6081) / payload))

    assert (packets.fate.tolist(), packets.protocol.tolist()) == ([DECODED], [PROTOCOL_UDP])
