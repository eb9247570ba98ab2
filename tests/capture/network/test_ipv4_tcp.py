"""TCP in IPv4 in one pass: what header after header gives."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.kernel import run_kernel
from analyzer.base.table import BAD_HEADER, DECODED, PacketTable
from analyzer.capture.decode import blank_table, decode_packets
from analyzer.capture.frames import IP_PROTOCOL, NO_LINK_HEADER, Decoding, Frames
from analyzer.capture.link import LINKS
from analyzer.capture.network.ipv4 import decode_ipv4
from analyzer.capture.network.ipv4_tcp import decode_ipv4_tcp, decode_segments, decode_whole
from analyzer.capture.reader import read_capture_bytes
from analyzer.capture.transport.tcp import decode_tcp

ALIGNED = b"\x01\x01\x08\x0a" + bytes(range(8))
# Options of a SYN, of a header that ends early, of lengths that cannot be, of a timestamp that does not fit.
OPTIONS = (
    b"", ALIGNED, b"\x02\x04\x05\xb4\x04\x02\x08\x0a" + bytes(range(8)) + b"\x01\x03\x03\x07", b"\x00" + ALIGNED[1:],
    b"\x05\x00\x08\x0a" + bytes(8), b"\x05\x01\x08\x0a" + bytes(8), b"\x01\x01\x08\x0b" + bytes(8),
    b"\x01\x01\x01\x01\x08\x0a\x01\x01", b"\x02\xff\x01\x01", b"\x01" * 40,
)  # fmt: skip


def segment(options: bytes = ALIGNED, payload: bytes = b"hello", **fields: int) -> bytes:
    words = fields.get("words", 5 + len(options) // 4)
    flags = words << 12 | fields.get("flags", 0x118)
    tcp = struct.pack(">HHIIHHHH", 40000, 80, 0xFFFF_FFF0, 0x8000_0001, flags, 501, 0, 0) + options + payload
    total = fields.get("total_len", 20 + 4 * fields.get("more_words", 0) + len(tcp))
    ihl = fields.get("version_ihl", 0x45 + fields.get("more_words", 0))
    fragment, protocol = fields.get("fragment", 0x4000), fields.get("protocol", 6)
    ip = struct.pack(
        ">BBHHHBBHII", ihl, 0, total, 7, fragment, 64, protocol, 0, 0x0A000001, 0xC0A80102
    )  # fmt: skip
    return ip + bytes(4 * fields.get("more_words", 0)) + tcp


def decoded(packets: list[tuple[bytes, int]], *, fast: bool) -> tuple[dict[str, list[int]], list[int]]:
    """The columns of packets, each cut by some bytes, and the rows that go on to another header."""
    data = np.frombuffer(b"".join(packet for packet, _ in packets) or b"-", np.uint8)
    sizes = np.array([len(packet) for packet, _ in packets], np.int64)
    at = np.cumsum(sizes) - sizes
    ends = at + sizes - np.array([min(cut, len(packet)) for packet, cut in packets], np.int64)
    table = blank_table(len(packets))
    decoding = Decoding(data, table, np.zeros(len(table), np.uint8), rows=1_000_000 if fast else 0)
    frames = Frames(np.arange(len(packets)), at, ends, at + sizes, np.zeros(len(packets), np.int64))
    further = (decode_ipv4_tcp if fast else decode_ipv4)(decoding, frames)
    tcp = further.keep(further.following == IP_PROTOCOL + 6)
    decode_tcp(decoding, tcp)
    others = further.keep(further.following != IP_PROTOCOL + 6)
    return {name: getattr(table, name).tolist() for name in PacketTable.__struct_fields__}, others.row.tolist()


packets = st.tuples(
    st.builds(
        segment,
        st.sampled_from(OPTIONS),
        st.sampled_from([b"", b"hello"]),
        words=st.sampled_from([4, 5, 8, 15]),
        flags=st.sampled_from([0x002, 0x1FF, 0x018]),
        version_ihl=st.sampled_from([0x45, 0x45, 0x45, 0x44, 0x46, 0x65]),
        total_len=st.sampled_from([0, 19, 39, 40, 52, 57, 60]),
        fragment=st.sampled_from([0, 0x4000, 0x2000, 1]),
        protocol=st.sampled_from([6, 6, 17]),
    )
    | st.builds(segment, st.sampled_from(OPTIONS), more_words=st.sampled_from([0, 1, 10])),
    st.sampled_from([0, 0, 1, 5, 9, 20, 30, 60]),
)


@given(packets=st.lists(packets, max_size=6))
@settings(max_examples=100, deadline=None)
def test_one_pass_gives_what_header_after_header_does(packets) -> None:
    assert decoded(packets, fast=True) == decoded(packets, fast=False)


@pytest.mark.parametrize("options", OPTIONS)
def test_any_options_are_read_alike(options: bytes) -> None:
    packets = [(segment(options), 0)]

    assert decoded(packets, fast=True) == decoded(packets, fast=False)


@given(packets=st.lists(packets, min_size=1, max_size=6))
@settings(max_examples=50, deadline=None)
def test_compiled_or_not_the_columns_are_the_same(packets) -> None:
    data = np.frombuffer(b"".join(packet for packet, _ in packets), np.uint8)
    sizes = np.array([len(packet) for packet, _ in packets], np.int64)
    at = np.cumsum(sizes) - sizes
    found = []
    for compile_rows in (0, 1):
        columns = tuple(np.zeros(len(packets), kind) for kind in [np.uint8] * 3 + [np.int64] * 17)
        left = np.zeros(len(packets), np.int64)
        place, link = (np.arange(len(packets)), at, sizes), (*NO_LINK_HEADER, 0)
        count = run_kernel(decode_segments, 0, data, place, link, columns, left, compile_rows=compile_rows)
        found.append((count, left.tolist()[:count], [column.tolist() for column in columns]))

    assert found[0] == found[1]


def test_a_whole_segment_goes_no_further() -> None:
    columns, further = decoded([(segment(), 0)], fast=True)

    assert (columns["fate"], columns["payload_len"], further) == ([DECODED], [5], [])


def test_another_transport_goes_on() -> None:
    assert decoded([(segment(protocol=17), 0)], fast=True)[1] == [0]


LINK_HEADERS = {
    1: bytes(12) + b"\x08\x00",
    101: b"",
    276: b"\x08\x00\x00\x00\x01\x02\x03\x04\x00\x01\x04\x06" + bytes(8),
}
ODD_HEADERS = {1: bytes(12) + b"\x08\x06", 276: b"\x86\xdd" + bytes(18)}


def decoded_at_once(link: int, packets: list[tuple[bytes, int]], begin: int) -> tuple[dict[str, list[int]], list[int]]:
    """The columns of packets behind link headers that are decoded at once, and the indices of the others."""
    data = np.frombuffer(b"".join(packet for packet, _ in packets), np.uint8)
    sizes = np.array([len(packet) for packet, _ in packets], np.int64)
    captured = sizes - np.array([min(cut, len(packet)) for packet, cut in packets], np.int64)
    decoding = Decoding(data, blank_table(len(packets)), np.zeros(len(packets), np.uint8), rows=1_000_000)
    header = LINKS[link].header
    assert header is not None
    place = np.arange(len(packets)), np.cumsum(sizes) - sizes + begin, captured
    left = decode_whole(decoding, place, header, begin=begin)
    assert left is not None
    return {name: getattr(decoding.table, name).tolist() for name in PacketTable.__struct_fields__}, left.tolist()


def decoded_by_layers(link: int, packets: list[tuple[bytes, int]]) -> dict[str, list[int]]:
    """The same, header after header."""
    records = [(1, 0, packet[: len(packet) - cut], len(packet)) for packet, cut in packets]
    data = write(link, records)
    table = decode_packets(read_capture_bytes(data, name="x"))
    return {name: getattr(table, name).tolist() for name in PacketTable.__struct_fields__}


def write(link: int, records: list[tuple[int, int, bytes, int]]) -> bytes:
    parts = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, link)]
    return b"".join([*parts, *(struct.pack("<IIII", s, f, len(d), w) + d for s, f, d, w in records)])


@pytest.mark.parametrize("link", LINK_HEADERS)
@given(packets=st.lists(packets, min_size=1, max_size=6), odd=st.integers(0, 6), begin=st.sampled_from([0, 4096]))
@settings(max_examples=60, deadline=None)
def test_a_link_header_in_the_same_pass_changes_nothing(link: int, packets, odd: int, begin: int) -> None:
    headers = [ODD_HEADERS.get(link, b"") if n == odd else LINK_HEADERS[link] for n in range(len(packets))]
    framed = [(header + packet, min(cut, len(packet))) for header, (packet, cut) in zip(headers, packets, strict=True)]

    columns, left = decoded_at_once(link, framed, begin)

    expected = decoded_by_layers(link, framed)
    record_at = np.cumsum([40, *(16 + len(packet) - cut for packet, cut in framed)]).tolist()
    at = np.cumsum([begin, *(len(packet) for packet, _ in framed)]).tolist()
    for row in set(range(len(framed))) - set(left):
        found = {name: column[row] for name, column in columns.items()}
        found["payload_off"] += record_at[row] - at[row]
        assert found == {name: column[row] for name, column in expected.items()}
    assert all(columns["fate"][row] == BAD_HEADER for row in left)


def test_a_frame_of_another_type_is_left() -> None:
    packets = [(LINK_HEADERS[1] + segment(), 0), (ODD_HEADERS[1] + segment(), 0)]

    assert decoded_at_once(1, packets, 0)[1] == [1]


def test_few_packets_are_left_to_the_layers() -> None:
    decoding = Decoding(np.zeros(1, np.uint8), blank_table(1), np.zeros(1, np.uint8))

    assert decode_whole(decoding, (np.arange(1), np.arange(1), np.arange(1)), NO_LINK_HEADER) is None
