import io
import struct
from pathlib import Path

import dpkt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.errors import CaptureError
from analyzer.base.table import PacketTable
from analyzer.capture import blocks, reader
from analyzer.capture.capture import Capture
from analyzer.capture.decode import decode_packets
from analyzer.capture.pcap import read_pcap
from analyzer.capture.records import MAX_RECORD_LEN

# Two packets a second apart, the second one cut to 3 of 9 bytes.
PACKETS = [(1_700_000_000, 5, b"first"), (1_700_000_001, 6, b"sec", 9)]


def data_of(capture: Capture) -> list[bytes]:
    records = capture.records
    spans = zip(records.data_off.tolist(), records.captured_len.tolist(), strict=True)
    return [bytes(capture.buffer[begin : begin + size]) for begin, size in spans]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("magic", "name", "unit"),
    [(0xA1B2C3D4, "pcap", 1000), (0xA1B23C4D, "pcap-ns", 1), (0xA1B2CD34, "pcap-modified", 1000)],
)
def test_every_variant_gives_the_same_records(write_pcap, read, order: str, magic: int, name: str, unit: int) -> None:
    capture = read(write_pcap(PACKETS, order=order, magic=magic))

    assert capture.format == name
    assert data_of(capture) == [b"first", b"sec"]
    assert capture.records.wire_len.tolist() == [5, 9]
    assert capture.records.time_ns.tolist() == [1_700_000_000 * 10**9 + 5 * unit, 1_700_000_001 * 10**9 + 6 * unit]


def test_dpkt_and_we_read_the_same_file(read) -> None:
    file = io.BytesIO()
    writer = dpkt.pcap.Writer(file, nano=True)
    writer.writepkts([(1_700_000_000 + size, b"x" * size) for size in range(1, 100)])

    capture = read(file.getvalue())

    assert data_of(capture) == [b"x" * size for size in range(1, 100)]
    assert capture.records.time_ns.tolist() == [(1_700_000_000 + size) * 10**9 for size in range(1, 100)]


def test_the_interface_has_link_type_and_snap_length(write_pcap, read) -> None:
    [interface] = read(write_pcap([], link=276, snaplen=96)).interfaces

    assert (interface.link, interface.snaplen) == (276, 96)


def test_flags_above_the_link_type_are_not_part_of_it(write_pcap, read) -> None:
    assert read(write_pcap([b"x"], link=0x5400_0001)).records.link.tolist() == [1]


def test_a_file_without_records_is_complete(write_pcap, read) -> None:
    capture = read(write_pcap([]))

    assert (len(capture.records), capture.complete, capture.error) == (0, True, None)


def test_before_version_2_3_the_lengths_stood_the_other_way_round(write_pcap, read) -> None:
    swapped = write_pcap([], version=(2, 2)) + struct.pack("<IIII", 1, 0, 9, 5) + b"first"

    capture = read(swapped)

    assert data_of(capture) == [b"first"]
    assert capture.records.wire_len.tolist() == [9]


def test_a_record_whose_data_is_cut_is_left_out_and_named(write_pcap, read) -> None:
    capture = read(write_pcap(PACKETS)[:-1])

    assert data_of(capture) == [b"first"]
    assert not capture.complete
    assert capture.error == "x.pcap: packet 2: record claims 3 bytes; 2 are left in the file"


def test_a_record_whose_header_is_cut_is_named(write_pcap, read) -> None:
    capture = read(write_pcap(PACKETS)[:-10])

    assert capture.error == "x.pcap: packet 2: record header is cut; 9 of its 16 bytes are left in the file"


def test_a_length_that_cannot_be_is_not_followed(write_pcap, read) -> None:
    capture = read(write_pcap([b"a"]) + struct.pack("<IIII", 1, 0, 2147483647, 60) + bytes(310))

    assert capture.error == "x.pcap: packet 2: record claims 2147483647 bytes; 310 are left in the file"


def test_a_record_beyond_any_snap_length_ends_the_capture(write_pcap, read) -> None:
    capture = read(write_pcap([b"a", bytes(MAX_RECORD_LEN + 1)]))

    assert capture.error == "x.pcap: packet 2: record claims 262145 bytes; a record holds at most 262144"


def test_a_fraction_of_more_than_a_second_is_held_back_and_counted(write_pcap, read) -> None:
    capture = read(write_pcap([(7, 4_000_000_000, b"a")]))

    assert capture.records.time_ns.tolist() == [7_999_999_999]
    assert [oddity.code.name for oddity in capture.oddities] == ["bad-timestamp"]


def test_a_file_appended_to_another_is_read_on_by_its_own_header(write_pcap, read) -> None:
    first = write_pcap([b"one"], link=1)
    second = write_pcap([b"two", b"three"], link=101, order=">", magic=0xA1B23C4D)

    capture = read(first + second)

    assert data_of(capture) == [b"one", b"two", b"three"]
    assert capture.records.link.tolist() == [1, 101, 101]
    assert [str(oddity) for oddity in capture.oddities if oddity.code.name == "captures-concatenated"] == [
        "x.pcap: packet 2: 1 further capture files are appended to the first"
    ]


