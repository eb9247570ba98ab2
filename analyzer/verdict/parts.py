"""What a part of a run's wires gives by itself, and the parts of a run together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from heapq import merge

from analyzer.base.fact import Fact, set_derived
from analyzer.base.oddity import Oddity
from analyzer.base.pages import letting_go
from analyzer.base.watch import UNWATCHED, Watch
from analyzer.flow.connection import said_on
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.protocol.facts import Conversation
from analyzer.verdict.beside import NOTHING_BESIDE, Beside
from analyzer.verdict.findings import begin_of
from analyzer.verdict.judge import SPEAKING, judge
from analyzer.verdict.oddities import said_oddities
from analyzer.verdict.record import CallRecord
from analyzer.verdict.wires import WIRES_AT_ONCE, Wire, buffers_of


class Part(Fact, frozen=True):
    """Some wires, judged.

    ``calls`` are in the order of their first packet and numbered in it; ``protocols`` has what was said on each wire,
    by the wire's position in the run; ``oddities`` what is strange about it, with the position and its capture.
    """

    calls: tuple[CallRecord, ...]
    protocols: dict[int, str]
    oddities: tuple[tuple[int, str, Oddity], ...]


def judge_part(
    wires: Sequence[Wire],
    positions: Sequence[int],
    mesh: MeshSnapshot | None,
    homes: Mapping[str, str | None],
    watch: Watch = UNWATCHED,
    beside: Beside = NOTHING_BESIDE,
) -> Part:
    """The part of the wires at ``positions``; ``homes`` and ``beside`` as in ``judge``."""
    spoken = speak([wires[position] for position in positions], watch)
    return part_of(spoken, positions, judge(spoken, mesh, homes, watch, beside))


def speak(wires: Sequence[Wire], watch: Watch = UNWATCHED) -> list[tuple[Wire, Conversation]]:
    """The wires, each with all that was said on it."""
    watched = watch.part(0.0, SPEAKING).over("what was said", wires)
    return [(wire, said_on(wire.connection)) for wire in letting_go(watched, buffers_of(wires), every=WIRES_AT_ONCE)]


def part_of(spoken: Sequence[tuple[Wire, Conversation]], positions: Sequence[int], calls: Iterable[CallRecord]) -> Part:
    """The part of wires that were judged."""
    at = list(zip(positions, spoken, strict=True))
    return Part(
        calls=tuple(calls),
        protocols={position: said.protocol for position, (_, said) in at},
        oddities=tuple((position, *odd) for position, pair in at if pair[1].oddities for odd in said_oddities([pair])),
    )


def join_parts(parts: Sequence[Part]) -> Part:
    """All parts of a run as one, whatever wires each was made of; takes the calls over and numbers them anew."""
    if len(parts) == 1:
        return parts[0]
    # Calls that are equal in all that they are sorted by have one client, and so are of one part.
    calls = tuple(merge(*(part.calls for part in parts), key=begin_of))
    for number, call in enumerate(calls, 1):
        set_derived(call, "id", str(number))
    return Part(
        calls=calls,
        protocols={position: said for part in parts for position, said in part.protocols.items()},
        oddities=tuple(sorted((each for part in parts for each in part.oddities), key=lambda each: each[0])),
    )
