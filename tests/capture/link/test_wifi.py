import pytest
from scapy.layers.dot11 import Dot11, Dot11Beacon, Dot11QoS, RadioTap
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import LLC, SNAP

from analyzer.base.table import BAD_HEADER, CUT_HEADER, DECODED, NOT_IP

INNER = LLC() / SNAP() / IP() / TCP(sport=40000, dport=9080)


@pytest.mark.parametrize(
    "frame",
    [
        Dot11(type=2, FCfield=1) / INNER,
        Dot11(type=2, FCfield=3, addr4="02:00:00:00:00:01") / INNER,
        Dot11(type=2, subtype=8) / Dot11QoS() / INNER,
    ],
)
def test_a_data_frame_leads_to_ip(decode, frame) -> None:
    packets = decode(105, bytes(frame))

    assert (packets.fate.tolist(), packets.dst_port.tolist()) == ([DECODED], [9080])


def test_the_header_of_a_radio_is_stepped_over(decode) -> None:
    assert decode(127, bytes(RadioTap() / Dot11(type=2) / INNER)).fate.tolist() == [DECODED]


@pytest.mark.parametrize(
    "frame",
    [
        Dot11(type=0, subtype=8) / Dot11Beacon(),
        Dot11(type=2, FCfield=0x40) / INNER,
        Dot11(type=2, subtype=4) / bytes(20),
    ],
)
def test_frames_that_carry_nothing_readable_are_not_ip(decode, frame) -> None:
    assert decode(105, bytes(frame)).fate.tolist() == [NOT_IP]


def test_a_radio_header_shorter_than_itself_is_bad(decode) -> None:
    assert decode(127, b"\0\0\x03\0" + bytes(40)).fate.tolist() == [BAD_HEADER]


def test_a_cut_frame_is_cut(decode) -> None:
    assert decode(105, (1, 0, b"\x08\x01" + bytes(20), 100)).fate.tolist() == [CUT_HEADER]
