"""Holds ``whatif`` against ``route``: nothing moves to the same mesh, and a change of one line moves what it should.

    python benchmarks/whatif_changes.py WORLDS [--changes N] [--jobs N]

WORLDS is a folder of recorded worlds, or one of them. Of every world with captures: ``whatif`` from its mesh to its
mesh; then N changes of one line each, chosen by the world's name, so that they are the same every time. What `route`
says of the world's questions in both meshes must be what ``whatif`` says of their recorded calls, no more and no less,
and each move must name the line.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from analyzer.base.errors import AnalyzerError
from analyzer.base.fact import replace
from analyzer.mesh.load import parse_mesh
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.pipeline import analyze_paths, what_if_paths
from analyzer.verdict.calls_file import parse_calls
from analyzer.verdict.compare import Ending, ending_of
from analyzer.verdict.decide import decide

# Kinds whose lines are changed: what teams write. Pods stay, for they say who calls.
CHANGED_KINDS = frozenset(
    (
        "AuthorizationPolicy", "ConfigMap", "DestinationRule", "Gateway", "GRPCRoute", "HTTPRoute",
        "PeerAuthentication", "ReferenceGrant", "RequestAuthentication", "Service", "ServiceEntry", "Sidecar",
        "TCPRoute", "TLSRoute",
        "VirtualService",
    )
)  # fmt: skip
# Values that mean the opposite of each other; others get a letter more, numbers one more.
_OPPOSITES = {
    "ALLOW": "DENY", "DENY": "ALLOW", "ALLOW_ANY": "REGISTRY_ONLY", "REGISTRY_ONLY": "ALLOW_ANY",
    "STRICT": "PERMISSIVE", "PERMISSIVE": "STRICT", "DISABLE": "STRICT", "true": "false", "false": "true",
    "HTTP": "TCP", "TCP": "HTTP",
    "http": "tcp", "tcp": "http", "exact": "prefix", "NONE": "STATIC",
}  # fmt: skip
_KIND = re.compile(r"^kind: *(\w+)", re.MULTILINE)
_LINE = re.compile(r"(?P<head>\s*(?:- )*(?:[\w./-]+: +)?)(?P<quote>['\"]?)(?P<value>[\w.*/-]+)(?P=quote)\s*")
# Lines that say what a document is, not what it means.
_LEFT_ALONE = re.compile(r"\s*(?:apiVersion|kind|creationTimestamp|uid|resourceVersion):")

# Who called, by address and port, and which request of the connection it was.
CallPlace = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a file that is another; ``text`` is the whole file with it."""

    line: int
    old: str
    new: str
    text: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a change did: which calls should move, which did, and how many of these name the line."""

    world: str
    change: Change | None
    expected: frozenset[CallPlace]
    moved: frozenset[CallPlace]
    asked: int
    named: int = 0

    @property
    def moves_right(self) -> bool:
        """Whether exactly the right calls move."""
        return self.expected == self.moved

    @property
    def agrees(self) -> bool:
        """Whether exactly the right calls move, each with the right line."""
        return self.moves_right and self.named == len(self.moved)


def changes_of(text: str, seed: str, count: int) -> list[Change]:
    """``count`` changes of one line of a file with manifests; fewer where it has no more lines to change."""
    lines = text.split("\n")
    candidates = list(_candidates(lines))
    random.Random(seed).shuffle(candidates)
    found = []
    for number in candidates:
        new = _changed(lines[number])
        changed = "\n".join([*lines[:number], new, *lines[number + 1 :]])
        if _is_mesh(changed):
            found.append(Change(number + 1, lines[number], new, changed))
        if len(found) == count:
            break
    return found


def _is_mesh(text: str) -> bool:
    try:
        parse_mesh(text, file="manifests.yaml")
    except AnalyzerError:
        return False
    return True


def _candidates(lines: list[str]) -> Iterator[int]:
    begin = 0
    for number, line in enumerate([*lines, "---"]):
        if line.rstrip() != "---":
            continue
        kind = _KIND.search("\n".join(lines[begin:number]))
        if kind is not None and kind[1] in CHANGED_KINDS:
            within = range(begin, number)
            yield from (n for n in within if _LINE.fullmatch(lines[n]) and not _LEFT_ALONE.match(lines[n]))
        begin = number + 1


def _changed(line: str) -> str:
    found = _LINE.fullmatch(line)
    assert found is not None
    value = found["value"]
    new = _OPPOSITES.get(value) or (str(int(value) + 1) if value.isdigit() else f"{value}x")
    return f"{found['head']}{found['quote']}{new}{found['quote']}"


def compare_world(world: Path, count: int) -> list[Outcome]:
    """The outcomes of a world: first of no change, then of ``count`` changes; empty where it has no captures."""
    captures = sorted(str(path) for path in (world / "pods").glob("*.any.pcap"))
    if not captures:
        return []
    text = (world / "mesh" / "manifests.yaml").read_text(encoding="utf-8")
    old = parse_mesh(text, file="manifests.yaml")
    asked = _asked(world, captures, old)
    before = _ends(world, old)
    outcomes = [_held(world, None, old, captures, old, asked, before)]
    for change in changes_of(text, world.name, count):
        new = parse_mesh(change.text, file="manifests.yaml")
        outcomes.append(_held(world, change, new, captures, old, asked, before))
    return outcomes


def _held(
    world: Path, change: Change | None, new: MeshSnapshot, captures: list[str], old: MeshSnapshot,
    asked: dict[CallPlace, str], before: dict[str, Ending],
) -> Outcome:  # fmt: skip
    after = _ends(world, new)
    moves = {(str(m.call.client), m.call.request): m for m in what_if_paths(captures, old, new).moves}
    expected = frozenset(place for place, name in asked.items() if before[name] != after[name])
    moved = {place: move for place, move in moves.items() if place in asked}
    named = sum(any(place.line == change.line for place in move.yaml) for move in moved.values()) if change else 0
    return Outcome(world.name, change, expected, frozenset(moved), len(asked), named)


def _ends(world: Path, mesh: MeshSnapshot) -> dict[str, Ending]:
    """Where ``route`` leads every question of a world."""
    questions = parse_calls((world / "calls.jsonl").read_bytes(), file=world.name)
    return {each.name: replace(ending_of(decide(mesh, each.question)), reason="") for each in questions}


def _asked(world: Path, captures: list[str], mesh: MeshSnapshot) -> dict[CallPlace, str]:
    """The questions that a recorded call asks, by the call: those of which the recording shows where the call ends."""
    truths = map(json.loads, (world / "truth.jsonl").read_text(encoding="utf-8").splitlines())
    names = {(t["client"], t["request"]): t["name"] for t in truths if t.get("client")}
    known = {each.name for each in parse_calls((world / "calls.jsonl").read_bytes(), file=world.name)}
    seen = {(str(call.client), call.request) for call in analyze_paths(captures, mesh).calls}
    return {place: name for place, name in names.items() if place in seen and name in known}


def main() -> None:
    """Print a line per disagreement and the sums."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("worlds", type=Path)
    parser.add_argument("--changes", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    folders = [options.worlds] if (options.worlds / "mesh").is_dir() else sorted(options.worlds.iterdir())
    worlds = [each for each in folders if (each / "pods").is_dir()]
    with ProcessPoolExecutor(options.jobs) as pool:
        found = [o for part in pool.map(compare_world, worlds, [options.changes] * len(worlds)) for o in part]
    for each in found:
        if not each.agrees:
            print(_told(each))  # noqa: T201
    moving = [each for each in found if each.moved]
    print(  # noqa: T201
        f"{len(worlds)} worlds, {len(found)} comparisons: {sum(e.moves_right for e in found)} move exactly what route "
        f"says, {sum(e.agrees for e in found)} of them name the line for every call; {len(moving)} changes move "
        f"{sum(len(e.moved) for e in moving)} calls of {sum(e.asked for e in found)} asked"
    )


def _told(outcome: Outcome) -> str:
    made = outcome.change
    change = f"line {made.line}: {made.old.strip()} → {made.new.strip()}" if made else "no change"
    missing, surplus = sorted(outcome.expected - outcome.moved), sorted(outcome.moved - outcome.expected)
    return (
        f"{outcome.world}: {change}: {len(outcome.expected)} expected, {len(outcome.moved)} moved, "
        f"{outcome.named} name the line; missing {missing[:3]}, surplus {surplus[:3]}"
    )


if __name__ == "__main__":
    main()
