"""Keyed pseudonyms that keep what decisions look at: lengths, kinds of characters, beginnings, dots and dashes.

A character becomes another of its class, by the key and by all that stands before it in its word: so words that begin
alike do so afterwards, different words stay different, and nobody tells the word without the key. Classes are those of
HPACK's Huffman code (RFC 7541 appendix B) with equal lengths, so that a header's length stays the same in it too.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from ipaddress import IPv6Address, ip_address

_CLASSES = ("012", "3456789", "aceiost", "bdfghlmnpru", "jkqvwxyz", "A", "BCDEFGHIJKLMNOPQRSTUVWY", "XZ")
_CLASS_OF = {character: each for each in _CLASSES for character in each}
# From here on no byte begins a protocol that is detected.
_NOISE = 0xC0
# Ports, lengths, versions: numbers that no one is known by, and that rules compare.
_KEPT_WORD = re.compile(r"\d{1,5}|v\d{1,3}(?:alpha\d?|beta\d?)?")
_WORD = re.compile(r"[A-Za-z0-9]+")
_PART = re.compile(
    r"(?P<six>(?<![\w:.])(?=[0-9a-fA-F:]*:[0-9a-fA-F]*:)[0-9a-fA-F:]{2,39}(?![\w:.]))"
    r"|(?P<four>(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]*[A-Za-z_]))"
    r"|(?P<word>[A-Za-z0-9]+)"
)
# Octets with as many digits, so that an address in a Host keeps its length.
_OCTETS = ((0, 10), (10, 100), (100, 256))
_PRIVATE = re.compile(r"10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.")
_SPECIAL = re.compile(r"(?:0|127|2[2-5]\d)\.|169\.254\.")
_SUBNET_LEN = 8


class Pseudonyms:
    """Pseudonyms under one key; ``vocabulary`` are the words that stay, in lower case."""

    def __init__(self, key: bytes, vocabulary: frozenset[str]) -> None:
        self._key = key
        self._vocabulary = vocabulary
        self.word: Callable[[str], str] = lru_cache(maxsize=65536)(self._word)
        self.ipv4: Callable[[str], str] = lru_cache(maxsize=65536)(self._ipv4)

    def keeps(self, word: str) -> bool:
        """Whether a word stays as it is."""
        return word.lower() in self._vocabulary or _KEPT_WORD.fullmatch(word) is not None

    def text(self, text: str, only: frozenset[str] | None = None) -> str:
        """Every address and word of a text replaced, of the words those in ``only`` where that is given."""
        return _PART.sub(lambda match: self._part(match, only), text)

    def _part(self, match: re.Match[str], only: frozenset[str] | None) -> str:
        if match.lastgroup == "word":
            return match[0] if only is not None and match[0] not in only else self.word(match[0])
        return self.address(match[0])

    def fitting(self, text: str) -> str:
        """As ``text`` and as long; where an address of version 6 becomes another length, its digits are words."""
        new = self.text(text)
        return new if len(new) == len(text) else _WORD.sub(lambda match: self.word(match[0]), text)

    def host(self, text: str) -> str:
        """A name of a host replaced and as long, in which the case of letters does not count."""
        new = self.fitting(text.lower())
        if new == text.lower():
            return text
        return "".join(each.upper() if old.isupper() else each for old, each in zip(text, new, strict=True))

    def packed(self, address: bytes) -> bytes:
        """An address of four or sixteen bytes replaced."""
        return ip_address(self.address(str(ip_address(address)))).packed

    def address(self, text: str) -> str:
        """An address as text replaced; loopback, link-local and multicast stay."""
        return self._ipv6_text(text) if ":" in text else self.ipv4(text)

    def noise(self, data: bytes) -> bytes:
        """As many bytes of no known kind, none of ASCII; equal beginnings stay equal."""
        return bytes(_NOISE + self._number(b"noise", data[: i + 1]) % (256 - _NOISE) for i in range(len(data)))

    def _word(self, word: str) -> str:
        if self.keeps(word):
            return word
        return "".join(self._character(word[i], word[:i].lower()) for i in range(len(word)))

    def _character(self, character: str, before: str) -> str:
        alike = _CLASS_OF[character]
        return alike[(alike.index(character) + self._number(b"word", before.encode())) % len(alike)]

    def _ipv4(self, text: str) -> str:
        octets = text.split(".")
        if any(int(octet) > 255 for octet in octets) or _SPECIAL.match(text):
            return text
        known = 2 if _PRIVATE.match(text) else 1
        for i in range(known, len(octets)):
            before = ".".join(text.split(".")[:i])
            low, high = next((low, high) for low, high in _OCTETS if low <= int(octets[i]) < high)
            octets[i] = str(low + (int(octets[i]) - low + self._number(b"octet", before.encode())) % (high - low))
        return ".".join(octets)

    def _ipv6_text(self, text: str) -> str:
        try:
            packed = IPv6Address(text).packed
        except ValueError:
            return text
        if packed[:_SUBNET_LEN] == bytes(_SUBNET_LEN) or packed[0] == 0xFF:
            return text
        return str(IPv6Address(packed[:_SUBNET_LEN] + self._digest(b"host", packed)[:_SUBNET_LEN]))

    def _number(self, kind: bytes, data: bytes) -> int:
        return int.from_bytes(self._digest(kind, data)[:4], "big")

    def _digest(self, kind: bytes, data: bytes) -> bytes:
        return hmac.digest(self._key, kind + b"\0" + data, sha256)


def masked(text: str) -> str:
    """A secret: of every character only its class and place are left."""
    return "".join(_CLASS_OF[character][0] if character in _CLASS_OF else character for character in text)
