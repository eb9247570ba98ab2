"""A TCP connection as the application had it: both halves of a redirected one together."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from analyzer.base.authority import uri_host
from analyzer.base.fact import Fact, replace
from analyzer.base.oddity import Oddity
from analyzer.base.stream import Stream
from analyzer.protocol.conversation import parse_conversation
from analyzer.protocol.facts import Conversation

# What a Zeek history begins with where the first packet was not the client's.
FLIPPED = "^"


class Endpoint(Fact, frozen=True, order=True):
    """An address and a port."""

    ip: str
    port: int

    def __str__(self) -> str:
        return f"{uri_host(self.ip)}:{self.port}"


class Connection(Fact, frozen=True):
    """One TCP connection of one capture.

    ``client`` opened it; ``client_by`` says how we know: ``syn``, ``syn-ack``, ``redirect`` (the half towards
    127.0.0.1:15001), ``port`` (a guess: it serves elsewhere, or has the lower port), or ``content`` (the guess was
    wrong: it asks and the other answers). ``server`` is the address that
    the client meant: where iptables redirected the connection, the source of the answers, and ``redirect_port`` is then
    15001 or 15006 (0 otherwise); ``client`` has the port under which the sidecar knows it. ``joined`` is false where
    half of the connection is not in the capture: ``server`` is then 127.0.0.1:15001 itself, or ``from_client`` is
    empty.
    ``client_bytes`` and ``server_bytes`` are what each is known to have sent, captured or not. ``conn_state``,
    ``history``, ``missed_bytes`` and ``uid`` are Zeek's (conn.log); ``community_id`` is v1.
    ``first_packet`` / ``last_packet`` are 1-based. ``syn_seq``, ``syn_ack_seq`` and ``syn_tsval`` (None where not
    seen) tell the same connection apart from others in other captures. ``ifindexes`` are the interfaces it was seen on,
    where the link says.
    ``reset_by`` is ``client``, ``server`` or None (also where both had sent a FIN before the RST), ``closed_by`` who
    sent the first FIN or RST. ``oddities`` is what is strange about its packets. ``said`` is what was said on it, where
    that was read before the streams were cut (``compact``).
    """

    index: int
    uid: str
    community_id: str
    client: Endpoint
    server: Endpoint
    client_by: str
    redirect_port: int
    joined: bool
    first_ns: int
    last_ns: int
    first_packet: int
    last_packet: int
    client_packets: int
    server_packets: int
    client_bytes: int
    server_bytes: int
    conn_state: str
    history: str
    missed_bytes: int
    syn_seq: int | None
    syn_ack_seq: int | None
    syn_tsval: int | None
    ifindexes: tuple[int, ...]
    closed_by: str | None
    reset_by: str | None
    from_client: Stream
    from_server: Stream
    oddities: tuple[Oddity, ...] = ()
    said: Conversation | None = None


def said_on(connection: Connection) -> Conversation:
    """What was said on a connection, as it was read before or is read now."""
    return connection.said or parse_conversation(connection.from_client, connection.from_server)


# What Zeek calls a state when its ends are exchanged; the others say the same of both.
_SWAPPED_STATES: Mapping[str, str] = MappingProxyType(
    {
        "RSTO": "RSTR", "RSTR": "RSTO", "RSTOS0": "RSTRH", "RSTRH": "RSTOS0",
        "SH": "SHR", "SHR": "SH", "S2": "S3", "S3": "S2",
    }
)  # fmt: skip
_SWAPPED_SIDES: Mapping[str | None, str | None] = MappingProxyType({"client": "server", "server": "client", None: None})


def swap_ends(connection: Connection) -> Connection:
    """The same connection with client and server exchanged: for one whose ends only ports told apart."""
    c = connection
    return replace(
        c,
        client=c.server,
        server=c.client,
        client_by="content",
        joined=c.server_packets > 0,
        client_packets=c.server_packets,
        server_packets=c.client_packets,
        client_bytes=c.server_bytes,
        server_bytes=c.client_bytes,
        conn_state=_SWAPPED_STATES.get(c.conn_state, c.conn_state),
        history=_swapped_history(c.history),
        closed_by=_SWAPPED_SIDES[c.closed_by],
        reset_by=_SWAPPED_SIDES[c.reset_by],
        from_client=c.from_server,
        from_server=c.from_client,
        oddities=tuple(_swapped_oddity(oddity) for oddity in c.oddities),
    )


def _swapped_history(history: str) -> str:
    letters = history.lstrip(FLIPPED)
    return letters.swapcase() if letters != history else FLIPPED + letters.swapcase()


def _swapped_oddity(oddity: Oddity) -> Oddity:
    side = oddity.values.get("side")
    if not isinstance(side, str):
        return oddity
    return replace(oddity, values={**oddity.values, "side": _SWAPPED_SIDES[side]})
