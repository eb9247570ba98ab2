"""Pods that seem to have begun anew: one name at another address, or connections that all end at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from analyzer.base.fact import Fact
from analyzer.report.wording import format_span
from analyzer.verdict.record import APP_TO_SIDECAR, DIRECT, CallRecord, FlowRecord

# Connections younger than this come and go with their requests.
LASTING_NS = 2_000_000_000
# A proxy that ends closes what it has within this.
AT_ONCE_NS = 500_000_000
# Fewer connections may end together by chance.
LEAST_CONNECTIONS = 3


class Restart(Fact, frozen=True):
    """A pod that seems to have begun anew at ``time_ns``."""

    time_ns: int
    sentence: str


class _Life(Fact, frozen=True, order=True):
    """A connection of a pod with a peer; not ``closed``, it only has no more packets."""

    last_ns: int
    first_ns: int
    peer: str
    closed: bool


def find_restarts(calls: Sequence[CallRecord], flows: Iterable[FlowRecord]) -> list[Restart]:
    """The restarts that calls and connections show, by time."""
    owners = dict(_owners(calls))
    found = [*_moved(calls), *_ended(flows, owners)]
    return sorted(found, key=lambda restart: (restart.time_ns, restart.sentence))


def _owners(calls: Iterable[CallRecord]) -> Iterator[tuple[str, str]]:
    """Addresses with the pods that have them."""
    for call in calls:
        if call.pod:
            yield call.client.ip, call.pod
        if call.server_pod:
            yield from (
                (leg.server.ip, call.server_pod) for leg in call.legs if leg.role not in (APP_TO_SIDECAR, DIRECT)
            )


def _moved(calls: Iterable[CallRecord]) -> Iterator[Restart]:
    """Pods whose calls come from one address, and later from another only."""
    spans: dict[str, dict[str, tuple[int, int]]] = {}
    for call in calls:
        if call.pod and not call.client.ip.startswith(("127.", "::1")):
            known = spans.setdefault(call.pod, {})
            first, last = known.get(call.client.ip, (call.first_ns, call.first_ns))
            known[call.client.ip] = min(first, call.first_ns), max(last, call.first_ns)
    for pod, addresses in spans.items():
        ordered = sorted((span, ip) for ip, span in addresses.items())
        for ((_, last), old), ((first, _), new) in pairwise(ordered):
            if last < first:
                yield Restart(first, f"{pod} calls from {new}; until {format_span(first - last)} before, from {old}")


def _ended(flows: Iterable[FlowRecord], owners: Mapping[str, str]) -> Iterator[Restart]:
    """Addresses of which several lasting connections are open, and none is left a moment later."""
    lives: dict[str, set[_Life]] = {}
    for flow in flows:
        for own, peer in ((flow.client.ip, flow.server.ip), (flow.server.ip, flow.client.ip)):
            if own in owners and not peer.startswith("127."):
                lives.setdefault(own, set()).add(_Life(flow.last_ns, flow.first_ns, peer, _is_closed(flow)))
    for ip, found in sorted(lives.items()):
        for ended in _common_ends(sorted(found)):
            end = ended[-1].last_ns
            within, oldest = end - ended[0].last_ns, end - min(life.first_ns for life in ended)
            yield Restart(
                end,
                f"{owners[ip]} ({ip}): all {len(ended)} connections that were open end within {format_span(within)}, "
                f"the oldest after {format_span(oldest)}: it, or its sidecar, restarts",
            )


def _is_closed(flow: FlowRecord) -> bool:
    """Whether its history (Zeek's) has a FIN or a RST of either side."""
    return not {"f", "r"}.isdisjoint(flow.history.lower())


def _common_ends(lives: Sequence[_Life]) -> Iterator[list[_Life]]:
    """Lasting connections to several peers that end together, each time when no other is open, and some follow."""
    latest = max((life.first_ns for life in lives), default=0)
    for number, life in enumerate(lives):
        end = life.last_ns
        if number + 1 < len(lives) and lives[number + 1].last_ns - end <= AT_ONCE_NS:
            continue  # endings go on
        ended = [
            each
            for each in lives[: number + 1]
            if each.closed and end - each.last_ns <= AT_ONCE_NS and end - each.first_ns >= LASTING_NS
        ]
        survivors = any(each.first_ns < end < each.last_ns for each in lives)
        several = len(ended) >= LEAST_CONNECTIONS and len({each.peer for each in ended}) > 1
        if several and not survivors and latest > end:
            yield ended
