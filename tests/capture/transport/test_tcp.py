import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP

from analyzer.base.table import ACK, BAD_HEADER, CUT_HEADER, DECODED, HAS_TIMESTAMP, PSH, SYN

RAW = 101
TIMESTAMPS = ("Timestamp", (3_801_898_820, 2_760_260_760))


def test_the_fields_of_the_header_are_kept(decode) -> None:
    segment = TCP(sport=65535, dport=9080, seq=0xFFFF_FFFF, ack=0x8000_0000, window=65535, flags="SA")

    packets = decode(RAW, bytes(IP() / segment))

    assert packets.fate.tolist() == [DECODED]
    assert (packets.src_port.tolist(), packets.dst_port.tolist()) == ([65535], [9080])
    assert (packets.seq.tolist(), packets.ack.tolist()) == ([0xFFFF_FFFF], [0x8000_0000])
    assert (packets.window.tolist(), packets.tcp_flags.tolist()) == ([65535], [SYN | ACK])


def test_the_payload_lies_behind_the_options(ipv4, tcp, read, write_pcap, decode, payload_of) -> None:
    packet = ipv4(tcp(b"GET / HTTP/1.1", options=b"\x01" * 12))

    packets = decode(RAW, packet)

    assert payload_of(read(write_pcap([packet], link=RAW)), packets) == b"GET / HTTP/1.1"
    assert packets.payload_wire_len.tolist() == [14]


@pytest.mark.parametrize(
    "options",
    [
        [("NOP", None), ("NOP", None), TIMESTAMPS],
        [("MSS", 1460), ("SAckOK", b""), TIMESTAMPS, ("NOP", None), ("WScale", 7)],
        [TIMESTAMPS, ("EOL", None)],
        [("SAck", (1, 2, 3, 4)), TIMESTAMPS],
    ],
)
def test_timestamps_are_found_wherever_they_stand(decode, options) -> None:
    packets = decode(RAW, bytes(IP() / TCP(options=options)))

    assert packets.tcp_flags[0] & HAS_TIMESTAMP
    assert (packets.tsval.tolist(), packets.tsecr.tolist()) == ([3_801_898_820], [2_760_260_760])


@pytest.mark.parametrize(
    "options",
    [
        b"",
        b"\x01\x01\x01\x01",
        b"\x08\x00" + bytes(10),
        b"\x08\x01" + bytes(10),
        b"\x08\xff" + bytes(10),
        b"\x08\x0b" + bytes(10),
        b"\x00\x00\x08\x0a" + bytes(8),
        b"\x01\x01\x01\x08",
        b"\x01\x08\x0a" + bytes(5),
    ],
)
def test_options_that_hold_no_timestamps_end_the_search(decode, ipv4, tcp, options: bytes) -> None:
    packets = decode(RAW, ipv4(tcp(b"GET", options=options)))

    assert packets.fate.tolist() == [DECODED]
    assert packets.tcp_flags.tolist() == [ACK | PSH]
    assert packets.tsval.tolist() == [0]


def test_timestamps_are_not_read_from_the_payload(decode, ipv4, tcp) -> None:
    packets = decode(RAW, ipv4(tcp(b"\x01\x01\x08\x0a" + bytes(8))))

    assert not packets.tcp_flags[0] & HAS_TIMESTAMP


def test_a_header_cut_inside_its_options_keeps_what_is_known(decode, ipv4, tcp) -> None:
    whole = ipv4(tcp(b"GET", options=b"\x01\x01\x08\x0a" + bytes(8)))

    packets = decode(RAW, (1, 0, whole[:46], len(whole)))

    assert (packets.fate.tolist(), packets.seq.tolist()) == ([DECODED], [1000])
    assert (packets.payload_len.tolist(), packets.payload_wire_len.tolist()) == ([0], [3])
    assert not packets.tcp_flags[0] & HAS_TIMESTAMP


def test_a_header_cut_before_its_options_is_cut(decode, http_packet: bytes) -> None:
    packets = decode(RAW, (1, 0, http_packet[:39], len(http_packet)))

    assert (packets.fate.tolist(), packets.src_port.tolist()) == ([CUT_HEADER], [0])


@pytest.mark.parametrize("offset", [0, 4, 15])
def test_an_offset_that_cannot_be_is_bad(decode, ipv4, tcp, offset: int) -> None:
    packets = decode(RAW, ipv4(tcp(b"GET", offset=offset)), ipv4(tcp(b"GET")))

    assert (packets.fate.tolist(), packets.dst_port.tolist()) == ([BAD_HEADER, DECODED], [0, 9080])


@settings(max_examples=60, deadline=None)
@given(words=st.integers(0, 10), noise=st.binary(min_size=40, max_size=40), captured=st.integers(40, 80))
def test_no_options_make_the_payload_lie_outside_the_record(
    decode, ipv4, tcp, words: int, noise: bytes, captured: int
) -> None:
    whole = ipv4(tcp(b"", options=noise[: words * 4]))
    packet = whole[:captured]

    packets = decode(RAW, (1, 0, packet, len(whole)))

    assert packets.fate.tolist() == [DECODED]
    assert packets.payload_off[0] + packets.payload_len[0] <= 40 + len(packet)
