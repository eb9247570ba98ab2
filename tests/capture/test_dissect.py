import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import CookedLinuxV2, Ether

from analyzer.base.errors import UsageError
from analyzer.capture.dissect import dissect_packet


def test_every_header_is_shown(read, write_pcap) -> None:
    frame = CookedLinuxV2(proto=0x0800, ifindex=2) / IP(dst="10.96.0.11") / TCP(dport=9080) / b"GET"

    text = dissect_packet(read(write_pcap([bytes(frame)], link=276)), 1)

    for expected in ("ifindex   = 2", "dst       = 10.96.0.11", "dport     = 9080", "payload: 3 bytes captured"):
        assert expected in text


def test_packets_are_numbered_from_one(read, write_pcap) -> None:
    frames = [bytes(Ether() / IP() / TCP(dport=port)) for port in (7001, 7002)]

    assert "7002" in dissect_packet(read(write_pcap(frames)), 2)


def test_a_payload_is_not_shown(read, write_pcap) -> None:
    frame = bytes(Ether() / IP() / TCP(dport=9080) / b"Authorization: Bearer CANARY") + b"CANARY padding"

    assert "CANARY" not in dissect_packet(read(write_pcap([frame])), 1)


@pytest.mark.parametrize("number", [-1, 0, 2])
def test_a_packet_that_is_not_there_is_an_error(read, write_pcap, number: int) -> None:
    with pytest.raises(UsageError, match=r"x\.pcap: packet -?\d; the capture has packets 1 to 1"):
        dissect_packet(read(write_pcap([b"a"])), number)


def test_what_scapy_cannot_take_apart_is_shown_as_bytes(read, write_pcap) -> None:
    assert dissect_packet(read(write_pcap([b"\x02\0\0\0abc"], link=239)), 1) == "not dissected: 02 00 00 00 61 62 63"


@settings(max_examples=40, deadline=None)
@given(link=st.sampled_from([0, 1, 9, 12, 14, 101, 108, 113, 127, 228, 229, 276]), frame=st.binary(max_size=80))
def test_no_packet_makes_it_raise(read, write_pcap, link: int, frame: bytes) -> None:
    assert dissect_packet(read(write_pcap([frame], link=link)), 1)
