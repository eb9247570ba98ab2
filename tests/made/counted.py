"""Calls that agree, by who calls what: how many, and when the first and the last began."""

from __future__ import annotations

from analyzer.verdict.compare import CallKey
from analyzer.verdict.parting import Kinds
from analyzer.verdict.rights import RightLog, Rights

Counted = dict[CallKey, tuple[int, int, int]]


def counted(kinds: Kinds) -> Counted:
    """What was counted call by call."""
    return {k: (kind.right, kind.first_right_ns, kind.last_right_ns) for k, kind in kinds.items() if kind.right}


def counts_of(rights: Rights) -> Counted:
    """What was counted in columns."""
    rows = rights.columns.T.tolist()
    found = {
        CallKey(rights.clients[client], *rights.asked[asked], rights.paths[path]): (count, first_ns, last_ns)
        for client, asked, path, count, first_ns, last_ns in rows
    }
    assert len(found) == len(rows), "each kind is there once"
    return found


def taken(log: RightLog) -> Counted:
    """What a log has counted so far."""
    return counts_of(log.take())
