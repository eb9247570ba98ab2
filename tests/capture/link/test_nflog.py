import struct

import pytest

from analyzer.base.table import BAD_HEADER, CUT_HEADER, DECODED, NOT_IP

LINK = 239


def attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("<HH", len(value) + 4, kind) + value + bytes(-len(value) % 4)


def test_the_payload_attribute_holds_the_packet(decode, http_packet: bytes) -> None:
    record = b"\x02\0\0\0" + attribute(1, b"\x08\0\0\0") + attribute(10, b"odd") + attribute(9, http_packet)

    packets = decode(LINK, record)

    assert (packets.fate.tolist(), packets.payload_len.tolist()) == ([DECODED], [3])


def test_records_of_different_shapes_are_read_together(decode, http_packet: bytes) -> None:
    short = b"\x02\0\0\0" + attribute(9, http_packet)
    long = b"\x02\0\0\0" + attribute(1, b"\x08\0\0\0") * 3 + attribute(9, http_packet)

    assert decode(LINK, long, short).fate.tolist() == [DECODED, DECODED]


def test_another_family_is_not_ip(decode) -> None:
    assert decode(LINK, b"\x07\0\0\0" + attribute(9, bytes(40))).fate.tolist() == [NOT_IP]


@pytest.mark.parametrize("attributes", [b"", b"\x03\0\x01\0", attribute(1, b"") * 40])
def test_a_record_without_a_packet_is_bad(decode, attributes: bytes) -> None:
    assert decode(LINK, b"\x02\0\0\0" + attributes).fate.tolist() == [BAD_HEADER]


def test_a_record_cut_before_its_packet_is_cut(decode) -> None:
    assert decode(LINK, (1, 0, b"\x02\0\0\0" + attribute(1, b"\x08\0\0\0"), 100)).fate.tolist() == [CUT_HEADER]
