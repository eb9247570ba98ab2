"""The moment from which packets stop agreeing with a mesh, or begin to: they were made under another configuration.

Who calls what is followed through time. Where the packets exclude the decision up to a moment, and fit it after (or the
other way about), the mesh input is that of one side only. Many such calls meet in one moment; a server that
merely fails now and then does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from analyzer.base.fact import Fact
from analyzer.base.moment import format_moment
from analyzer.base.oddity import Code, Family, Level
from analyzer.verdict.compare import CallKey
from analyzer.verdict.drift import key_of
from analyzer.verdict.findings import CITED_PACKETS, Mark, mark_of, named
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
    disagreeing: tuple[Mark, ...]

    @property
    def sentence(self) -> str:
        """What a person should know of it."""
        when = "until" if self.ends else "since"
        beyond = "after" if self.ends else "before"
        count = len(self.disagreeing)
        targets = named(mark.target for mark in self.disagreeing)
        return (
            f"{when} {format_moment(self.moment_ns)} as if under another configuration: "
            f"{count} {'call' if count == 1 else 'calls'} to {targets} contradict the YAML, "
            f"and calls like them fit it {beyond} that"
        )


class _Turn(Fact, frozen=True):
    """Calls of one kind that disagree on one side of a moment between ``low_ns`` and ``high_ns``."""

    low_ns: int
    high_ns: int
    ends: bool
    wrong: list[Mark]
    right: int


class Kind:
    """The calls of one kind that packets can be held against: those that disagree, and when the others were."""

    __slots__ = ("first_right_ns", "last_right_ns", "right", "wrong")

    def __init__(self) -> None:
        self.wrong: list[Mark] = []
        self.right = self.first_right_ns = self.last_right_ns = 0

    def add_right(self, count: int, first_ns: int, last_ns: int) -> None:
        """Count calls that agree, of which the first and the last began at these times."""
        self.first_right_ns = min(self.first_right_ns, first_ns) if self.right else first_ns
        self.last_right_ns = max(self.last_right_ns, last_ns) if self.right else last_ns
        self.right += count


# By who calls what.
Kinds = dict[CallKey, Kind]


def find_parting(calls: Sequence[CallRecord]) -> Parting | None:
    """Where the packets of a run and its one mesh part, None where they do not, or at no one moment."""
    if all(call.observed.agrees is not False for call in calls):
        return None
    return parting_of(kinds_of(calls))


def kinds_of(calls: Iterable[CallRecord]) -> Kinds:
    """The calls that packets can be held against, in their order."""
    kinds: Kinds = {}
    for call in calls:
        agrees = call.observed.agrees
        if agrees is None:
            continue
        key = key_of(call)
        kind = kinds.get(key)
        if kind is None:
            kind = kinds[key] = Kind()
        if agrees:
            kind.add_right(1, call.first_ns, call.first_ns)
        else:
            kind.wrong.append(mark_of(call))
    return kinds


def parting_of(kinds: Kinds) -> Parting | None:
    """The parting of a run's calls, by kind; as ``find_parting``."""
    turns = [turn for kind in kinds.values() if kind.wrong and kind.right for turn in _turn(kind)]
    turns.sort(key=lambda turn: (turn.low_ns, turn.high_ns, turn.ends))
    meeting = max((_meeting(turns, at) for at in turns), key=_weight, default=[])
    if _wrong(meeting) < LEAST_CALLS or sum(turn.right for turn in meeting) < LEAST_CALLS:
        return None
    ends = meeting[0].ends
    low_ns, high_ns = max(turn.low_ns for turn in meeting), min(turn.high_ns for turn in meeting)
    moment, beyond = (low_ns, high_ns) if ends else (high_ns, low_ns)
    wrong = [mark for turn in meeting for mark in turn.wrong]
    wrong += [mark for kind in kinds.values() for mark in _one_sided(kind, beyond, ends=ends)]
    return Parting(moment, ends, tuple(sorted(wrong, key=lambda mark: (mark.first_ns, len(mark.call), mark.call))))


def parting_finding(parting: Parting) -> Finding:
    """The finding of a parting, with the YAML that the first contradicted decisions stand on."""
    marks = parting.disagreeing
    return Finding(
        code=OTHER_CONFIGURATION,
        sentence=parting.sentence,
        calls=tuple(mark.call for mark in marks),
        packets=tuple(mark.packet for mark in marks[:CITED_PACKETS]),
        first_ns=parting.moment_ns,
    )


def _turn(kind: Kind) -> list[_Turn]:
    """The turn of calls of one kind, of which some agree and some do not: none where they do so by turns."""
    first_wrong, last_wrong = (end(mark.first_ns for mark in kind.wrong) for end in (min, max))
    if last_wrong < kind.first_right_ns:
        return [_Turn(last_wrong, kind.first_right_ns, True, kind.wrong, kind.right)]
    if kind.last_right_ns < first_wrong:
        return [_Turn(kind.last_right_ns, first_wrong, False, kind.wrong, kind.right)]
    return []


def _meeting(turns: Sequence[_Turn], at: _Turn) -> list[_Turn]:
    """The turns of one direction that can be one change: those that hold the end of ``at``'s interval."""
    moment = at.high_ns
    return [turn for turn in turns if turn.ends == at.ends and turn.low_ns < moment <= turn.high_ns]


def _weight(meeting: Sequence[_Turn]) -> tuple[int, int, int]:
    return _wrong(meeting), len(meeting), -meeting[0].low_ns


def _wrong(turns: Sequence[_Turn]) -> int:
    return sum(len(turn.wrong) for turn in turns)


def _one_sided(kind: Kind, beyond_ns: int, *, ends: bool) -> list[Mark]:
    """Calls of a kind that disagrees, and is not seen on the side of ``beyond_ns``."""
    if kind.right:
        return []
    return kind.wrong if all((mark.first_ns < beyond_ns) is ends for mark in kind.wrong) else []
