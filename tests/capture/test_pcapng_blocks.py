import struct

import pytest

from analyzer.capture.pcapng_blocks import (
    MAX_TEXT,
    NO_LINK,
    TLS_KEY_LOG,
    StatisticsBlock,
    read_interface,
    read_secrets,
    read_statistics,
)


@pytest.mark.parametrize(("sign", "order"), [("<", "little"), (">", "big")])
def test_an_interface_says_how_it_counts_time(pcapng, sign: str, order: str) -> None:
    writer = pcapng(sign)
    offset = (3600).to_bytes(8, order)
    options = (
        writer.option(2, b"eth0") + writer.option(3, b"uplink") + writer.option(9, b"\x09") + writer.option(14, offset)
    )

    block = read_interface(memoryview(writer.interface(276, 96, options)), order)

    assert (block.interface.name, block.interface.description) == ("eth0", "uplink")
    assert (block.interface.link, block.interface.snaplen) == (276, 96)
    assert (block.resolution, block.offset_s) == (9, 3600)


def test_without_options_time_is_in_microseconds(pcapng) -> None:
    block = read_interface(memoryview(pcapng().interface()), "little")

    assert (block.resolution, block.offset_s) == (6, 0)


def test_an_option_that_overruns_its_block_is_ignored(pcapng) -> None:
    block = read_interface(memoryview(pcapng().interface(options=b"\x02\0\xff\xffeth0")), "little")

    assert block.interface.name == ""


def test_options_behind_the_end_mark_are_ignored(pcapng) -> None:
    writer = pcapng()

    block = read_interface(
        memoryview(writer.interface(options=writer.option(0, b"") + writer.option(2, b"x"))), "little"
    )

    assert block.interface.name == ""


def test_text_that_is_no_utf8_is_still_text(pcapng) -> None:
    writer = pcapng()

    block = read_interface(memoryview(writer.interface(options=writer.option(2, b"a\xff" + b"x" * 999))), "little")

    assert block.interface.name == "a\ufffd" + "x" * (MAX_TEXT - 2)


def test_a_description_too_short_for_a_link_type_has_none(pcapng) -> None:
    block = read_interface(memoryview(pcapng().block(1, b"\x01\0\0\0")), "little")

    assert block.interface.link == NO_LINK


def test_statistics_add_up_both_kinds_of_drops(pcapng) -> None:
    writer = pcapng()
    counts = [writer.option(code, value.to_bytes(8, "little")) for code, value in ((4, 1000), (5, 200), (7, 50))]

    block = read_statistics(memoryview(writer.statistics(b"".join(counts), interface=3)), "little")

    assert block == StatisticsBlock(3, 1000, 250)


def test_statistics_may_say_nothing_of_drops(pcapng) -> None:
    block = read_statistics(memoryview(pcapng().statistics(b"")), "little")

    assert block == StatisticsBlock(0, None, None)


def test_statistics_that_are_too_short_are_none(pcapng) -> None:
    assert read_statistics(memoryview(pcapng().block(5, b"")), "little") is None


def secrets_block(kind, said, *, claimed=None):
    size = len(said) if claimed is None else claimed
    body = struct.pack("<II", kind, size) + said + bytes(-len(said) % 4)
    length = struct.pack("<I", len(body) + 12)
    return memoryview(struct.pack("<I", 10) + length + body + length)


def test_a_tls_key_log_is_read_without_its_padding() -> None:
    assert read_secrets(secrets_block(TLS_KEY_LOG, b"CLIENT"), "little") == b"CLIENT"


def test_other_secrets_and_lengths_that_cannot_be_are_none() -> None:
    assert read_secrets(secrets_block(0x57474B4C, b"WireGuard"), "little") == b""
    assert read_secrets(secrets_block(TLS_KEY_LOG, b"CLIENT", claimed=99), "little") == b""
    assert read_secrets(memoryview(struct.pack("<III", 10, 12, 12)), "little") == b""
