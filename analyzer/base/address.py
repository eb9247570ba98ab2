"""Addresses as the tables hold them (two int64 halves) and as people write them."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from analyzer.base.table import IPV4_MAPPED_PREFIX

_LOW_64 = 0xFFFF_FFFF_FFFF_FFFF


@lru_cache(maxsize=65536)
def format_address(hi: int, lo: int, *, version: int = 4) -> str:
    """The text of an address from its two halves (signed or not).

    IPv4-mapped addresses print as IPv4; those of an IPv6 packet, which has ``version`` 6, as RFC 5952 section 5 says.
    """
    hi, lo = int(hi) & _LOW_64, int(lo) & _LOW_64
    if hi == 0 and lo >> 32 == IPV4_MAPPED_PREFIX >> 32:
        return ("::ffff:" if version == 6 else "") + str(IPv4Address(lo & 0xFFFF_FFFF))
    return str(IPv6Address(hi << 64 | lo))


def parse_address(text: str) -> tuple[int, int]:
    """The two halves of an address as int64; raises ValueError when ``text`` is not an address."""
    address = ip_address(text)
    value = int(address) | (IPV4_MAPPED_PREFIX if address.version == 4 else 0)
    return _signed(value >> 64), _signed(value & _LOW_64)


def canonical(text: str) -> str:
    """An address in the one spelling that packets are told in (RFC 5952); any other text as it is."""
    try:
        return format_address(*parse_address(text), version=6) if ":" in text else text
    except ValueError:
        return text


def _signed(half: int) -> int:
    return half - (1 << 64) if half >> 63 else half
