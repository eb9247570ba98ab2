"""The moment from which packets stop agreeing with a mesh, or begin to: they were made under another configuration.

Who calls what is followed through time. Where the packets exclude the decision up to a moment, and fit it after (or the
other way about), the mesh input is that of one side only. Many such calls meet in one moment; a server that
merely fails now and then does not.
"""

from __future__ import annotations

from collections.abc import Sequence

from analyzer.base.fact import Fact
from analyzer.base.moment import format_moment
from analyzer.base.oddity import Code, Family, Level
from analyzer.verdict.compare import CallKey
from analyzer.verdict.drift import key_of
from analyzer.verdict.findings import CITED_PACKETS, first_packet_of, targets_phrase
from analyzer.verdict.record import CallRecord, Finding

OTHER_CONFIGURATION = Code(
    "other-configuration",
    Family.FINDING,
    Level.ERROR,
    "for a part of the time the packets look as if under another configuration",
    "Up to a moment, or since it, they contradict the mesh input, and on its other side the same calls fit it: the "
    "mesh was changed then, or proxies received it then.",
    "Give the mesh of each time: -m OLD --mesh-at TIME=NEW.",
)

# Fewer calls on either side of the moment are chance.
LEAST_CALLS = 2


class Parting(Fact, frozen=True):
    """``disagreeing`` calls end at ``moment_ns`` (``ends``) or begin there; other calls of their kind fit beyond it."""

    moment_ns: int
    ends: bool
    disagreeing: tuple[CallRecord, ...]

    @property
    def sentence(self) -> str:
        """What a person should know of it."""
        when = "until" if self.ends else "since"
        beyond = "after" if self.ends else "before"
        count = len(self.disagreeing)
        return (
            f"{when} {format_moment(self.moment_ns)} as if under another configuration: "
            f"{count} {'call' if count == 1 else 'calls'} to {targets_phrase(self.disagreeing)} contradict the YAML, "
            f"and calls like them fit it {beyond} that"
        )


class _Turn(Fact, frozen=True):
    """Calls of one kind that disagree on one side of a moment between ``low_ns`` and ``high_ns``."""

    low_ns: int
    high_ns: int
    ends: bool
    wrong: tuple[CallRecord, ...]
    right: int


def find_parting(calls: Sequence[CallRecord]) -> Parting | None:
    """Where the packets of a run and its one mesh part, None where they do not, or at no one moment."""
    if all(call.observed.agrees is not False for call in calls):
        return None
    kinds: dict[CallKey, list[CallRecord]] = {}
    for call in calls:
        if call.observed.agrees is not None:
            kinds.setdefault(key_of(call), []).append(call)
    turns = [turn for group in kinds.values() for turn in _turn(group)]
    meeting = max((_meeting(turns, at) for at in turns), key=_weight, default=[])
    if _wrong(meeting) < LEAST_CALLS or sum(turn.right for turn in meeting) < LEAST_CALLS:
        return None
    ends = meeting[0].ends
    low_ns, high_ns = max(turn.low_ns for turn in meeting), min(turn.high_ns for turn in meeting)
    moment, beyond = (low_ns, high_ns) if ends else (high_ns, low_ns)
    wrong = [call for turn in meeting for call in turn.wrong]
    wrong += [call for group in kinds.values() for call in _one_sided(group, beyond, ends=ends)]
    return Parting(moment, ends, tuple(sorted(wrong, key=lambda call: (call.first_ns, len(call.id), call.id))))


def parting_finding(parting: Parting) -> Finding:
    """The finding of a parting, with the YAML that the first contradicted decisions stand on."""
    calls = parting.disagreeing
    return Finding(
        code=OTHER_CONFIGURATION,
        sentence=parting.sentence,
        calls=tuple(call.id for call in calls),
        packets=tuple(first_packet_of(call) for call in calls[:CITED_PACKETS]),
        first_ns=parting.moment_ns,
    )


def _turn(group: Sequence[CallRecord]) -> list[_Turn]:
    """The turn of calls of one kind: none where they always agree, never do, or do so by turns."""
    wrong = tuple(call for call in group if call.observed.agrees is False)
    right = [call for call in group if call.observed.agrees is True]
    if not wrong or not right:
        return []
    first_wrong, last_wrong = min(c.first_ns for c in wrong), max(c.first_ns for c in wrong)
    first_right, last_right = min(c.first_ns for c in right), max(c.first_ns for c in right)
    if last_wrong < first_right:
        return [_Turn(last_wrong, first_right, True, wrong, len(right))]
    if last_right < first_wrong:
        return [_Turn(last_right, first_wrong, False, wrong, len(right))]
    return []


def _meeting(turns: Sequence[_Turn], at: _Turn) -> list[_Turn]:
    """The turns of one direction that can be one change: those that hold the end of ``at``'s interval."""
    moment = at.high_ns
    return [turn for turn in turns if turn.ends == at.ends and turn.low_ns < moment <= turn.high_ns]


def _weight(meeting: Sequence[_Turn]) -> tuple[int, int, int]:
    return _wrong(meeting), len(meeting), -meeting[0].low_ns


def _wrong(turns: Sequence[_Turn]) -> int:
    return sum(len(turn.wrong) for turn in turns)


def _one_sided(group: Sequence[CallRecord], beyond_ns: int, *, ends: bool) -> list[CallRecord]:
    """Calls of a kind that disagrees, and is not seen on the side of ``beyond_ns``."""
    if any(call.observed.agrees for call in group):
        return []
    return list(group) if all((call.first_ns < beyond_ns) is ends for call in group) else []
