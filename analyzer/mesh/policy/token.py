"""JSON Web Tokens as Envoy's jwt_authn filter reads them (RFC 7519, RFC 7515), and RSA signatures (RFC 8017)."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from typing import Any

from analyzer.base.fact import Fact

# google/jwt_verify_lib src/jwt.cc; anything else is refused before its signature is looked at.
_ALGORITHMS = frozenset(f"{family}{bits}" for family in ("ES", "HS", "RS", "PS") for bits in (256, 384, 512)) | {
    "EdDSA"
}
# RFC 8017 section 9.2, notes: the DER prefix of DigestInfo for each hash.
_RSA_DIGESTS = {
    "RS256": ("sha256", bytes.fromhex("3031300d060960864801650304020105000420")),
    "RS384": ("sha384", bytes.fromhex("3041300d060960864801650304020205000430")),
    "RS512": ("sha512", bytes.fromhex("3051300d060960864801650304020305000440")),
}
_MAX_TOKEN_LENGTH = 65536
_MAX_RSA_BITS = 16384


class Token(Fact, frozen=True):
    """A token that parses. ``signed`` is the text under the signature."""

    algorithm: str
    key_id: str
    claims: Mapping[str, Any]
    signed: bytes
    signature: bytes


def parse_token(text: str) -> Token | None:
    """The token, or None where Envoy finds it malformed."""
    parts = text.split(".")
    if len(parts) != 3 or len(text) > _MAX_TOKEN_LENGTH:
        return None
    header, claims = _json_object(parts[0]), _json_object(parts[1])
    signature = _decode(parts[2])
    if header is None or claims is None or not signature:
        return None
    algorithm, key_id = header.get("alg"), header.get("kid", "")
    if algorithm not in _ALGORITHMS or not isinstance(key_id, str):
        return None
    if not isinstance(claims.get("iss", ""), str) or not isinstance(claims.get("sub", ""), str):
        return None
    return Token(algorithm, key_id, claims, f"{parts[0]}.{parts[1]}".encode(), signature)


def signature_holds(token: Token, jwks: str) -> bool | None:
    """Whether a key of ``jwks`` signed the token; None where that takes keys or algorithms we do not have."""
    try:
        keys = json.loads(jwks).get("keys")
    except (ValueError, AttributeError, RecursionError):
        return None
    if not isinstance(keys, list):
        return None
    fitting = [key for key in keys if isinstance(key, dict) and _fits(key, token)]
    if not fitting:
        return False
    if token.algorithm not in _RSA_DIGESTS:
        return None
    return any(_rsa_holds(token, key) for key in fitting)


def _fits(key: Mapping[str, Any], token: Token) -> bool:
    """Key id and algorithm must agree where both sides name them."""
    key_id, algorithm = key.get("kid", ""), key.get("alg", "")
    return (not key_id or not token.key_id or key_id == token.key_id) and (
        not algorithm or algorithm == token.algorithm
    )


def _rsa_holds(token: Token, key: Mapping[str, Any]) -> bool:
    """RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2.2)."""
    modulus, exponent = (_decode(str(key.get(name, ""))) for name in ("n", "e"))
    if not modulus or not exponent or len(modulus) * 8 > _MAX_RSA_BITS or len(exponent) > 4:
        return False
    n = int.from_bytes(modulus, "big")
    size = (n.bit_length() + 7) // 8
    if n < 3 or len(token.signature) != size:
        return False
    name, prefix = _RSA_DIGESTS[token.algorithm]
    info = prefix + hashlib.new(name, token.signed).digest()
    message = pow(int.from_bytes(token.signature, "big"), int.from_bytes(exponent, "big"), n).to_bytes(size, "big")
    return message == b"\x00\x01" + b"\xff" * (size - len(info) - 3) + b"\x00" + info


def _json_object(part: str) -> dict[str, Any] | None:
    data = _decode(part)
    try:
        value = json.loads(data) if data else None
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _decode(part: str) -> bytes | None:
    if not part.replace("-", "").replace("_", "").isalnum() or not part.isascii():
        return None
    try:
        return urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        return None
