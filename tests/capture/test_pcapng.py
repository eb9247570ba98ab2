import io

import dpkt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.errors import CaptureError
from analyzer.capture import pcapng as module


def codes(capture) -> list[str]:
    return [oddity.code.name for oddity in capture.oddities]


def test_dpkt_and_we_read_the_same_file(read) -> None:
    file = io.BytesIO()
    writer = dpkt.pcapng.Writer(file)
    for size in range(1, 50):
        writer.writepkt(b"x" * size, 1_700_000_000 + size)

    capture = read(file.getvalue())

    assert capture.format == "pcapng"
    assert capture.records.captured_len.tolist() == list(range(1, 50))
    assert capture.records.time_ns.tolist() == [(1_700_000_000 + size) * 10**9 for size in range(1, 50)]


def test_a_section_has_its_own_order_and_its_own_interfaces(pcapng, read) -> None:
    little, big = pcapng("<"), pcapng(">")
    first = little.section() + little.interface(1) + little.enhanced(b"a")
    second = big.section() + big.interface(101) + big.interface(113) + big.enhanced(b"b", interface=1)

    capture = read(first + second)

    assert [interface.link for interface in capture.interfaces] == [1, 101, 113]
    assert capture.records.interface.tolist() == [0, 2]
    assert capture.records.link.tolist() == [1, 113]


def test_a_section_without_blocks_is_empty(pcapng, read) -> None:
    capture = read(pcapng().section())

    assert (len(capture.records), capture.interfaces, capture.complete) == (0, (), True)


def test_unknown_blocks_are_stepped_over_and_counted(pcapng, read) -> None:
    writer = pcapng()

    capture = read(writer.section() + writer.interface() + writer.block(0x999, b"?") + writer.enhanced(b"a", units=1))

    assert len(capture.records) == 1
    assert codes(capture) == ["unknown-blocks"]


def test_drops_are_taken_from_the_last_statistics_of_each_interface(pcapng, read) -> None:
    writer = pcapng()
    blocks = [
        writer.statistics(writer.option(5, dropped.to_bytes(8, "little")), interface=interface)
        for interface, dropped in ((0, 10), (0, 250), (1, 5))
    ]

    capture = read(writer.section() + writer.interface() * 2 + b"".join(blocks))

    assert list(map(str, capture.oddities)) == [
        "the capture is incomplete: 255 packets were dropped while it was taken, 0 are there"
    ]


def test_a_counter_of_drops_that_wrapped_around_says_nothing(pcapng, read) -> None:
    writer = pcapng()
    counts = writer.option(4, (9).to_bytes(8, "little")) + writer.option(5, (4294965006).to_bytes(8, "little"))

    assert codes(read(writer.section() + writer.interface() + writer.statistics(counts))) == []


@pytest.mark.parametrize(
    ("tail", "error"),
    [
        (b"\x06\0\0\0\0\0\0\0" + bytes(8), "block at byte 68 claims 0 bytes; expected a multiple of 4, at least 12"),
        (
            b"\x06\0\0\0\x1d\0\0\0" + bytes(40),
            "block at byte 68 claims 29 bytes; expected a multiple of 4, at least 12",
        ),
        (b"\x06\0\0\0\xf0\xff\xff\xff" + bytes(8), "block at byte 68 claims 4294967280 bytes; 16 are left in the file"),
        (b"\x06\0\0\0\x0c\0\0\0\x10\0\0\0", "block at byte 68 does not end with its length, but with 16"),
        (b"\x06\0\0\0\x0c", "block at byte 68 is cut; 5 bytes are left in the file, a block has at least 12"),
        (b"\x0a\x0d\x0d\x0a" + bytes(24), "section header's byte order is 00000000; expected 1a2b3c4d or 4d3c2b1a"),
    ],
)
def test_a_broken_block_ends_the_capture_with_what_was_before(pcapng, read, tail: bytes, error: str) -> None:
    writer = pcapng()

    capture = read(writer.section() + writer.interface() + writer.simple(b"x") + tail)

    assert len(capture.records) == 1
    assert not capture.complete
    assert capture.error == f"x.pcap: after packet 1: {error}"


@pytest.mark.parametrize(
    ("header", "error"),
    [
        (b"\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b", "section header's byte order is 4d3c2b"),
        (b"\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a", "section header claims 28 bytes; 12 are left"),
        (
            b"\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a" + bytes(16),
            "section header of 28 bytes does not end with its length",
        ),
    ],
)
def test_a_broken_first_section_header_is_an_error(read, header: bytes, error: str) -> None:
    with pytest.raises(CaptureError, match=f"x.pcap: {error}"):
        read(header)


def test_another_version_is_named(pcapng, read) -> None:
    with pytest.raises(CaptureError, match=r"x.pcap: pcapng version 2\.0; expected 1\.0 to 1\.2"):
        read(pcapng().section(major=2))


def test_interfaces_beyond_the_limit_are_left_out_and_said(pcapng, read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_INTERFACES", 3)
    writer = pcapng()

    capture = read(
        writer.section()
        + writer.interface() * 5
        + writer.enhanced(b"a", interface=2)
        + writer.enhanced(b"b", interface=3)
    )

    assert len(capture.interfaces) == 3
    assert len(capture.records) == 1
    assert "too-many-interfaces" in codes(capture)


def test_sections_beyond_the_limit_are_not_read(pcapng, read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_SECTIONS", 2)

    capture = read(pcapng().section() * 3)

    assert capture.error == "x.pcap: after packet 0: more than 2 sections, the limit"


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(29, 400))
def test_a_cut_capture_is_a_prefix_of_the_whole(pcapng, read, cut: int) -> None:
    writer = pcapng()
    whole = writer.section() + writer.interface() + writer.enhanced(b"1234", units=1) * 9

    capture = read(whole[:cut])

    assert len(capture.records) == max(0, (min(cut, len(whole)) - 48) // 36)
    assert capture.complete == (cut >= len(whole) or (cut >= 48 and (cut - 48) % 36 == 0))
