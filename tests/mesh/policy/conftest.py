"""Tokens that are really signed, with a key that is for tests only."""

import hashlib
import json
from base64 import urlsafe_b64encode

import pytest

# Two Mersenne primes make the modulus.
P, Q = 2**521 - 1, 2**607 - 1
N, E = P * Q, 65537
D = pow(E, -1, (P - 1) * (Q - 1))
SHA256_PREFIX = bytes.fromhex("3031300d060960864801650304020105000420")


class Issuer:
    """Who signs tokens, and publishes the key."""

    def encode(self, data):
        return urlsafe_b64encode(data).rstrip(b"=").decode()

    def number(self, value):
        return self.encode(value.to_bytes((value.bit_length() + 7) // 8, "big"))

    def unsigned(self, header=None, claims=None, signature=b"x"):
        parts = json.dumps(header or {"alg": "RS256"}), json.dumps(claims if claims is not None else {"iss": "me"})
        return ".".join([*(self.encode(part.encode()) for part in parts), self.encode(signature)])

    def signed(self, header=None, claims=None):
        text = self.unsigned(header, claims).rpartition(".")[0]
        info = SHA256_PREFIX + hashlib.sha256(text.encode()).digest()
        size = (N.bit_length() + 7) // 8
        message = b"\x00\x01" + b"\xff" * (size - len(info) - 3) + b"\x00" + info
        return f"{text}.{self.encode(pow(int.from_bytes(message, 'big'), D, N).to_bytes(size, 'big'))}"

    def jwks(self, **key):
        return json.dumps({"keys": [{"kty": "RSA", "n": self.number(N), "e": self.number(E), **key}]})


@pytest.fixture(scope="session")
def issuer():
    return Issuer()
