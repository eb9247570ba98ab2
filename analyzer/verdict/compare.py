"""Run against run: calls matched by who calls what, not by address or port, and what became of their verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from analyzer.base.fact import Fact
from analyzer.verdict.decision import Decision, Outbound
from analyzer.verdict.findings import client_of, target_of
from analyzer.verdict.record import CallRecord


class CallKey(Fact, frozen=True, order=True):
    """Who calls what: the client's pod (or address), what it asked for, and how."""

    client: str
    target: str
    protocol: str
    method: str
    path: str


class Ending(Fact, frozen=True, order=True):
    """Where a call ended; empty text stands for none.

    ``cluster`` is the client's, ``gateway`` and ``inbound`` the other sides' clusters; ``code`` (0 for none) and
    ``flag`` are the answer of the client's Envoy, or of the gateway's.
    """

    verdict: str
    reason: str
    cluster: str
    flag: str
    code: int = 0
    gateway: str = ""
    inbound: str = ""


class Move(Fact, frozen=True):
    """A call of one key that ends otherwise in the other run: ``before`` or ``after`` is None where it has none."""

    key: CallKey
    before: Ending | None
    after: Ending | None
    calls: int


def compare_calls(before: Iterable[CallRecord], after: Iterable[CallRecord]) -> tuple[Move, ...]:
    """What moved, by key: calls that end otherwise, that are new (``before`` None), or gone (``after`` None)."""
    old, new = _endings(before), _endings(after)
    return tuple(move for key in sorted(old.keys() | new.keys()) for move in _moves(key, old.get(key), new.get(key)))


def _endings(calls: Iterable[CallRecord]) -> dict[CallKey, Counter[Ending]]:
    found: dict[CallKey, Counter[Ending]] = {}
    for call in calls:
        key = CallKey(client_of(call), target_of(call), call.protocol, call.method or "", call.path or "")
        found.setdefault(key, Counter())[ending_of(call.decision)] += 1
    return found


def ending_of(decision: Decision) -> Ending:
    """Where a decision ends; of clusters that weights choose between, all that may be chosen."""
    sides = (decision.outbound, decision.gateway)
    answer = next((side.response for side in sides if side is not None and side.response is not None), None)
    return Ending(
        verdict=decision.verdict or "",
        reason=decision.reason or "",
        cluster=_cluster_of(decision.outbound),
        flag=(answer and answer.flag) or "",
        code=(answer and answer.code) or 0,
        gateway=_cluster_of(decision.gateway),
        inbound=(decision.inbound and decision.inbound.cluster) or "",
    )


def _cluster_of(side: Outbound | None) -> str:
    if side is None:
        return ""
    return side.cluster or " | ".join(sorted({choice.cluster for choice in side.clusters if choice.weight}))


def _moves(key: CallKey, old: Counter[Ending] | None, new: Counter[Ending] | None) -> list[Move]:
    if old is None or new is None:
        endings = sorted((old or new or Counter()).items())
        return [Move(key, e if new is None else None, e if old is None else None, n) for e, n in endings]
    left, come = sorted(set(old) - set(new)), sorted(set(new) - set(old))
    if not left and not come:
        return []
    pairs = [(a, b) for a in left or sorted(old) for b in come or sorted(new) if a != b]
    return [Move(key, a, b, new[b]) for a, b in pairs]
