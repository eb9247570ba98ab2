"""What is said inside TLS, where a key log opens it."""

from __future__ import annotations

from analyzer.base.fact import replace
from analyzer.base.oddity import Code, Family, Level
from analyzer.base.stream import Stream
from analyzer.protocol.conversation import parse_conversation
from analyzer.protocol.facts import Conversation, Inside
from analyzer.protocol.keylog import KeyLog
from analyzer.protocol.tls_open import open_tls

KEYS_FIT = Code(
    "tls-keys",
    Family.CAPTURE,
    Level.INFO,
    "the key log opens {opened} of {sealed} TLS connections",
    "What is inside names requests and tells statuses. It decides nothing where an Envoy passed the TLS on unopened.",
)
KEYS_UNUSED = Code(
    "tls-keys-unused",
    Family.CAPTURE,
    Level.WARNING,
    "the capture holds a TLS key log that was not used",
    "Opening TLS takes the package cryptography.",
    "Install it with: pip install 'meshverdict[crypto]'",
)


def with_inside(said: Conversation, from_client: Stream, from_server: Stream, keys: KeyLog) -> Conversation:
    """The same conversation with what its TLS holds, where ``keys`` are of it."""
    hello = said.tls.client_hello if said.tls else None
    if hello is None:
        return said
    opened = open_tls(from_client, from_server, keys, client_start=hello.start)
    if opened is None:
        return said
    return replace(said, inside=Inside(parse_conversation(*opened), *opened))
