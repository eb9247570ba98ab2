"""What is said about single packets of a call, for a program that shows packets: its verdict, and what they prove."""

from __future__ import annotations

from collections.abc import Iterable

from analyzer.base.place import PacketPlace
from analyzer.report.phrase import reason_word, source_phrase, target_phrase, verdict_word
from analyzer.report.private import redact_call
from analyzer.verdict.record import CallRecord


def packet_comments(calls: Iterable[CallRecord], *, redact: bool = True) -> dict[PacketPlace, tuple[str, ...]]:
    """Comments by packet: the verdict at the first packet of each leg and of the call, a step at each that it cites."""
    found: dict[PacketPlace, dict[str, None]] = {}
    for call in calls:
        shown = redact_call(call) if redact else call
        for place, comment in _comments(shown):
            found.setdefault(PacketPlace(place.capture, place.packet), {})[comment] = None
    return {place: tuple(comments) for place, comments in found.items()}


def _comments(call: CallRecord) -> Iterable[tuple[PacketPlace, str]]:
    decision = call.decision
    verdict = (
        f"call {call.id}: {verdict_word(decision.verdict)}, {reason_word(decision)}: "
        f"{source_phrase(call)} to {target_phrase(call)}"
    )
    for leg in call.legs:
        yield PacketPlace(leg.capture, leg.first_packet), f"{verdict} ({leg.role}{'' if leg.certain else ', probable'})"
    if call.legs:
        own = call.legs[0].capture
        yield from ((PacketPlace(own, first), verdict) for name, first, _ in call.packets if name == own)
    for step in call.steps:
        yield from ((place, f"call {call.id}: {step.sentence}") for place in step.packets)
