from ipaddress import IPv4Address, IPv6Address, ip_address

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.address import canonical, format_address, parse_address

addresses = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))


@given(address=addresses)
@settings(max_examples=100, deadline=None)
def test_an_address_survives_the_way_into_the_table_and_back(address: IPv4Address | IPv6Address) -> None:
    mapped = getattr(address, "ipv4_mapped", None)

    text = format_address(*parse_address(str(address)))

    assert ip_address(text) == (mapped or address)


@given(address=addresses)
@settings(max_examples=100, deadline=None)
def test_both_halves_fit_a_signed_column(address: IPv4Address | IPv6Address) -> None:
    halves = np.array(parse_address(str(address)), dtype=np.int64)

    assert format_address(halves[0], halves[1]) == format_address(*halves.view(np.uint64))


def test_an_ipv4_address_is_held_as_an_ipv4_mapped_ipv6_address() -> None:
    assert parse_address("10.96.0.11") == (0, 0xFFFF_0A60_000B)


@pytest.mark.parametrize(
    ("hi", "lo", "text"),
    [
        (0, 0xFFFF_0A60_000B, "10.96.0.11"),
        (0, 1, "::1"),
        (0, 0, "::"),
        (0, 0xFFFF_FFFF_FFFF, "255.255.255.255"),
        (0, 0x1_FFFF_0000_0000, "::1:ffff:0:0"),
        (1, 0xFFFF_0A60_000B, "::1:0:ffff:a60:b"),
        (0x2001_0DB8_0000_0000, 1, "2001:db8::1"),
        (-1, -1, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ],
)
def test_only_the_mapped_prefix_prints_as_ipv4(hi: int, lo: int, text: str) -> None:
    assert format_address(hi, lo) == text


@pytest.mark.parametrize("text", ["", "reviews", "10.0.0", "10.0.0.256", "10.0.0.1/32", "::1::"])
def test_what_is_no_address_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="does not appear to be"):
        parse_address(text)


def test_an_ipv4_mapped_address_of_an_ipv6_packet_prints_as_ipv6() -> None:
    assert format_address(0, 0xFFFF_0A60_000B, version=6) == "::ffff:10.96.0.11"
    assert format_address(0, 1, version=6) == "::1"


@pytest.mark.parametrize(
    ("text", "spelling"),
    [
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("::FFFF:10.0.0.1", "::ffff:10.0.0.1"),
        ("2001:DB8::/32", "2001:DB8::/32"),
        ("10.0.0.1", "10.0.0.1"),
        ("db.example.com", "db.example.com"),
        ("unix:///run/db", "unix:///run/db"),
        ("", ""),
    ],
)
def test_an_address_has_one_spelling_and_other_texts_stay(text: str, spelling: str) -> None:
    assert canonical(text) == spelling
