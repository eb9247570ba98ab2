"""Records of each kind of suite."""

from __future__ import annotations

import hmac

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from analyzer.protocol.tls_suites import (
    SUITES_1_2,
    SUITES_1_3,
    RecordKeys,
    keys_1_2,
    keys_1_3,
    open_1_2,
    open_1_3,
)

HEADER_1_3 = b"\x17\x03\x03\x00\x20"
CBC = SUITES_1_2[0xC013]


def sealed_1_3(keys, number, plain):
    nonce = bytes(a ^ b for a, b in zip(keys.vector, number.to_bytes(12, "big"), strict=True))
    return ChaCha20Poly1305(keys.key).encrypt(nonce, plain, HEADER_1_3)


def test_chacha20_of_tls_1_3_without_its_padding() -> None:
    keys = keys_1_3(SUITES_1_3[0x1303], b"s" * 32)

    assert open_1_3(keys, 3, HEADER_1_3, sealed_1_3(keys, 3, b"said\x17\0\0")) == (23, b"said")
    assert open_1_3(keys, 4, HEADER_1_3, sealed_1_3(keys, 3, b"said\x17")) is None


def test_a_record_of_nothing_but_padding_is_none() -> None:
    keys = keys_1_3(SUITES_1_3[0x1303], b"s" * 32)

    assert open_1_3(keys, 0, HEADER_1_3, sealed_1_3(keys, 0, b"\0\0")) is None


def test_the_mac_may_come_last() -> None:
    """RFC 7366."""
    keys, _ = keys_1_2(CBC, b"m" * 48, b"c" * 32, b"s" * 32, mac_first=False)
    context = Cipher(algorithms.AES(keys.key), modes.CBC(bytes(16))).encryptor()
    sealed = bytes(16) + context.update(b"said" + bytes((11,)) * 12) + context.finalize()
    header = b"\x17\x03\x03\x00\x00"
    mac = hmac.digest(keys.mac_key, bytes(8) + header[:3] + len(sealed).to_bytes(2, "big") + sealed, "sha1")

    assert open_1_2(keys, 0, header, sealed + mac) == b"said"
    assert open_1_2(keys, 1, header, sealed + mac) is None


@pytest.mark.parametrize("suite", dict.fromkeys(SUITES_1_2.values()), ids=str)
@pytest.mark.parametrize("sealed", [b"", b"x" * 7, bytes(64)])
def test_bytes_that_were_not_sealed_so_are_none(suite, sealed) -> None:
    for mac_first in (True, False):
        keys, _ = keys_1_2(suite, b"m" * 48, b"c" * 32, b"s" * 32, mac_first=mac_first)
        assert open_1_2(keys, 0, b"\x17\x03\x03\x00\x00", sealed) is None


def test_the_text_of_keys_names_no_key() -> None:
    assert repr(RecordKeys(CBC, b"secret key", b"")) == "RecordKeys(cbc)"
