"""TLS key logs: the SSLKEYLOGFILE format (draft-ietf-tls-keylogfile), from a file or out of a capture.

What is read never leaves this room: a log shows how many connections it opens, and nothing of the keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

MASTER = "CLIENT_RANDOM"
EARLY = "CLIENT_EARLY_TRAFFIC_SECRET"
CLIENT_HANDSHAKE, SERVER_HANDSHAKE = "CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET"
CLIENT_TRAFFIC, SERVER_TRAFFIC = "CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"
_LABELS = frozenset({MASTER, EARLY, CLIENT_HANDSHAKE, SERVER_HANDSHAKE, CLIENT_TRAFFIC, SERVER_TRAFFIC})

RANDOM_LEN = 32
# A master secret has 48 bytes, a traffic secret what its hash has: 32 or 48.
_SECRET_LENGTHS = frozenset({32, 48})
# A line holds a label, 64 and at most 96 digits.
_MAX_LINE = 256
# Connections of one log; those behind them stay sealed.
MAX_CONNECTIONS = 1_000_000

_NONE: Mapping[str, bytes] = MappingProxyType({})


class KeyLog:
    """Secrets by the random of a connection's ClientHello; its text names none of them."""

    __slots__ = ("_secrets",)

    def __init__(self, secrets: Mapping[bytes, Mapping[str, bytes]]) -> None:
        self._secrets = secrets

    def __len__(self) -> int:
        return len(self._secrets)

    def __repr__(self) -> str:
        return f"KeyLog({len(self)} connections)"

    def __reduce__(self) -> str:
        raise TypeError("a key log is not written anywhere")

    def of(self, client_random: bytes) -> Mapping[str, bytes]:
        """The secrets of a connection by label; empty where there are none."""
        return self._secrets.get(client_random, _NONE)

    def joined(self, other: KeyLog) -> KeyLog:
        """Both logs as one."""
        if not other:
            return self
        return KeyLog({**self._secrets, **{key: {**self.of(key), **other.of(key)} for key in other._secrets}})


NO_KEYS = KeyLog({})


def parse_key_log(lines: Iterable[bytes]) -> KeyLog:
    """The secrets in a log; comments, other labels and lines that are none are passed over."""
    found: dict[bytes, dict[str, bytes]] = {}
    for line in lines:
        parsed = _parse(line) if len(line) <= _MAX_LINE else None
        if parsed is None:
            continue
        random, label, secret = parsed
        if random in found or len(found) < MAX_CONNECTIONS:
            found.setdefault(random, {})[label] = secret
    return KeyLog(found)


def _parse(line: bytes) -> tuple[bytes, str, bytes] | None:
    words = line.decode("ascii", "replace").split()
    if len(words) != 3 or words[0] not in _LABELS:
        return None
    try:
        random, secret = bytes.fromhex(words[1]), bytes.fromhex(words[2])
    except ValueError:
        return None
    return (random, words[0], secret) if len(random) == RANDOM_LEN and len(secret) in _SECRET_LENGTHS else None