def test_a_record_that_only_looks_like_a_file_header_is_a_record(write_pcap, read) -> None:
    # These seconds begin as a magic number does, and these microseconds as version 2.4 does.
    lookalike = (int.from_bytes(b"\xa1\xb2\x00\x60", "little"), int.from_bytes(b"\x02\x00\x04\x00", "little"), b"data")

    capture = read(write_pcap([b"one", lookalike, b"three"]))

    assert data_of(capture) == [b"one", b"data", b"three"]
    assert len(capture.interfaces) == 1


def test_files_beyond_the_limit_are_not_read(write_pcap, read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzer.capture.pcap.MAX_FILES", 2)

    capture = read(write_pcap([b"a"]) * 3)

    assert len(capture.interfaces) == 2
    assert capture.error == "x.pcap: packet 3: more than 2 file headers, the limit"


@pytest.mark.parametrize("version", [(1, 0), (2, 5), (543, 0)])
def test_another_version_is_named(write_pcap, read, version: tuple[int, int]) -> None:
    with pytest.raises(CaptureError, match=rf"x.pcap: pcap version {version[0]}\.{version[1]}; expected 2.0 to 2.4"):
        read(write_pcap([], version=version))


def test_a_cut_file_header_is_an_error(write_pcap) -> None:
    with pytest.raises(CaptureError, match=r"x\.pcap: 10 bytes; expected a pcap file header of 24"):
        read_pcap(memoryview(write_pcap([])[:10]), name="x.pcap")


@settings(max_examples=50, deadline=None)
@given(cut=st.integers(24, 24 + 20 * 30))
def test_a_cut_capture_is_a_prefix_of_the_whole(write_pcap, read, cut: int) -> None:
    whole = write_pcap([bytes([n]) * 14 for n in range(20)])

    capture = read(whole[:cut])

    assert data_of(capture) == [bytes([n]) * 14 for n in range((cut - 24) // 30)]
    assert capture.complete == ((cut - 24) % 30 == 0)


@pytest.mark.parametrize("size", [40, 41, 56, 57, 90])
def test_records_are_the_same_in_stretches_of_any_size(
    tmp_path: Path, write_pcap, read, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    file = write_pcap([b"a" * 24, b"", b"bcd", b"e" * 21]) + write_pcap([b"f", (0, 0, b"g", 7)]) + b"cut"
    (tmp_path / "x.pcap").write_bytes(file)
    monkeypatch.setattr(blocks, "BLOCK_LEN", size)
    monkeypatch.setattr(reader, "MAPPED_FROM", 1)

    capture, whole = reader.read_capture(tmp_path / "x.pcap", name="x.pcap"), read(file)

    assert data_of(capture) == data_of(whole) == [b"a" * 24, b"", b"bcd", b"e" * 21, b"f", b"g"]
    assert (capture.oddities, capture.error) == (whole.oddities, whole.error)


@pytest.mark.parametrize("how", [{}, {"order": ">"}, {"magic": 0xA1B23C4D}, {"magic": 0xA1B2CD34}, {"version": (2, 2)}])
@pytest.mark.parametrize("size", [200, 1 << 20])
def test_packets_that_are_decoded_in_the_same_walk_are_those_that_are_decoded_later(
    tmp_path: Path, write_pcap, read, http_packet: bytes, monkeypatch: pytest.MonkeyPatch, size: int, how: dict
) -> None:
    file = write_pcap([http_packet, b"\x45", (3, 4_000_000_000, http_packet)] * 4, link=101, **how)
    (tmp_path / "x.pcap").write_bytes(file)
    whole = read(file)
    monkeypatch.setattr(blocks, "BLOCK_LEN", size)
    monkeypatch.setattr(reader, "MAPPED_FROM", 1)
    monkeypatch.setattr("analyzer.capture.pcap.pays", lambda *_: True)

    capture = reader.read_capture(tmp_path / "x.pcap", name="x.pcap")

    assert capture.decoded is not None
    for name in PacketTable.__struct_fields__:
        assert getattr(decode_packets(capture), name).tolist() == getattr(decode_packets(whole), name).tolist()
    assert data_of(capture) == data_of(whole)
    assert capture.records.time_ns.tolist() == whole.records.time_ns.tolist()
    assert (capture.oddities, capture.error) == (whole.oddities, whole.error)


@pytest.mark.parametrize("first", [0, 1, 3, 9])
@pytest.mark.parametrize("least", [1, 9, 20, 1_000])
def test_no_record_is_told_twice_whenever_compiling_pays(
    write_pcap, read, monkeypatch: pytest.MonkeyPatch, first: int, least: int
) -> None:
    monkeypatch.setattr("analyzer.capture.pcap.FIRST_ROUND", 2)
    monkeypatch.setattr("analyzer.capture.pcap.pays", lambda _, rows: rows >= least)
    packets = [bytes(400)] * first + [b"x"] * 60 + [bytes(300)] * 5

    assert data_of(read(write_pcap(packets))) == packets


def test_many_records_are_walked_over_once_more_in_a_compiled_walk(write_pcap, read) -> None:
    capture = read(write_pcap([(n, n, bytes(n % 7)) for n in range(1, 12_001)]))

    assert capture.records.time_ns.tolist() == [n * 10**9 + n * 1000 for n in range(1, 12_001)]
    assert capture.records.captured_len.tolist() == [n % 7 for n in range(1, 12_001)]
