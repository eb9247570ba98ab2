"""Names of a connection that other tools understand: Zeek's ``uid`` and the Community ID."""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from ipaddress import IPv6Address

from analyzer.base.table import PROTOCOL_TCP
from analyzer.flow.connection import Endpoint

_BASE_62 = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_DIGIT_OF_BYTE = bytes(_BASE_62[byte % 62] for byte in range(256))

# Zeek writes 96 bits in base 62 (src/UID.h), which takes 17 digits.
_UID_DIGITS = 17


def connection_uids(
    clients: Sequence[Endpoint], servers: Sequence[Endpoint], syn_seqs: Sequence[int | None], first_ns: Sequence[int]
) -> list[str]:
    """Names in the form of Zeek's ``uid``, one a connection: ``C`` and 17 letters and digits.

    The same connection of the same capture always has the same one, whatever else the capture holds.
    """
    facts = zip(clients, servers, syn_seqs, first_ns, strict=True)
    digests = [
        blake2b(f"{client}|{server}|{seq}|{ns}".encode(), digest_size=_UID_DIGITS).digest()
        for client, server, seq, ns in facts
    ]
    digits = b"".join(digests).translate(_DIGIT_OF_BYTE).decode("ascii")
    return ["C" + digits[at : at + _UID_DIGITS] for at in range(0, len(digits), _UID_DIGITS)]


def community_ids(
    clients: Sequence[Endpoint], servers: Sequence[Endpoint], *, protocol: int = PROTOCOL_TCP, seed: int = 0
) -> list[str]:
    """Community IDs v1 (github.com/corelight/community-id-spec), one a connection: the same for both directions."""
    head, middle, ports = seed.to_bytes(2, "big"), bytes((protocol, 0)), struct.Struct(">HH").pack
    digests = []
    for client, server in zip(clients, servers, strict=True):
        ip, port, other_ip, other_port = _packed(client.ip), client.port, _packed(server.ip), server.port
        if ip > other_ip or (ip == other_ip and port > other_port):
            ip, port, other_ip, other_port = other_ip, other_port, ip, port
        data = head + ip + other_ip + middle + ports(port, other_port)
        digests.append(hashlib.sha1(data, usedforsecurity=False).digest())
    # Twenty bytes and one more fill 28 digits; the last of them is what stands for no bits.
    digits = base64.b64encode(b"\0".join([*digests, b""])).decode("ascii")
    return [f"1:{digits[at : at + 27]}=" for at in range(0, len(digits), 28)]


@lru_cache(maxsize=65536)
def _packed(ip: str) -> bytes:
    return IPv6Address(ip).packed if ":" in ip else bytes(map(int, ip.split(".")))
