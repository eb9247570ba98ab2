import pytest

from analyzer.base.table import BAD_HEADER, DECODED, NOT_IP


@pytest.mark.parametrize("link", [9, 50])
@pytest.mark.parametrize("prefix", [b"", b"\xff\x03"])
def test_address_and_control_may_be_left_out(decode, http_packet: bytes, link: int, prefix: bytes) -> None:
    packets = decode(link, prefix + b"\x00\x21" + http_packet)

    assert (packets.fate.tolist(), packets.dst_port.tolist()) == ([DECODED], [9080])


def test_a_protocol_may_be_compressed(decode, http_packet: bytes) -> None:
    assert decode(9, b"\x21" + http_packet, b"\xff\x03\x21" + http_packet).fate.tolist() == [DECODED, DECODED]


def test_control_protocols_are_not_ip(decode) -> None:
    assert decode(9, b"\xff\x03\xc0\x21" + bytes(20)).fate.tolist() == [NOT_IP]


@pytest.mark.parametrize("frame", [b"\xff", b"\xff\x03\x00"])
def test_a_frame_without_a_protocol_is_bad(decode, frame: bytes) -> None:
    assert decode(9, frame).fate.tolist() == [BAD_HEADER]
