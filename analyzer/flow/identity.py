"""Names of a connection that other tools understand: Zeek's ``uid`` and the Community ID."""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from ipaddress import ip_address

import numpy as np

from analyzer.base.table import PROTOCOL_TCP, U8
from analyzer.flow.fields import Endpoints, Names

_BASE_62 = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_DIGIT_OF_BYTE = bytes(_BASE_62[byte % 62] for byte in range(256))

# Zeek writes 96 bits in base 62 (src/UID.h), which takes 17 digits.
_UID_DIGITS = 17
# As many digits of base 64 as a SHA-1 digest takes, with what fills them up.
_ID_DIGITS = 28


def connection_uids(
    clients: Endpoints, servers: Endpoints, syn_seqs: Sequence[int | None], first_ns: Sequence[int]
) -> Names:
    """Names in the form of Zeek's ``uid``, one a connection: ``C`` and 17 letters and digits.

    The same connection of the same capture always has the same one, whatever else the capture holds.
    """
    facts = zip(clients.texts(), servers.texts(), syn_seqs, first_ns, strict=True)
    digests = [
        blake2b(f"{client}|{server}|{seq}|{ns}".encode(), digest_size=_UID_DIGITS).digest()
        for client, server, seq, ns in facts
    ]
    digits = b"".join(digests).translate(_DIGIT_OF_BYTE)
    return _names(b"C", np.frombuffer(digits, np.uint8).reshape(-1, _UID_DIGITS))


def community_ids(clients: Endpoints, servers: Endpoints, *, protocol: int = PROTOCOL_TCP, seed: int = 0) -> Names:
    """Community IDs v1 (github.com/corelight/community-id-spec), one a connection: the same for both directions."""
    head, middle = seed.to_bytes(2, "big"), bytes((protocol, 0))
    digests = []
    for one, other in zip(_packed(clients), _packed(servers), strict=True):
        (ip, port), (other_ip, other_port) = (one, other) if one <= other else (other, one)
        data = b"".join((head, ip, other_ip, middle, port, other_port))
        digests.append(hashlib.sha1(data, usedforsecurity=False).digest())
    # Twenty bytes and one more fill 28 digits; the last of them is what stands for no bits.
    filled = bytearray(base64.b64encode(b"\0".join([*digests, b""])))
    digits = np.frombuffer(filled, np.uint8).reshape(-1, _ID_DIGITS)
    digits[:, -1] = ord("=")
    return _names(b"1:", digits)


def _packed(endpoints: Endpoints) -> Iterator[tuple[bytes, bytes]]:
    """The addresses and the ports as they are on the wire."""
    ips = [ip_address(ip).packed for ip in endpoints.ips.values]
    ports = map(struct.Struct(">H").pack, endpoints.ports.tolist())
    return zip(map(ips.__getitem__, endpoints.ips.codes.tolist()), ports, strict=True)


def _names(before: bytes, digits: U8) -> Names:
    """Names that all begin alike, each with the digits of a row."""
    rows = np.empty((len(digits), len(before) + digits.shape[1]), np.uint8)
    rows[:, : len(before)] = np.frombuffer(before, np.uint8)
    rows[:, len(before) :] = digits
    return Names(rows.view(f"S{rows.shape[1]}").reshape(-1))
