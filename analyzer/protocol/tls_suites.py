"""The cipher suites that a key log can open, and how a record of each is opened.

IANA "TLS Cipher Suites"; RFC 8446 section 5.2 (TLS 1.3), RFC 5288 (GCM), RFC 7905 (ChaCha20), RFC 5246 section 6.2.3.2
(CBC, MAC first) and RFC 7366 (CBC, MAC last).
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple

from analyzer.protocol.crypto import TAG_LEN, aes_cbc, expand_label, open_aes_gcm, open_chacha20, prf

_TLS_1_2 = 0x0303
_NONCE_LEN, _SALT_LEN, _BLOCK_LEN = 12, 4, 16


class Sealing(Enum):
    """How a suite protects records."""

    GCM = "gcm"
    CHACHA20 = "chacha20"
    CBC = "cbc"


class Suite(NamedTuple):
    """``hash_name`` is for deriving keys, ``mac_name`` for the MAC of records; empty where sealing has its own."""

    sealing: Sealing
    key_len: int
    hash_name: str
    mac_name: str = ""


class RecordKeys(NamedTuple):
    """What opens the records of one direction. ``mac_first``: the MAC is inside of what is encrypted."""

    suite: Suite
    key: bytes
    vector: bytes
    mac_key: bytes = b""
    mac_first: bool = True

    def __repr__(self) -> str:
        return f"RecordKeys({self.suite.sealing.value})"


_GCM_128, _GCM_256 = Suite(Sealing.GCM, 16, "sha256"), Suite(Sealing.GCM, 32, "sha384")
_CHACHA20 = Suite(Sealing.CHACHA20, 32, "sha256")
_CBC_128, _CBC_256 = Suite(Sealing.CBC, 16, "sha256", "sha1"), Suite(Sealing.CBC, 32, "sha256", "sha1")
_CBC_128_256, _CBC_256_256 = Suite(Sealing.CBC, 16, "sha256", "sha256"), Suite(Sealing.CBC, 32, "sha256", "sha256")
_CBC_256_384 = Suite(Sealing.CBC, 32, "sha384", "sha384")

SUITES_1_3: Mapping[int, Suite] = MappingProxyType({0x1301: _GCM_128, 0x1302: _GCM_256, 0x1303: _CHACHA20})
SUITES_1_2: Mapping[int, Suite] = MappingProxyType(
    {
        **dict.fromkeys((0x009C, 0x009E, 0xC02B, 0xC02F), _GCM_128),
        **dict.fromkeys((0x009D, 0x009F, 0xC02C, 0xC030), _GCM_256),
        **dict.fromkeys((0xCCA8, 0xCCA9, 0xCCAA), _CHACHA20),
        **dict.fromkeys((0x002F, 0x0033, 0xC009, 0xC013), _CBC_128),
        **dict.fromkeys((0x0035, 0x0039, 0xC00A, 0xC014), _CBC_256),
        **dict.fromkeys((0x003C, 0x0067, 0xC023, 0xC027), _CBC_128_256),
        **dict.fromkeys((0x003D, 0x006B), _CBC_256_256),
        **dict.fromkeys((0xC024, 0xC028), _CBC_256_384),
    }
)
_MAC_LENGTHS = MappingProxyType({"": 0, "sha1": 20, "sha256": 32, "sha384": 48})


def keys_1_3(suite: Suite, secret: bytes) -> RecordKeys:
    """The keys of a traffic secret (RFC 8446 section 7.3)."""
    key = expand_label(secret, "key", suite.key_len, suite.hash_name)
    return RecordKeys(suite, key, expand_label(secret, "iv", _NONCE_LEN, suite.hash_name))


def keys_1_2(
    suite: Suite, master: bytes, client_random: bytes, server_random: bytes, *, mac_first: bool
) -> tuple[RecordKeys, RecordKeys]:
    """The client's and the server's keys of a master secret (RFC 5246 section 6.3)."""
    mac_len = _MAC_LENGTHS[suite.mac_name]
    vector_len = {Sealing.GCM: _SALT_LEN, Sealing.CHACHA20: _NONCE_LEN, Sealing.CBC: 0}[suite.sealing]
    sizes = (mac_len, mac_len, suite.key_len, suite.key_len, vector_len, vector_len)
    block = prf(master, b"key expansion", server_random + client_random, sum(sizes), suite.hash_name)
    parts, at = [], 0
    for size in sizes:
        parts.append(block[at : at + size])
        at += size
    return (
        RecordKeys(suite, parts[2], parts[4], parts[0], mac_first),
        RecordKeys(suite, parts[3], parts[5], parts[1], mac_first),
    )


def open_1_3(keys: RecordKeys, number: int, header: bytes, sealed: bytes) -> tuple[int, bytes] | None:
    """The type and the content of a record of TLS 1.3, without its padding; None where the keys do not fit."""
    opener = open_chacha20 if keys.suite.sealing is Sealing.CHACHA20 else open_aes_gcm
    plain = opener(keys.key, _nonce(keys.vector, number), sealed, header)
    stripped = plain.rstrip(b"\0") if plain else b""
    return (stripped[-1], stripped[:-1]) if stripped else None


def open_1_2(keys: RecordKeys, number: int, header: bytes, sealed: bytes) -> bytes | None:
    """The content of a record of TLS 1.2; None where the keys do not fit."""
    if keys.suite.sealing is Sealing.CBC:
        return _open_cbc(keys, number, header, sealed)
    if keys.suite.sealing is Sealing.CHACHA20:
        associated = _associated(number, header, len(sealed) - TAG_LEN)
        return open_chacha20(keys.key, _nonce(keys.vector, number), sealed, associated)
    explicit, sealed = sealed[:8], sealed[8:]
    return open_aes_gcm(keys.key, keys.vector + explicit, sealed, _associated(number, header, len(sealed) - TAG_LEN))


def _nonce(vector: bytes, number: int) -> bytes:
    return bytes(a ^ b for a, b in zip(vector, number.to_bytes(_NONCE_LEN, "big"), strict=True))


def _associated(number: int, header: bytes, size: int) -> bytes:
    return number.to_bytes(8, "big") + header[:3] + max(size, 0).to_bytes(2, "big")


def _open_cbc(keys: RecordKeys, number: int, header: bytes, sealed: bytes) -> bytes | None:
    size = _MAC_LENGTHS[keys.suite.mac_name]
    if not keys.mac_first:
        sealed, mac = sealed[:-size], sealed[-size:]
        if not _is_mac(keys, _associated(number, header, len(sealed)) + sealed, mac):
            return None
    plain = aes_cbc(keys.key, sealed[:_BLOCK_LEN], sealed[_BLOCK_LEN:])
    if not plain or plain[-1] >= len(plain):
        return None
    plain = plain[: -1 - plain[-1]]
    if not keys.mac_first:
        return plain
    plain, mac = plain[:-size], plain[-size:]
    return plain if _is_mac(keys, _associated(number, header, len(plain)) + plain, mac) else None


def _is_mac(keys: RecordKeys, said: bytes, mac: bytes) -> bool:
    return hmac.compare_digest(hmac.digest(keys.mac_key, said, keys.suite.mac_name), mac)
