import struct

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether

from analyzer.base.table import BAD_HEADER, DECODED, UNKNOWN_LINK

LINK = 258


def header(link: int, length: int = 156) -> bytes:
    return struct.pack("<III", length, 1, link) + bytes(144)


def test_the_frame_is_of_the_link_type_that_the_header_names(decode) -> None:
    assert decode(LINK, header(1) + bytes(Ether() / IP() / TCP()), header(12) + bytes(IP() / TCP())).fate.tolist() == [
        DECODED,
        DECODED,
    ]


def test_a_link_type_that_we_do_not_decode_is_unknown(decode) -> None:
    assert decode(LINK, header(147) + bytes(40)).fate.tolist() == [UNKNOWN_LINK]


@pytest.mark.parametrize("record", [header(1, length=11), bytes(4), header(LINK, length=12) * 2])
def test_a_header_that_cannot_be_is_bad(decode, record: bytes) -> None:
    assert decode(LINK, record).fate.tolist() == [BAD_HEADER]
