"""Names of a connection that other tools understand: Zeek's ``uid`` and the Community ID."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from ipaddress import IPv6Address

from analyzer.base.table import PROTOCOL_TCP
from analyzer.flow.connection import Endpoint

_BASE_62 = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_DIGIT_OF_BYTE = bytes(_BASE_62[byte % 62] for byte in range(256))

# Zeek writes 96 bits in base 62 (src/UID.h), which takes 17 digits.
_UID_DIGITS = 17


def connection_uid(client: Endpoint, server: Endpoint, syn_seq: int | None, first_ns: int) -> str:
    """A name in the form of Zeek's ``uid``: ``C`` and 17 letters and digits.

    The same connection of the same capture always has the same one, whatever else the capture holds.
    """
    facts = f"{client}|{server}|{syn_seq}|{first_ns}".encode()
    digest = hashlib.blake2b(facts, digest_size=_UID_DIGITS).digest()
    return "C" + digest.translate(_DIGIT_OF_BYTE).decode("ascii")


def community_id(client: Endpoint, server: Endpoint, *, protocol: int = PROTOCOL_TCP, seed: int = 0) -> str:
    """The Community ID v1 (github.com/corelight/community-id-spec): the same for both directions."""
    ends = sorted([(_packed(client.ip), client.port), (_packed(server.ip), server.port)])
    data = seed.to_bytes(2, "big") + ends[0][0] + ends[1][0] + bytes((protocol, 0))
    data += ends[0][1].to_bytes(2, "big") + ends[1][1].to_bytes(2, "big")
    return "1:" + base64.b64encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode("ascii")


@lru_cache(maxsize=65536)
def _packed(ip: str) -> bytes:
    return IPv6Address(ip).packed if ":" in ip else bytes(map(int, ip.split(".")))
