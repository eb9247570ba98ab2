import pytest

KINDS = ["enhanced", "old", "simple"]


@pytest.mark.parametrize("sign", ["<", ">"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_block_brings_its_packet(pcapng, read, sign: str, kind: str) -> None:
    writer = pcapng(sign)

    capture = read(writer.section() + writer.interface(101) + getattr(writer, kind)(b"E....") + writer.simple(b"z"))

    begin = int(capture.records.data_off[0])
    assert bytes(capture.buffer[begin : begin + 5]) == b"E...."
    assert capture.records.captured_len.tolist() == [5, 1]
    assert capture.records.wire_len.tolist() == [5, 1]
    assert capture.records.link.tolist() == [101, 101]


def test_packets_keep_the_order_of_their_blocks(pcapng, read) -> None:
    writer = pcapng()
    blocks = [writer.simple(b"1"), writer.enhanced(b"22"), writer.old(b"333"), writer.simple(b"4444")]

    capture = read(writer.section() + writer.interface() + b"".join(blocks))

    assert capture.records.captured_len.tolist() == [1, 2, 3, 4]


def test_a_packet_has_the_time_of_its_interface(pcapng, read) -> None:
    writer = pcapng()
    described = writer.interface() + writer.interface(options=writer.option(9, b"\x09"))

    capture = read(
        writer.section() + described + writer.enhanced(b"a", units=7) + writer.enhanced(b"b", interface=1, units=7)
    )

    assert capture.records.time_ns.tolist() == [7000, 7]


def test_a_simple_block_is_bounded_by_the_snap_length(pcapng, read) -> None:
    writer = pcapng()

    capture = read(writer.section() + writer.interface(snaplen=4) + writer.simple(b"abcd", wire_len=1000))

    assert (capture.records.captured_len.tolist(), capture.records.wire_len.tolist()) == ([4], [1000])


def test_a_simple_block_has_no_time_even_where_the_interface_has_an_offset(pcapng, read) -> None:
    writer = pcapng()
    offset = writer.option(14, (3600).to_bytes(8, "little"))

    capture = read(writer.section() + writer.interface(options=offset) + writer.simple(b"a"))

    assert capture.records.time_ns.tolist() == [0]


@pytest.mark.parametrize("claimed", [9, 0xFFFF_FFFF])
def test_a_block_that_claims_more_than_it_has_is_left_out(pcapng, read, claimed: int) -> None:
    writer = pcapng()

    capture = read(
        writer.section() + writer.interface() + writer.enhanced(b"8 bytes.", claimed=claimed) + writer.simple(b"z")
    )

    assert capture.records.captured_len.tolist() == [1]
    assert "1 packet blocks claim more bytes than they have" in map(str, capture.oddities)


@pytest.mark.parametrize("kind", [2, 3, 6])
def test_a_block_too_short_for_its_fields_is_left_out(pcapng, read, kind: int) -> None:
    writer = pcapng()

    capture = read(writer.section() + writer.interface() + writer.block(kind, b""))

    assert len(capture.records) == 0
    assert capture.complete


def test_packets_that_are_read_in_rounds_have_the_interfaces_described_before(pcapng, read, monkeypatch) -> None:
    monkeypatch.setattr("analyzer.capture.records.FIRST_ROUND", 2)
    monkeypatch.setattr("analyzer.capture.records.MAX_ROUND", 2)
    writer = pcapng()
    early = [writer.enhanced(b"a"), writer.enhanced(b"b", interface=1), writer.enhanced(b"c")]
    late = [writer.enhanced(b"d", interface=1), writer.enhanced(b"e", interface=2), writer.enhanced(b"f")]

    capture = read(writer.section() + writer.interface(1) + b"".join([*early, writer.interface(101), *late]))

    assert capture.records.interface.tolist() == [0, 0, 1, 0]
    assert capture.records.link.tolist() == [1, 1, 101, 1]
    assert [(oddity.code.name, oddity.values["count"]) for oddity in capture.oddities] == [
        ("unknown-interface", 2), ("no-timestamp", 4)
    ]  # fmt: skip


def test_a_packet_of_an_interface_that_comes_later_is_left_out(pcapng, read) -> None:
    writer = pcapng()

    capture = read(
        writer.section() + writer.simple(b"too early") + writer.interface() + writer.enhanced(b"x", interface=7)
    )

    assert len(capture.records) == 0
    assert "2 packet blocks name an interface that the file does not describe" in map(str, capture.oddities)
