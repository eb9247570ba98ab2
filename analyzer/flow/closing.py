"""How a connection began and ended: Zeek's ``conn_state``, and who closed or reset it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType

import numpy as np

from analyzer.base.table import ACK, FIN, RST, SYN
from analyzer.flow.lanes import SIDES
from analyzer.flow.sequence import BAD_RST
from analyzer.flow.traffic import Traffic


class Phase(Enum):
    """How far one end came, as in Zeek's ``TCP_Endpoint``."""

    INACTIVE = auto()  # sent nothing
    PARTIAL = auto()  # sent something, but nothing of a handshake
    SYN_SENT = auto()
    SYN_ACK_SENT = auto()
    ESTABLISHED = auto()
    CLOSED = auto()  # sent a FIN
    RESET = auto()


@dataclass(frozen=True, slots=True)
class Closing:
    """``conn_state`` (Zeek, conn.log), who sent the first FIN or RST, and who aborted the connection."""

    conn_state: str
    closed_by: str | None
    reset_by: str | None


# What a reset or a FIN means by the phase of the other end, where it is not what the default says.
_SERVER_RESET: Mapping[Phase, str] = MappingProxyType(
    {Phase.SYN_SENT: "REJ", Phase.SYN_ACK_SENT: "REJ", Phase.INACTIVE: "RSTRH", Phase.PARTIAL: "RSTRH"}
)
_CLIENT_RESET: Mapping[Phase, str] = MappingProxyType({Phase.INACTIVE: "RSTOS0", Phase.PARTIAL: "RSTOS0"})
_CLIENT_CLOSED: Mapping[Phase, str] = MappingProxyType({Phase.INACTIVE: "SH", Phase.PARTIAL: "SH", Phase.CLOSED: "SF"})
_SERVER_CLOSED: Mapping[Phase, str] = MappingProxyType({Phase.INACTIVE: "SHR", Phase.PARTIAL: "SHR"})


def conn_state(client: Phase, server: Phase) -> str:
    """Zeek's one-word summary of a connection by the phases of both ends (base/protocols/conn)."""
    if server is Phase.RESET:
        return _SERVER_RESET.get(client, "RSTR")
    if client is Phase.RESET:
        return _CLIENT_RESET.get(server, "RSTO")
    if client is Phase.CLOSED:
        return _CLIENT_CLOSED.get(server, "S2")
    if server is Phase.CLOSED:
        return _SERVER_CLOSED.get(client, "S3")
    if client is Phase.SYN_SENT and server is Phase.INACTIVE:
        return "S0"
    return "S1" if client is server is Phase.ESTABLISHED else "OTH"


def closings(traffic: Traffic) -> Iterator[Closing]:
    """The closing of every connection. A RST after both FINs aborts nothing, a RST after a RST neither."""
    lanes = traffic.lanes
    flags = traffic.packets.tcp_flags[lanes.rows]
    fin = lanes.rows_at(lanes.first_of((flags & (FIN | RST)) == FIN))
    rst = lanes.rows_at(lanes.first_of((flags & RST != 0) & (traffic.placement.marks & BAD_RST == 0)))
    syn = lanes.first_of((flags & (SYN | ACK | RST)) == SYN) >= 0
    syn_ack = lanes.first_of((flags & (SYN | ACK | RST)) == SYN | ACK) >= 0
    active = np.diff(lanes.starts) > 0
    columns = zip(*(c.tolist() for c in (fin, rst, syn, syn_ack, active)), strict=True)
    for client, server in zip(columns, columns, strict=True):
        yield _closing(client, server)


def _closing(*ends: tuple[int, int, bool, bool, bool]) -> Closing:
    """The closing by what both ends sent: the row of the first FIN and RST (-1), SYN, SYN-ACK, anything."""
    fins = [fin for fin, *_ in ends]
    resets = [(rst, side) for side, (_, rst, *_) in zip(SIDES, ends, strict=True) if rst >= 0]
    first_reset = min(resets, default=None)
    if first_reset and min(fins) >= 0 and first_reset[0] > max(fins):
        first_reset = None
    reset_by = first_reset[1] if first_reset else None
    closes = [(fin, side) for side, fin in zip(SIDES, fins, strict=True) if fin >= 0] + resets
    handshake = any(syn for _, _, syn, _, _ in ends) and any(syn_ack for _, _, _, syn_ack, _ in ends)
    phases = [_phase(end, handshake, reset_by == side) for side, end in zip(SIDES, ends, strict=True)]
    return Closing(conn_state(*phases), min(closes)[1] if closes else None, reset_by)


def _phase(end: tuple[int, int, bool, bool, bool], handshake: bool, reset: bool) -> Phase:
    fin, _, syn, syn_ack, active = end
    if reset:
        return Phase.RESET
    if fin >= 0:
        return Phase.CLOSED
    if syn or syn_ack:
        return Phase.ESTABLISHED if handshake else Phase.SYN_SENT if syn else Phase.SYN_ACK_SENT
    return Phase.PARTIAL if active else Phase.INACTIVE
