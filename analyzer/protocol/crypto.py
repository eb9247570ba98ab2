"""The door to ``cryptography``: opening what TLS and QUIC sealed, with keys that are known.

The package is the extra ``crypto`` and is imported where something is to be opened. Keys are derived with the standard
library: HKDF (RFC 5869), the labels of TLS 1.3 (RFC 8446 section 7.1), the PRF of TLS 1.2 (RFC 5246 section 5).
"""

from __future__ import annotations

import hashlib
import hmac
import importlib.util
from functools import lru_cache

from analyzer.base.errors import UsageError

TAG_LEN = 16
_BLOCK_LEN = 16
_MISSING = "the package cryptography is not here; install it with: pip install 'meshverdict[crypto]'"


def can_open() -> bool:
    """Whether the package is installed."""
    return importlib.util.find_spec("cryptography") is not None


def require_crypto(asked_by: str) -> None:
    """Raise ``UsageError`` that says how to get the package, where it is missing."""
    if not can_open():
        raise UsageError(f"{asked_by}: {_MISSING}")


def open_aes_gcm(key: bytes, nonce: bytes, sealed: bytes, associated: bytes) -> bytes | None:
    """The plaintext (RFC 5116), None where the key does not fit or bytes were changed."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return _opened(AESGCM(key), nonce, sealed, associated)


def open_chacha20(key: bytes, nonce: bytes, sealed: bytes, associated: bytes) -> bytes | None:
    """The plaintext of ChaCha20-Poly1305 (RFC 8439), None where the key does not fit or bytes were changed."""
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    return _opened(ChaCha20Poly1305(key), nonce, sealed, associated)


def _opened(cipher: object, nonce: bytes, sealed: bytes, associated: bytes) -> bytes | None:
    from cryptography.exceptions import InvalidTag

    try:
        plain: bytes = cipher.decrypt(nonce, sealed, associated)  # type: ignore[attr-defined]
    except (InvalidTag, ValueError):
        return None
    return plain


def aes_cbc(key: bytes, vector: bytes, sealed: bytes) -> bytes | None:
    """AES-CBC decrypted, with its padding; None where that is no whole number of blocks."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    if not sealed or len(sealed) % _BLOCK_LEN or len(vector) != _BLOCK_LEN:
        return None
    context = Cipher(algorithms.AES(key), modes.CBC(vector)).decryptor()
    return bytes(context.update(sealed) + context.finalize())


def aes_block(key: bytes, block: bytes) -> bytes:
    """One block of 16 bytes encrypted by itself, as QUIC masks its headers (RFC 9001 section 5.4.3)."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    context = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return bytes(context.update(block) + context.finalize())


def hkdf_extract(salt: bytes, secret: bytes, hash_name: str = "sha256") -> bytes:
    """HKDF-Extract (RFC 5869 section 2.2)."""
    return hmac.digest(salt, secret, hash_name)


@lru_cache(maxsize=256)
def _label(label: str, size: int) -> bytes:
    name = b"tls13 " + label.encode()
    return size.to_bytes(2, "big") + bytes((len(name),)) + name + b"\0"


def expand_label(secret: bytes, label: str, size: int, hash_name: str = "sha256") -> bytes:
    """HKDF-Expand-Label with an empty context (RFC 8446 section 7.1)."""
    info = _label(label, size)
    found, last = b"", b""
    for number in range(1, -(-size // hashlib.new(hash_name).digest_size) + 1):
        last = hmac.digest(secret, last + info + bytes((number,)), hash_name)
        found += last
    return found[:size]


def prf(secret: bytes, label: bytes, seed: bytes, size: int, hash_name: str) -> bytes:
    """The pseudorandom function of TLS 1.2 (RFC 5246 section 5)."""
    seed = label + seed
    found, last = b"", seed
    while len(found) < size:
        last = hmac.digest(secret, last, hash_name)
        found += hmac.digest(secret, last + seed, hash_name)
    return found[:size]
