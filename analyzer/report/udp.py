"""A sentence about the UDP in captures: nothing of the mesh decides about it."""

from __future__ import annotations

from collections.abc import Iterable

from analyzer.flow.udp import UdpFlow
from analyzer.report.wording import format_count
from analyzer.verdict.record import CaptureRecord

# Targets that the sentence names; the JSON has every flow.
NAMED_TARGETS = 5


def udp_phrase(captures: Iterable[CaptureRecord]) -> str:
    """``4 flows: 2 quic to media.example.org:443, 2 dns to 10.96.0.10:53``; empty where there is no UDP.

    A flow that several captures saw counts once.
    """
    flows = {(flow.client, flow.server): flow for capture in captures for flow in capture.udp}.values()
    if not flows:
        return ""
    counts: dict[str, int] = {}
    for flow in flows:
        target = f"{flow.protocol} to {_target(flow)}"
        counts[target] = counts.get(target, 0) + 1
    most_first = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    named = [f"{count:,} {target}" for target, count in most_first[:NAMED_TARGETS]]
    more = sum(count for _, count in most_first[NAMED_TARGETS:])
    return f"{format_count(len(flows), 'flow')}: {', '.join([*named, *([f'{more:,} to others'] if more else [])])}"


def _target(flow: UdpFlow) -> str:
    return f"{flow.sni}:{flow.server.port}" if flow.sni else str(flow.server)
