"""Connections that are one call each, TLS and opaque TCP, as columns: which of them say and show the same."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analyzer.base.pages import forget_pages
from analyzer.base.table import I64, by_appearance, numbered
from analyzer.flow.connection import said_on
from analyzer.flow.connections import Connections
from analyzer.flow.traffic import Traffic
from analyzer.flow.tuples import number_rows
from analyzer.protocol.facts import Conversation
from analyzer.protocol.spoken_columns import spoken_classes
from analyzer.verdict.call_table import READ_AT_ONCE, CallTable

# How a connection ended: what is observed of it, and what that proves, goes by these.
_ENDINGS = ("conn_state", "history", "closed_by", "reset_by")
_LENGTHS = ("client_bytes", "server_bytes", "server_packets", "missed_bytes")


def whole_calls(buffer: memoryview, traffic: Traffic, connections: Connections, chosen: I64) -> CallTable:
    """The calls of those of the ``chosen`` connections (ascending) that need not be read one by one."""
    spoken = spoken_classes(buffer, traffic.pieces, traffic.placement.from_start, chosen)
    which, asked = chosen[spoken >= 0], spoken[spoken >= 0]
    talk, firsts = by_appearance(asked)
    extents = {name: column[which] for name, column in connections.extents.items()}
    endings = [numbered(map(connections.columns[name].__getitem__, which.tolist()))[1] for name in _ENDINGS]
    shown = number_rows(np.stack([*endings, *(extents[name] > 0 for name in _LENGTHS)]))
    return CallTable(
        which, np.ones(len(which), np.int64), _talks(connections, which[firsts].tolist(), buffer), talk,
        asked, shown, (), np.full(len(which), -1), extents["first_packet"], extents["last_packet"],
        extents["first_packet"], extents["first_ns"], np.maximum(extents["last_ns"], extents["first_ns"]),
    )  # fmt: skip


def _talks(connections: Connections, indices: Sequence[int], buffer: memoryview) -> list[Conversation]:
    """What was said on some connections."""
    found: list[Conversation] = []
    for first in range(0, len(indices), READ_AT_ONCE):
        found += map(said_on, connections.at(indices[first : first + READ_AT_ONCE]))
        forget_pages(buffer)
    return found
