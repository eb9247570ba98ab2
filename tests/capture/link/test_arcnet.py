import pytest

from analyzer.base.table import BAD_HEADER, DECODED, NOT_IP

LINUX, BSD = 129, 7
HEADS = {LINUX: b"\x01\x02\x00\x08", BSD: b"\x01\x02"}


@pytest.mark.parametrize("link", [LINUX, BSD])
@pytest.mark.parametrize("system", [b"\xf0", b"\xd4\x00\x00\x07", b"\xd4\xff\xff\xff\xd4\x00\x00\x07"])
def test_ip_is_found_behind_either_encoding(decode, http_packet: bytes, link: int, system: bytes) -> None:
    packets = decode(link, HEADS[link] + system + http_packet)

    assert (packets.fate.tolist(), packets.dst_port.tolist()) == ([DECODED], [9080])


def test_frames_of_both_encodings_may_stand_side_by_side(decode, http_packet: bytes) -> None:
    systems = (b"\xd4\x00\x00\x07", b"\xf0", b"\xd5\x00\x00\x07")

    packets = decode(LINUX, *[HEADS[LINUX] + system + http_packet for system in systems])

    assert packets.fate.tolist() == [DECODED, DECODED, NOT_IP]


def test_a_part_of_a_cut_packet_is_no_packet(decode, http_packet: bytes) -> None:
    assert decode(LINUX, HEADS[LINUX] + b"\xd4\x01\x00\x07" + http_packet).fate.tolist() == [NOT_IP]


def test_a_frame_too_short_is_bad(decode) -> None:
    assert decode(LINUX, b"\x01\x02\x00\x08", HEADS[LINUX] + b"\xd4\x00").fate.tolist() == [BAD_HEADER] * 2
