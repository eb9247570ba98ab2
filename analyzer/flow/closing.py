"""How a connection began and ended: Zeek's ``conn_state``, and who closed or reset it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analyzer.base.table import I64, distinct
from analyzer.flow.events import Event, Events
from analyzer.flow.fields import Coded
from analyzer.flow.lanes import SIDES, LaneTable

Bools = NDArray[np.bool_]

# The row of a packet that did not come.
NEVER = int(np.iinfo(np.int64).max)


class Phase(IntEnum):
    """How far one end came, as in Zeek's ``TCP_Endpoint``."""

    INACTIVE = 0  # sent nothing
    PARTIAL = 1  # sent something, but nothing of a handshake
    SYN_SENT = 2
    SYN_ACK_SENT = 3
    ESTABLISHED = 4
    CLOSED = 5  # sent a FIN
    RESET = 6


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


def closings(lanes: LaneTable, events: Events) -> Mapping[str, Coded[Any]]:
    """``conn_state`` (Zeek, conn.log), who sent the first FIN or RST, and who aborted the connection.

    A RST after both FINs aborts nothing, a RST after a RST neither.
    """
    fin, rst = _first_rows(lanes, events, Event.CLOSES), _first_rows(lanes, events, Event.RESETS)
    reset_by = _earlier(np.where(rst > fin.max(axis=1, keepdims=True), NEVER, rst))
    phases = _phases(lanes, events, fin < NEVER, reset_by) @ (len(Phase), 1)
    different = distinct(phases)
    states = [conn_state(*map(Phase, divmod(both, len(Phase)))) for both in different.tolist()]
    names = (*SIDES, None)
    return {
        "conn_state": Coded(states, np.searchsorted(different, phases)),
        "closed_by": Coded(names, _earlier(np.minimum(fin, rst))),
        "reset_by": Coded(names, reset_by),
    }


def _phases(lanes: LaneTable, events: Events, closed: Bools, reset_by: I64) -> I64:
    """The phase of the client and the server of each connection, ``(C, 2)``."""
    syn, syn_ack = ((events.firsts[event] >= 0).reshape(-1, 2) for event in (Event.ASKS, Event.ANSWERS))
    shaken = syn.any(axis=1, keepdims=True) & syn_ack.any(axis=1, keepdims=True)
    active = (np.diff(lanes.starts) > 0).reshape(-1, 2)
    cases = {
        Phase.RESET: reset_by[:, np.newaxis] == np.arange(2),
        Phase.CLOSED: closed,
        Phase.ESTABLISHED: (syn | syn_ack) & shaken,
        Phase.SYN_SENT: syn,
        Phase.SYN_ACK_SENT: syn_ack,
        Phase.PARTIAL: active,
    }
    return np.select(list(cases.values()), [int(phase) for phase in cases], int(Phase.INACTIVE))


def _first_rows(lanes: LaneTable, events: Events, event: Event) -> I64:
    """The row of the first such packet of the client and the server of each connection, or NEVER; ``(C, 2)``."""
    rows = lanes.rows_at(events.firsts[event])
    return np.where(rows < 0, NEVER, rows).reshape(-1, 2)


def _earlier(rows: I64) -> I64:
    """The lane, 0 or 1, whose row comes first, 2 where neither comes, ``(C,)``."""
    return np.where(rows.min(axis=1, initial=NEVER) == NEVER, 2, rows.argmin(axis=1))
