"""Call records in the packet numbers of another capture: for holding a cut capture against the one it was cut from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from analyzer.base.fact import replace
from analyzer.base.place import PacketPlace
from analyzer.verdict.decision import Decision, Step
from analyzer.verdict.record import CallRecord

# By capture: the number, in the other capture, of packet i + 1 at index i.
Numbers = Mapping[str, Sequence[int]]


def renumber(call: CallRecord, numbers: Numbers) -> CallRecord:
    """``call`` with every packet by its number in the other capture; a packet that stays 0 was none."""
    return replace(
        call,
        packets=tuple((name, _number(numbers, name, a), _number(numbers, name, b)) for name, a, b in call.packets),
        legs=tuple(
            replace(
                leg,
                first_packet=_number(numbers, leg.capture, leg.first_packet),
                last_packet=_number(numbers, leg.capture, leg.last_packet),
            )
            for leg in call.legs
        ),
        before=_steps(call.before, numbers),
        decision=_decision(call.decision, numbers),
        after=_steps(call.after, numbers),
    )


def cited_packets(call: CallRecord) -> Iterator[tuple[str, int]]:
    """Every packet that a record names, as capture and 1-based number."""
    for name, first, last in call.packets:
        yield from ((name, first), (name, last))
    for leg in call.legs:
        yield from ((leg.capture, leg.first_packet), (leg.capture, leg.last_packet))
    yield from ((place.capture, place.packet) for step in call.steps for place in step.packets)


def _decision(decision: Decision, numbers: Numbers) -> Decision:
    return replace(decision, steps=_steps(decision.steps, numbers))


def _steps(steps: Sequence[Step], numbers: Numbers) -> tuple[Step, ...]:
    """Where a packet lies in its file is left out: that is different in every file."""
    return tuple(
        replace(
            step, packets=tuple(PacketPlace(p.capture, _number(numbers, p.capture, p.packet)) for p in step.packets)
        )
        for step in steps
    )


def _number(numbers: Numbers, capture: str, packet: int) -> int:
    return numbers[capture][packet - 1] if packet else 0
