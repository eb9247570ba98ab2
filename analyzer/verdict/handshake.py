"""What a verdict takes from a connection's history (Zeek, conn.log): how far its handshake came, and nothing else."""

from __future__ import annotations

from typing import NamedTuple


class Handshake(NamedTuple):
    """``is_all``: the connection was accepted, and neither end is seen to say anything after that, or to close it.

    ``acknowledged``: the client heard the server accept. ``lacks_answer``: it did, and what it heard is not there: so
    may be missing what the client said then.
    """

    is_all: bool
    acknowledged: bool
    lacks_answer: bool


def handshake_of(history: str) -> Handshake:
    """The handshake of a connection that has this history."""
    accepted, acknowledged = "h" in history, "A" in history
    return Handshake(accepted and set(history) <= set("^SAha"), acknowledged, acknowledged and not accepted)
