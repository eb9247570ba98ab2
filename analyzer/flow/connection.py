"""A TCP connection as the application had it: both halves of a redirected one together."""

from __future__ import annotations

from dataclasses import dataclass

from analyzer.base.oddity import Oddity
from analyzer.base.stream import Stream


@dataclass(frozen=True, slots=True, order=True)
class Endpoint:
    """An address and a port."""

    ip: str
    port: int

    def __str__(self) -> str:
        return f"[{self.ip}]:{self.port}" if ":" in self.ip else f"{self.ip}:{self.port}"


@dataclass(frozen=True, slots=True)
class Connection:
    """One TCP connection of one capture.

    ``client`` opened it; ``client_by`` says how we know: ``syn``, ``syn-ack``, ``redirect`` (the half towards
    127.0.0.1:15001), or ``port`` (a guess: it serves elsewhere, or has the lower port). ``server`` is the address that
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
    sent the first FIN or RST. ``oddities`` is what is strange about its packets.
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
