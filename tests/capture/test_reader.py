import gzip
import io
import os
import random
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.errors import CaptureError
from analyzer.capture import reader as module
from analyzer.capture.reader import READERS, read_capture, read_capture_bytes

# Captures that are not read to the end, or not at all, by the letter and number of their case.
UNREADABLE = {"A01", "A03", "A26", "A27", "A28"}
INCOMPLETE = {"A04", "A05", "A06", "A12e", "A12o", "A12z", "A22b", "A22c"}


def outcome(data: bytes) -> str:
    """What reading gives, in one line: the error, or the name and number of packets."""
    try:
        return f"x.pcap: {len(read_capture_bytes(data, name='x.pcap').records)}"
    except CaptureError as error:
        return str(error)


def test_a_file_is_read(tmp_path: Path, write_pcap) -> None:
    (tmp_path / "x.pcap").write_bytes(write_pcap([b"a", b"bc"]))

    capture = read_capture(tmp_path / "x.pcap", name="mine")

    assert (capture.name, capture.format, len(capture.records)) == ("mine", "pcap", 2)


def test_a_large_file_is_mapped_and_read_alike(tmp_path: Path, write_pcap, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.pcap").write_bytes(write_pcap([b"a", b"bc"]))
    small = read_capture(tmp_path / "x.pcap", name="x")
    monkeypatch.setattr(module, "MAPPED_FROM", 1)

    mapped = read_capture(tmp_path / "x.pcap", name="x")

    assert bytes(mapped.buffer) == bytes(small.buffer)
    assert mapped.records.data_off.tolist() == small.records.data_off.tolist()


@pytest.mark.parametrize("size", [0, 1])
def test_an_empty_file_is_an_error_however_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    (tmp_path / "x.pcap").write_bytes(b"")
    monkeypatch.setattr(module, "MAPPED_FROM", size)

    with pytest.raises(CaptureError, match=r"^x\.pcap: .+empty"):
        read_capture(tmp_path / "x.pcap", name="x.pcap")


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match=r"^x\.pcap: no such file or directory; expected a capture file$"):
        read_capture(tmp_path / "x.pcap", name="x.pcap")


def test_a_path_with_a_zero_byte_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match=r"^x: embedded null byte"):
        read_capture(tmp_path / "a\0b", name="x")


def test_a_link_to_itself_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "loop.pcap").symlink_to(tmp_path / "loop.pcap")

    with pytest.raises(CaptureError, match="too many levels of symbolic links"):
        read_capture(tmp_path / "loop.pcap", name="loop.pcap")


def test_a_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match=r"^x: is a directory; expected a capture file$"):
        read_capture(tmp_path, name="x")


def test_a_pipe_without_a_writer_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(CaptureError, match="a pipe; expected a file"):
        read_capture(tmp_path / "pipe", name="x")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no /dev/zero")
def test_a_device_without_end_is_not_read() -> None:
    with pytest.raises(CaptureError, match="a device; expected a file"):
        read_capture(Path("/dev/zero"), name="x")


def test_standard_input_is_read(write_pcap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(write_pcap([b"a"]))))

    assert len(read_capture(None, name="stdin").records) == 1


def test_more_on_standard_input_than_fits_is_an_error(write_pcap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(write_pcap([b"a"]))))
    monkeypatch.setattr(module, "MAX_EXPANDED", 30)

    with pytest.raises(CaptureError, match=r"^stdin: more than 30 bytes on standard input"):
        read_capture(None, name="stdin")


def test_a_closed_standard_input_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)

    with pytest.raises(CaptureError, match=r"^stdin: standard input is closed"):
        read_capture(None, name="stdin")


@pytest.mark.parametrize(
    "data", [b"\x7fELF\x02\x01\x01", b"apiVersion: v1\n", b"\xd4\xc3\xb2", gzip.compress(b"a tar file", mtime=0)]
)
def test_what_is_no_capture_is_an_error(read, data: bytes) -> None:
    with pytest.raises(CaptureError, match=r"^x\.pcap: not a capture: it begins with .*; expected pcap or pcapng$"):
        read(data)


def test_a_saved_run_is_told_by_what_it_is(read) -> None:
    with pytest.raises(CaptureError, match=r"^x\.pcap: a saved run, not a capture; explain, report, whatif and diff"):
        read(b"SQLite format 3\0")


