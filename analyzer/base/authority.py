"""Addresses as a URI's authority has them."""

from __future__ import annotations


def uri_host(name: str) -> str:
    """A name or an address as a host: IPv6 addresses stand in brackets (RFC 3986, section 3.2.2)."""
    return f"[{name}]" if ":" in name else name
