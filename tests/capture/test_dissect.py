import struct
from ipaddress import ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import CookedLinuxV2, Ether

from analyzer.base.errors import UsageError
from analyzer.capture.dissect import dissect_packet, read_dns_response


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


def dns_response(name="api.example.com", records=(), *, qr=1, rcode=0):
    """A response whose answers are ``(name, type, rdata)``; names are written whole, without pointers."""

    def written(text):
        return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".")) + b"\0"

    head = struct.pack(">HHHHHH", 7, qr << 15 | rcode, 1, len(records), 0, 0)
    asked = written(name) + struct.pack(">HH", 1, 1)
    return (
        head
        + asked
        + b"".join(
            written(owner) + struct.pack(">HHIH", kind, 1, 60, len(rdata)) + rdata for owner, kind, rdata in records
        )
    )


A = ("api.example.com", 1, bytes([203, 0, 113, 9]))
AAAA = ("api.example.com", 28, bytes(15) + b"\1")


def test_a_response_has_its_name_and_all_its_addresses():
    assert read_dns_response(dns_response("API.example.com", [A, AAAA])) == ("api.example.com", ("203.0.113.9", "::1"))


def test_behind_an_alias_the_name_is_the_one_that_was_asked_for():
    alias = ("api.example.com", 5, b"\x03cdn\x03net\0")

    assert read_dns_response(dns_response(records=[alias, ("cdn.net", 1, A[2])])) == (
        "api.example.com",
        ("203.0.113.9",),
    )


@pytest.mark.parametrize(
    "payload",
    [
        dns_response(records=[A], qr=0),
        dns_response(records=[A], rcode=3),
        dns_response(),
        dns_response(records=[A])[:-2],
        dns_response(records=[("api.example.com", 1, b"\1")]),
        b"\0" * 12,
        b"",
        b"\xc0\x0c" * 30,
    ],
)
def test_what_names_no_address_is_no_answer(payload):
    assert read_dns_response(payload) is None


@given(st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_an_answer_or_none(payload):
    found = read_dns_response(b"\0\1\x81\x80" + payload)

    assert found is None or all(map(ip_address, found[1]))
