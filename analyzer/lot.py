"""One lot of a large capture through all rooms: its lines written away, and the little that is kept of it."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from analyzer.base.fact import Fact, replace
from analyzer.base.scratch import Scratch
from analyzer.base.watch import UNWATCHED, Watch
from analyzer.capture.capture import Capture
from analyzer.flow.lots import Lots
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.opening import read_connections
from analyzer.report.json_text import CallText, flow_text
from analyzer.report.spill import Key, Lines, spill_lines
from analyzer.verdict.answers import Answers
from analyzer.verdict.beside import Beside
from analyzer.verdict.compare import CallKey
from analyzer.verdict.findings import Groups, Mark, weigh
from analyzer.verdict.flows import flow_records
from analyzer.verdict.health import Sights, sights_of
from analyzer.verdict.oddities import Tally
from analyzer.verdict.parting import Kind, Kinds, kinds_of
from analyzer.verdict.parts import judge_part
from analyzer.verdict.record import CallRecord
from analyzer.verdict.wires import Sighting, Wire, gather_wires

# So many decisions of the mesh, and their texts, are remembered from lot to lot: each takes about 4 kB.
REMEMBERED_ANSWERS = 20_000
# What a call's line begins with, up to its number.
CALL = '{"kind":"call","id":"'
FLOW = '{"kind":"flow",'

Choice = Callable[[CallRecord], bool]


@dataclass(frozen=True, slots=True)
class Task:
    """What the lots of a capture are judged by; ``watched`` are choices whose names are told where any call is so."""

    capture: Capture
    lots: Lots
    mesh: MeshSnapshot | None
    home: str | None
    beside: Beside
    keep: Choice
    watched: Mapping[str, Choice]
    redact: bool


class LotRun(Fact, frozen=True):
    """What is kept of a lot: where its lines are, and what it adds to the whole run.

    ``wrong`` are the calls that the packets contradict, by kind; ``odd`` is what is strange about its packets, ``said``
    about what was said.
    """

    calls: Lines
    flows: Lines
    verdicts: Counter[str | None]
    met: frozenset[str]
    groups: Groups
    wrong: dict[CallKey, list[Mark]]
    sights: Sights
    odd: Tally
    said: Tally
    connections: int


class LotWriter:
    """Judges lots, one after the other, and writes their lines to two files.

    ``kinds`` counts the calls of all lots so far that the packets agree with.
    """

    def __init__(self, task: Task, calls: Scratch, flows: Scratch) -> None:
        self._task = task
        self._calls, self._flows = calls, flows
        self._answers = Answers(task.mesh) if task.mesh else None
        self._text = CallText(redact=task.redact)
        self.kinds: Kinds = {}

    def run(self, lot: int, watch: Watch = UNWATCHED) -> LotRun:
        """Judge a lot."""
        task = self._task
        name = task.capture.name
        capture = replace(task.capture, records=task.capture.records.part(task.lots.rows(lot)))
        _, traffic, found = read_connections(capture, watch.part(0.0, 0.4))
        wires = gather_wires(Sighting(name, connection) for connection in found)
        homes, watch = {name: task.home}, watch.part(0.4, 1.0)
        self._begin_anew_at_times()
        part = judge_part(wires, range(len(wires)), task.mesh, homes, watch, task.beside, self._answers)
        kept = [call for call in part.calls if task.keep(call)]
        odd, said = Tally(traffic.oddities), Tally()
        for connection in found:
            odd.add(connection.oddities, connection.first_packet)
        for position, _, oddity in part.oddities:
            said.add((oddity,), wires[position].first_ns)
        return LotRun(
            calls=spill_lines(self._calls, self._call_lines(part.calls, kept)),
            flows=spill_lines(self._flows, _flow_lines(wires, part.protocols, kept)),
            verdicts=Counter(call.decision.verdict for call in kept),
            met=frozenset(name for name, choice in task.watched.items() if any(map(choice, kept))),
            groups=weigh(kept),
            wrong=self._parted(kept),
            sights=sights_of(found),
            odd=odd,
            said=said,
            connections=len(found),
        )

    def _parted(self, kept: Sequence[CallRecord]) -> dict[CallKey, list[Mark]]:
        """Count calls that the packets agree with, and give the others."""
        wrong = {}
        for key, kind in kinds_of(kept).items():
            if kind.wrong:
                wrong[key], kind.wrong = kind.wrong, []
            if kind.right:
                self.kinds.setdefault(key, Kind()).join(kind)
        return wrong

    def _begin_anew_at_times(self) -> None:
        """What is remembered of earlier lots is much the same from lot to lot, but has a ceiling."""
        if self._answers is not None and self._answers.decided > REMEMBERED_ANSWERS:
            self._answers = Answers(self._task.mesh) if self._task.mesh else None
            self._text = CallText(redact=self._task.redact)
            gc.collect()

    def _call_lines(
        self, calls: Sequence[CallRecord], kept: Sequence[CallRecord]
    ) -> Iterator[tuple[Key, bytes | None]]:
        """The lines of calls from behind their numbers on; calls that are not kept have none, but a number."""
        shown = iter(kept)
        following = next(shown, None)
        for call in calls:
            key = call.first_ns, call.client, call.request
            if call is following:
                line = self._text.write(call, '{"kind":"call",')
                yield key, f"{line[len(CALL) + len(call.id) :]}\n".encode()
                following = next(shown, None)
            else:
                yield key, None
        self._text.forget_calls()


def _flow_lines(
    wires: Sequence[Wire], protocols: Mapping[int, str], calls: Sequence[CallRecord]
) -> Iterator[tuple[Key, bytes | None]]:
    """The lines of the flows behind their opening, in the order of the wires."""
    keys = ((wire.first_ns, wire.client) for wire in wires for _ in wire.sightings)
    flows = flow_records(wires, protocols, calls)
    for number, (key, flow) in enumerate(zip(keys, flows, strict=True)):
        yield (*key, number), f"{flow_text(flow)[1:]}\n".encode()
