from analyzer.base.table import BAD_HEADER, DECODED, NOT_IP

LINK = 104


def test_the_ethertype_leads_to_ip(decode, http_packet: bytes) -> None:
    assert decode(LINK, b"\x0f\x00\x08\x00" + http_packet).fate.tolist() == [DECODED]


def test_keep_alives_are_not_ip(decode) -> None:
    assert decode(LINK, b"\x8f\x00\x80\x35" + bytes(18)).fate.tolist() == [NOT_IP]


def test_a_frame_too_short_is_bad(decode) -> None:
    assert decode(LINK, b"\x0f\x00").fate.tolist() == [BAD_HEADER]
