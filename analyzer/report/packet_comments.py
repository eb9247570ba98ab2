"""What is said about the packets of calls, for a program that shows packets: verdicts, and what single ones prove."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from analyzer.base.fact import Fact
from analyzer.base.place import PacketPlace
from analyzer.report.phrase import VERDICT_ORDER, reason_word, source_phrase, target_phrase, verdict_word
from analyzer.report.private import redact_call
from analyzer.verdict.record import CallRecord

# What the comment on every packet begins with, before the verdict: a display filter finds the verdict by it.
MARK = "meshverdict: "
# Calls on one connection that a comment names; the others are counted.
NAMED_CALLS = 8


class Comments(Fact, frozen=True):
    """What is said ``by_packet``, and ``by_connection`` (of a capture, by uid) at each of its packets."""

    by_packet: Mapping[PacketPlace, tuple[str, ...]]
    by_connection: Mapping[tuple[str, str], str]

    def of(self, packet: PacketPlace, uid: str) -> tuple[str, ...]:
        """The comments of a packet of the connection ``uid``."""
        mark = self.by_connection.get((packet.capture, uid))
        return (*([mark] if mark else ()), *self.by_packet.get(packet, ()))


def comments_of(calls: Iterable[CallRecord], *, redact: bool = True) -> Comments:
    """All comments about ``calls``."""
    calls = tuple(calls)
    return Comments(packet_comments(calls, redact=redact), connection_comments(calls))


def packet_comments(calls: Iterable[CallRecord], *, redact: bool = True) -> dict[PacketPlace, tuple[str, ...]]:
    """Comments by packet: the verdict at the first packet of each leg and of the call, a step at each that it cites."""
    found: dict[PacketPlace, dict[str, None]] = {}
    for call in calls:
        shown = redact_call(call) if redact else call
        for place, comment in _comments(shown):
            found.setdefault(PacketPlace(place.capture, place.packet), {})[comment] = None
    return {place: tuple(comments) for place, comments in found.items()}


def connection_comments(calls: Iterable[CallRecord]) -> dict[tuple[str, str], str]:
    """What stands at every packet of a connection, by capture and uid: the worst verdict of its calls, and these."""
    carried: dict[tuple[str, str], list[CallRecord]] = {}
    for call in calls:
        for key in dict.fromkeys((leg.capture, leg.uid) for leg in call.legs):
            carried.setdefault(key, []).append(call)
    return {key: _mark(together) for key, together in carried.items()}


def _mark(calls: list[CallRecord]) -> str:
    worst = min((call.decision.verdict for call in calls), key=VERDICT_ORDER.index)
    named = ", ".join(call.id for call in calls[:NAMED_CALLS])
    more = f" and {len(calls) - NAMED_CALLS} more" if len(calls) > NAMED_CALLS else ""
    return f"{MARK}{verdict_word(worst)} ({'call' if len(calls) == 1 else 'calls'} {named}{more})"


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
