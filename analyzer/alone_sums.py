"""Calls that are alike, where nothing but a summary is told of them: how each ended, and its place among all."""

from __future__ import annotations

import numpy as np

from analyzer.flow.connections import Connections
from analyzer.report.end_log import EndLog
from analyzer.report.spill import Keys, Spill
from analyzer.verdict.alone_rows import AloneRows
from analyzer.verdict.exemplars import Exemplar
from analyzer.verdict.record import CallRecord


class AloneSums:
    """Takes calls as ``AloneLines`` does; their lines are hidden."""

    # No texts are kept.
    size = 0

    def __init__(self, ends: EndLog) -> None:
        self._ends = ends
        # By the identity of what each keeps.
        self._exemplars: dict[int, Exemplar] = {}

    @property
    def records(self) -> list[CallRecord]:
        """Those of the exemplars so far."""
        return [exemplar.record for exemplar in self._exemplars.values()]

    def shown(self, rows: AloneRows) -> AloneRows:
        """The calls of connections all of whose calls are like another."""
        self._exemplars.update((id(kind), kind) for kind in rows.kinds if kind)
        unlike = np.array([kind is None for kind in rows.kinds], np.bool_)
        return rows.without(rows.connection[unlike[rows.kind]])

    def write(self, rows: AloneRows, connections: Connections, calls: Spill, _: Spill) -> None:
        """Take calls that are ``shown``."""
        clients, which = connections.clients, rows.connection
        keys = Keys(clients.ips.values, clients.ips.codes[which], rows.begin_ns, clients.ports[which], rows.ordinal)
        calls.hide_rows(keys)
        self._ends.add_rows(rows)
