import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import GRE

from analyzer.base.table import DECODED, PROTOCOL_TCP, PROTOCOL_UDP

OUTER = IP() / UDP(sport=50000, dport=4754)


def test_the_packet_inside_is_the_one_that_counts(decode) -> None:
    packets = decode(101, bytes(OUTER / GRE(key_present=1) / IP() / TCP(dport=9080)))

    assert (packets.fate.tolist(), packets.protocol.tolist()) == ([DECODED], [PROTOCOL_TCP])
    assert packets.dst_port.tolist() == [9080]


@pytest.mark.parametrize("payload", [b"", b"\0\0\x08", b"\0\1\x08\0" + bytes(40)])
def test_what_does_not_look_like_it_stays_a_datagram(decode, payload: bytes) -> None:
    packets = decode(101, bytes(OUTER / payload))

    assert (packets.fate.tolist(), packets.protocol.tolist()) == ([DECODED], [PROTOCOL_UDP])