def test_a_compressed_capture_is_named_after_both_formats(read, write_pcap) -> None:
    capture = read(gzip.compress(write_pcap([b"a"], magic=0xA1B23C4D)))

    assert (capture.format, capture.complete, len(capture.records)) == ("pcap-ns+gzip", True, 1)


def test_a_compressed_capture_that_breaks_off_says_so(read, write_pcap) -> None:
    whole = gzip.compress(write_pcap([random.Random(1).randbytes(1000)] * 5))

    capture = read(whole[:-20])

    assert len(capture.records) == 5 or not capture.complete
    assert capture.error == f"x.pcap: after packet {len(capture.records)}: gzip data ends in the middle"


def test_a_capture_beyond_the_ceiling_is_read_up_to_it(read, write_pcap, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("analyzer.capture.compression.FREE_BYTES", 1000)

    capture = read(gzip.compress(write_pcap([(0, 0, b"")] * 100_000)))

    assert 0 < len(capture.records) < 100_000
    assert "expands to more than" in (capture.error or "")
    assert capture.oddities[-1].code.name == "decompression-limit"


def test_damage_from_the_first_byte_on_is_an_error(read) -> None:
    with pytest.raises(CaptureError, match=r"^x\.pcap: gzip data is damaged"):
        read(b"\x1f\x8b" + b"\xff" * 40)


def test_a_capture_of_unsupported_link_types_only_is_an_error(read, write_pcap) -> None:
    with pytest.raises(CaptureError, match=r"^x\.pcap: link type 147; expected one of 0 NULL, 1 ETHERNET, "):
        read(write_pcap([b"a"], link=147))


def test_an_unsupported_link_type_beside_others_is_counted(pcapng, read) -> None:
    writer = pcapng()
    described = writer.interface(147) + writer.interface(1) + writer.interface(148)

    capture = read(writer.section() + described + writer.enhanced(b"a", interface=1) + writer.enhanced(b"b", units=1))

    assert [str(oddity) for oddity in capture.oddities if oddity.code.name == "unsupported-link-type"] == [
        "x.pcap: packet 2: 1 packets have link type 147, which is not decoded",
        "0 packets have link type 148, which is not decoded",
    ]


def test_readers_are_known_by_four_bytes() -> None:
    assert {len(magic) for magic in READERS} == {4}
    assert len(READERS) == 7


@settings(max_examples=100, deadline=None)
@given(head=st.sampled_from([b"", *READERS, b"\x1f\x8b", b"BZh9"]), noise=st.binary(max_size=100))
def test_no_bytes_make_it_raise_anything_else(head: bytes, noise: bytes) -> None:
    said = outcome(head + noise)

    assert said.startswith("x.pcap: ")
    assert "\n" not in said


@settings(max_examples=100, deadline=None)
@given(at=st.integers(0, 500), value=st.binary(min_size=1, max_size=4), modern=st.booleans())
def test_no_damage_makes_it_raise_anything_else(
    write_pcap, pcapng, http_packet: bytes, at: int, value: bytes, modern: bool
) -> None:
    writer = pcapng()
    new = writer.section() + writer.interface(101) + writer.enhanced(http_packet, units=1) * 5
    data = bytearray(new if modern else write_pcap([http_packet] * 5, link=101))
    data[at : at + len(value)] = value

    try:
        capture = read_capture_bytes(bytes(data), name="x.pcap")
    except CaptureError:
        return

    assert capture.complete == (capture.error is None)
    assert (capture.records.data_off + capture.records.captured_len <= len(capture.buffer)).all()


def test_hostile_captures_are_read_as_far_as_they_can_be(shared: Path) -> None:
    outcomes = {}
    for path in sorted((shared / "adversarial").glob("[AB]*")):
        try:
            outcomes[path.name.partition("-")[0]] = read_capture(path, name=path.name).complete
        except CaptureError:
            outcomes[path.name.partition("-")[0]] = None

    assert {case for case, complete in outcomes.items() if complete is None} == UNREADABLE
    assert {case for case, complete in outcomes.items() if complete is False} == INCOMPLETE


def test_every_recorded_capture_is_read_to_its_end(shared: Path) -> None:
    files = sorted((shared / "worlds").glob("*/pods/*.pcap"))

    captures = [read_capture(path, name=path.name) for path in files]

    assert captures
    assert [capture.error for capture in captures if not capture.complete] == []
