"""Capture files that were made to break a reader; the names of tests begin with their place in the list of cases."""

import struct

import pytest


@pytest.fixture(scope="module")
def frames(make) -> list[bytes]:
    tap = make.Tap()
    tap.talk().open().ask(make.get()).answer().close()
    return tap.frames


def block(kind: int, body: bytes, *, length: int | None = None, trailer: int | None = None) -> bytes:
    body += bytes(-len(body) % 4)
    size = len(body) + 12
    begin, end = size if length is None else length, size if trailer is None else trailer
    return struct.pack("<II", kind, begin) + body + struct.pack("<I", end)


def interface(options: bytes = b"") -> bytes:
    return block(1, struct.pack("<HHI", 1, 0, 0) + options)


def packets(frames: list[bytes], *, units: int = 1000) -> bytes:
    stamps = [divmod(units + n, 1 << 32) for n in range(len(frames))]
    return b"".join(
        block(6, struct.pack("<IIIII", 0, *stamp, len(each), len(each)) + each)
        for stamp, each in zip(stamps, frames, strict=True)
    )


SECTION = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
SECRETS = block(10, struct.pack("<II", 0x544C534B, 24) + b"CLIENT_RANDOM CANARY key")
NAMES = block(4, b"\1\0\x08\0\x0a\0\0\1host\0\0\0\0" + bytes(4))


def test_a07_more_bytes_than_were_on_the_wire_are_read_and_counted(make, frames, hear) -> None:
    heard = hear(make.Tap().pcap() + b"".join(make.record(each, n, wire_len=10) for n, each in enumerate(frames)))

    assert heard.hosts == ["a.example"]
    assert "8 records hold more bytes than they say were on the wire" in heard.odd


def test_a09_microseconds_beyond_a_second_are_held_back_and_counted(make, frames, hear) -> None:
    parts = [struct.pack("<IIII", 1_700_000_000, 4_000_000_000, len(each), len(each)) + each for each in frames]
    heard = hear(make.Tap().pcap() + b"".join(parts))

    assert (heard.hosts, heard.flows) == (["a.example"], 1)
    assert "8 packets have a time stamp that cannot be" in heard.odd


def test_a10_the_last_second_and_the_last_unit_there_are_can_be_printed(make, frames, hear) -> None:
    late = hear(make.Tap().pcap() + b"".join(make.record(each, seconds=2**32 - 1) for each in frames))
    last = hear(SECTION + interface() + packets(frames, units=2**64 - 9))

    assert late.hosts == last.hosts == ["a.example"]
    assert "time stamp that cannot be" in last.odd


@pytest.mark.parametrize("length", [0, 8, 11, 29, 0xFFFFFFF0])
def test_a12_a_block_length_that_cannot_be_ends_the_capture_and_keeps_what_was_before(frames, hear, length) -> None:
    heard = hear(SECTION + interface() + packets(frames) + block(6, bytes(36), length=length) + packets(frames))

    assert (heard.hosts, heard.flows) == (["a.example"], 1)
    assert "after packet 8: block at byte " in heard.of("capture")[0]["error"]


def test_a13_a_block_that_ends_with_another_length_ends_the_capture(frames, hear) -> None:
    heard = hear(SECTION + interface() + packets(frames) + block(6, bytes(36), trailer=99))

    assert heard.hosts == ["a.example"]
    assert "does not end with its length, but with 99" in heard.of("capture")[0]["error"]


@pytest.mark.parametrize("resolution", [0x7F, 0xFF])
def test_a18b_a_resolution_finer_than_any_clock_divides_nothing_by_zero(frames, hear, resolution: int) -> None:
    heard = hear(SECTION + interface(struct.pack("<HHB3xI", 9, 1, resolution, 0)) + packets(frames))

    assert heard.hosts == ["a.example"]
    assert "8 packets have no time stamp" in heard.odd


def test_a19_blocks_of_other_kinds_are_stepped_over_and_secrets_are_not_told(frames, hear) -> None:
    heard = hear(SECTION + SECRETS + interface() + block(0xBAD, b"x" * 20) + NAMES + packets(frames))

    assert heard.hosts == ["a.example"]
    assert "CANARY" not in str(heard.records)


def test_a20_an_option_that_overruns_its_block_is_ignored(frames, hear) -> None:
    heard = hear(SECTION + interface(struct.pack("<HHI", 9, 60_000, 9)) + packets(frames))

    assert heard.hosts == ["a.example"]


def test_a21_tens_of_thousands_of_interfaces_are_held_to_a_limit(frames, hear) -> None:
    few = hear(SECTION + interface() * 20_000 + packets(frames))
    many = hear(SECTION + interface() * 70_000 + packets(frames))

    assert few.hosts == many.hosts == ["a.example"]
    assert (few.limits, len(many.limits)) == ([], 1)


def test_a23_a_capture_appended_to_another_is_read_on(make, frames, hear) -> None:
    second = make.Tap()
    second.talk(40001).open().ask(make.get("b.example")).answer().close()

    heard = hear(make.Tap().pcap(frames) + second.pcap())

    assert (heard.hosts, heard.flows) == (["a.example", "b.example"], 2)
    assert "1 further capture files are appended to the first" in heard.odd


@pytest.mark.parametrize("link", [147, 8224])
def test_a26_a_link_type_that_is_not_read_is_named(make, frames, hear, link: int) -> None:
    heard = hear(make.Tap(link=link).pcap(frames))

    assert f"link type {link}; expected one of" in heard.of("capture")[0]["error"]
