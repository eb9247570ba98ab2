import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import GRE, Ether

from analyzer.base.table import BAD_HEADER, DECODED

MIRRORED = bytes(Ether() / IP() / TCP(dport=9080))


@pytest.mark.parametrize(
    ("protocol", "header"),
    [
        (0x88BE, b"\x10\x07" + bytes(6)),
        (0x22EB, b"\x20\x07" + bytes(10)),
        (0x22EB, b"\x20\x07" + bytes(9) + b"\x01" + bytes(8)),
    ],
    ids=["type II", "type III", "type III with a subheader"],
)
def test_the_mirrored_frame_is_the_one_that_counts(decode, protocol: int, header: bytes) -> None:
    packets = decode(101, bytes(IP() / GRE(proto=protocol, seqnum_present=1) / (header + MIRRORED)))

    assert (packets.fate.tolist(), packets.dst_port.tolist()) == ([DECODED], [9080])


@pytest.mark.parametrize("protocol", [0x88BE, 0x22EB])
def test_a_header_that_is_not_whole_is_bad(decode, protocol: int) -> None:
    assert decode(101, bytes(IP() / GRE(proto=protocol, seqnum_present=1) / b"\x10")).fate.tolist() == [BAD_HEADER]
