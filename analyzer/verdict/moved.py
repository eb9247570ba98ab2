"""What a change of the mesh moved: calls that end otherwise since then, and the lines of YAML that did it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from analyzer.base.moment import format_moment
from analyzer.base.oddity import Code, Family, Level
from analyzer.mesh.history import Era, MeshHistory
from analyzer.verdict.cause import find_causes
from analyzer.verdict.decision import DROPPED, VERDICTS, Decision
from analyzer.verdict.findings import CITED_PACKETS, client_of, first_packet_of, named, target_of
from analyzer.verdict.judge import Asked
from analyzer.verdict.record import Finding, MovedCall
from analyzer.verdict.whatif import shifts_between

MOVED_BY_CHANGE = Code(
    "moved-by-change",
    Family.FINDING,
    Level.ERROR,
    "a change of the mesh moved the call",
    "The mesh that held before sent it elsewhere; the lines are those that undo the move when they are taken back.",
    "Take the change back, or declare what the calls need: a ServiceEntry, a policy, a route.",
)


def moved_findings(asked: Iterable[Asked], history: MeshHistory, codes: Mapping[str, Code]) -> tuple[Finding, ...]:
    """A finding for each client and way to move, by the time of the change; what is dropped since then first."""
    by_era: list[list[Asked]] = [[] for _ in history.eras]
    for each in asked:
        by_era[history.index_at(each.record.first_ns)].append(each)
    found: list[Finding] = []
    for number in range(1, len(history.eras)):
        old, era = history.eras[number - 1], history.eras[number]
        found += _findings(_moves(by_era[number], old, era), era, codes)
    return tuple(found)


def _moves(asked: Sequence[Asked], old: Era, new: Era) -> list[MovedCall]:
    shifts = [s for s in shifts_between(asked, old.mesh, new.mesh, recorded=new.mesh) if s.moved]
    causes = find_causes(old.mesh, new.mesh, shifts)
    return [MovedCall(s.asked.record, s.before, s.after, yaml) for s, yaml in zip(shifts, causes, strict=True)]


def _findings(moves: Iterable[MovedCall], era: Era, codes: Mapping[str, Code]) -> Iterator[Finding]:
    groups: dict[tuple[object, ...], list[MovedCall]] = {}
    for move in moves:
        ways = (_way(each) for each in (move.before, move.after) if each)
        groups.setdefault((client_of(move.call), *ways, move.yaml), []).append(move)
    for group in sorted(groups.values(), key=_weight):
        yield _finding(group, era, codes)


def _weight(group: Sequence[MovedCall]) -> tuple[bool, int, str]:
    after = group[0].after
    return after is None or after.verdict != DROPPED, -len(group), client_of(group[0].call)


def _finding(group: Sequence[MovedCall], era: Era, codes: Mapping[str, Code]) -> Finding:
    first, calls = group[0], [move.call for move in group]
    assert first.before is not None
    assert first.after is not None
    reason = codes.get(_reason(first.after))
    because = f": {reason.summary}" if reason else ""
    before = _verdict(first.before)
    if before == _verdict(first.after):
        before += f" ({_reason(first.before)})"
    return Finding(
        code=MOVED_BY_CHANGE,
        sentence=f"{client_of(first.call)} → {named(map(target_of, calls))}: {_verdict(first.after)} since "
        f"{format_moment(era.since_ns)}, {before} before{because}",
        calls=tuple(call.id for call in calls),
        yaml=first.yaml,
        packets=tuple(first_packet_of(call) for call in calls[:CITED_PACKETS]),
        advice=(reason.advice if reason and first.after.verdict == DROPPED else "") or MOVED_BY_CHANGE.advice,
        first_ns=min(call.first_ns for call in calls),
    )


def _way(decision: Decision) -> tuple[str, str]:
    return _verdict(decision), _reason(decision)


def _verdict(decision: Decision) -> str:
    return decision.verdict if decision.verdict in VERDICTS else "undetermined"


def _reason(decision: Decision) -> str:
    return decision.reason or next(iter(decision.undetermined), "")
