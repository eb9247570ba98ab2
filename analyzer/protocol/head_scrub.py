"""Message heads under pseudonyms: the target and the values of headers, each as long as it was."""

from __future__ import annotations

from analyzer.base.pseudonym import Pseudonyms, masked
from analyzer.base.secret import SECRET_ENDINGS, SECRET_HEADERS
from analyzer.base.vocabulary import KEPT_HEADERS

# What Envoy writes itself names nobody, and tells who answered.
ENVOY_TEXTS = (
    b"RBAC: access denied", b"upstream connect error", b"no healthy upstream", b"upstream request timeout", b"Jwt ",
    b"Jwks ", b"Audiences in Jwt",
)  # fmt: skip
_HOSTS = frozenset({"host", ":authority"})


def scrub_head(head: bytes, names: Pseudonyms) -> bytes:
    """A message head of HTTP/1: the first line's target and the values of headers under pseudonyms."""
    first, *lines = head.decode("latin-1").split("\n")
    words = first.split(" ")
    if len(words) > 2 and not first.startswith("HTTP/"):
        words[1:-1] = [names.fitting(word) for word in words[1:-1]]
    return "\n".join((" ".join(words), *(_scrub_line(line, names) for line in lines))).encode("latin-1")


def _scrub_line(line: str, names: Pseudonyms) -> str:
    name, colon, value = line.partition(":")
    return f"{name}{colon}{scrub_value(name.strip().lower(), value, names)}" if colon else line


def scrub_value(name: str, value: str, names: Pseudonyms) -> str:
    """The value of a header; ``name`` in lower case."""
    if name in KEPT_HEADERS:
        return value
    if name in SECRET_HEADERS or name.endswith(SECRET_ENDINGS):
        return masked(value)
    return names.host(value) if name in _HOSTS else names.fitting(value)
