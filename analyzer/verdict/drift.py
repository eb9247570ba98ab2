"""Two runs call by call: what moved, what is new, what is gone, and what ends in another share than before."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

from analyzer.base.fact import Fact, replace
from analyzer.base.place import YamlPlace
from analyzer.verdict.compare import CallKey, Ending, ending_of
from analyzer.verdict.decision import Decision
from analyzer.verdict.findings import target_of
from analyzer.verdict.record import CallRecord, CaptureRecord, MeshRecord, MovedCall

# What a ReplicaSet appends to the names of its pods (k8s.io/apimachinery, rand.SafeEncodeString's alphabet).
_REPLICA = re.compile(r"-[bcdfghjklmnpqrstvwxz2456789]{5,10}-[bcdfghjklmnpqrstvwxz2456789]{5}$")
# A segment of a path that names one thing of many: a number, a UUID, a long hexadecimal text.
_IDENTIFIER = re.compile(r"/(?:[0-9]++|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{16,}+)(?![^/])")
# Below this many calls in either run a share is chance.
LEAST_SHARED_CALLS = 10
# Percentage points that a share may change by and still be the same.
DEFAULT_SHARE_POINTS = 10.0
# The target, the protocol and the method of a ``CallKey``.
Asked = tuple[str, str, str]


class EndingShare(Fact, frozen=True):
    """How many calls of one key ended in one way, before and after."""

    ending: Ending
    before: int
    after: int


class ShareChange(Fact, frozen=True):
    """A key whose calls end in the same ways in both runs, but in other shares; ``first`` is one of them."""

    key: CallKey
    first: CallRecord
    shares: tuple[EndingShare, ...]


class RunDiff(Fact, frozen=True):
    """What is different in the second of two runs; ``calls`` are how many each has."""

    moves: tuple[MovedCall, ...]
    shares: tuple[ShareChange, ...]
    calls: tuple[int, int]
    captures: tuple[CaptureRecord, ...] = ()
    meshes: tuple[MeshRecord, ...] = ()
    limits: tuple[str, ...] = ()


def diff_runs(
    before: Sequence[CallRecord], after: Sequence[CallRecord], *, share_points: float = DEFAULT_SHARE_POINTS
) -> RunDiff:
    """What is different, by who calls what: the client's workload, what it asked for, and how.

    Neither addresses, ports and times count, nor what names one pod of a Deployment or one thing in a path.
    """
    old, new = _by_key(before), _by_key(after)
    moves: list[MovedCall] = []
    shares: list[ShareChange] = []
    for key in sorted(old.keys() | new.keys()):
        found = _moves(old.get(key, []), new.get(key, []))
        moves += found
        if not found:
            shares += _shares(key, old[key], new[key], share_points)
    return RunDiff(tuple(moves), tuple(shares), (len(before), len(after)))


def with_causes(diff: RunDiff, moved: Iterable[MovedCall]) -> RunDiff:
    """``diff`` with the lines that ``what_if`` found for the calls that move from one run's mesh to the other's."""
    causes = {(key_of(move.call), move.after and _end_of(move.after)): move.yaml for move in moved}
    moves = tuple(
        replace(move, yaml=causes.get((key_of(move.call), _end_of(move.after)), ()))
        if move.before and move.after
        else move
        for move in diff.moves
    )
    return replace(diff, moves=moves)


def key_of(call: CallRecord) -> CallKey:
    """Who calls what, in words that stay the same from run to run."""
    client = workload_of(call.pod) if call.pod else call.client.ip
    return CallKey(client, *asked_of(call), path_kind(call.path or ""))


def asked_of(call: CallRecord) -> Asked:
    """What a call's key says of it apart from its client and its path."""
    return target_of(call), call.protocol, call.method or ""


@lru_cache(maxsize=65536)
def workload_of(pod: str) -> str:
    """A pod's name without what a ReplicaSet appends to it."""
    return _REPLICA.sub("", pod)


@lru_cache(maxsize=65536)
def path_kind(path: str) -> str:
    """A path without its query, with a star for what names one thing of many."""
    return _IDENTIFIER.sub("/*", "/" + path.partition("?")[0])[1:]


def _by_key(calls: Iterable[CallRecord]) -> dict[CallKey, list[CallRecord]]:
    found: dict[CallKey, list[CallRecord]] = {}
    for call in calls:
        found.setdefault(key_of(call), []).append(call)
    return found


def _end(call: CallRecord) -> Ending:
    return _end_of(call.decision)


def _end_of(decision: Decision) -> Ending:
    return replace(ending_of(decision), reason="")


def _moves(old: list[CallRecord], new: list[CallRecord]) -> list[MovedCall]:
    """The calls of one key that end as none of the other run does, each against what most of that run do."""
    if not old or not new:
        return [MovedCall(c, None, c.decision) for c in new] + [MovedCall(c, c.decision, None) for c in old]
    left, come = {_end(call) for call in old}, {_end(call) for call in new}
    usual_before = _usual([c for c in old if _end(c) not in come] or old)
    usual_after = _usual([c for c in new if _end(c) not in left] or new)
    moved = [_moved(call, usual_before, call.decision) for call in new if _end(call) not in left]
    return moved or [_moved(call, call.decision, usual_after) for call in old if _end(call) not in come]


def _usual(calls: list[CallRecord]) -> Decision:
    """The decision of the most calls, of the first of them among equals."""
    counts = Counter(_end(call) for call in calls)
    return max(calls, key=lambda call: counts[_end(call)]).decision


def _moved(call: CallRecord, before: Decision, after: Decision) -> MovedCall:
    return MovedCall(call, before, after, _parting_places(before, after))


def _parting_places(before: Decision, after: Decision) -> tuple[YamlPlace, ...]:
    """The YAML of the first step on either side that the other side does not take; later ones follow from it."""
    places: dict[str, YamlPlace] = {}
    for one, other in ((before, after), (after, before)):
        known = {step.sentence for step in other.steps}
        own = (step.yaml for step in one.steps if step.sentence not in known and not step.aside and step.yaml)
        for place in next(own, ()):
            # A run that was read back knows no columns: the same line is told once, as the newer run has it.
            places[place.file_line] = place
    return tuple(places.values())


def _shares(key: CallKey, old: list[CallRecord], new: list[CallRecord], share_points: float) -> list[ShareChange]:
    before, after = (Counter(_end(call) for call in calls) for calls in (old, new))
    if min(len(old), len(new)) < LEAST_SHARED_CALLS:
        return []
    changed = any(abs(100 * before[e] / len(old) - 100 * after[e] / len(new)) > share_points for e in before)
    shares = tuple(EndingShare(ending, before[ending], after[ending]) for ending in sorted(before))
    return [ShareChange(key, new[0], shares)] if changed else []
