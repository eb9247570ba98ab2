"""One lot of a large capture through all rooms: its lines written away, and the little that is kept of it."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import chain

import numpy as np

from analyzer.alone import AloneWriter, Lot, Told
from analyzer.alone_lines import AloneLines
from analyzer.alone_sums import AloneSums
from analyzer.base.fact import Fact, set_derived
from analyzer.base.pages import letting_go
from analyzer.base.scratch import Scratch
from analyzer.base.watch import UNWATCHED, Watch
from analyzer.capture.capture import Capture
from analyzer.flow.connection import said_on
from analyzer.flow.connections import Connections
from analyzer.flow.traffic import Traffic
from analyzer.mesh.kinds.mesh_config import LOCALHOST
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.protocol.facts import Conversation
from analyzer.report.end_log import EndLog, LineEnds
from analyzer.report.json_text import CallText, flow_text
from analyzer.report.record_form import LINES, RecordForm
from analyzer.report.spill import Lines, Spill
from analyzer.verdict.answers import Answers
from analyzer.verdict.beside import Beside
from analyzer.verdict.compare import CallKey
from analyzer.verdict.findings import Groups, Mark, weigh
from analyzer.verdict.flows import Verdicts, flow_records, verdicts_by_uid
from analyzer.verdict.health import Sights
from analyzer.verdict.judge import judge
from analyzer.verdict.oddities import Tally, said_oddities
from analyzer.verdict.parting import kinds_of
from analyzer.verdict.record import CallRecord, MeshRecord
from analyzer.verdict.rights import RightLog
from analyzer.verdict.shards import may_be_legs
from analyzer.verdict.wires import WIRES_AT_ONCE, Sighting, Wire, gather_wires, in_order

# So many decisions of the mesh, and their texts, are remembered from lot to lot: each takes about 4 kB.
REMEMBERED_ANSWERS = 20_000
# ... and so many bytes of them: most are in patterns of lines.
REMEMBERED_LEN = 1 << 27
# What a call's first field is, up to its number.
_ID = '"id":"'

Choice = Callable[[CallRecord], bool]


class Plan(Fact, frozen=True):
    """How a capture is judged in lots: ``hint`` is whose it may be.

    ``keep`` chooses the calls that count, all where it is None; ``watched`` are choices that are told where a call is
    so. Without a ``form`` a summary is all that is told of calls, they have no lines.
    """

    mesh: MeshSnapshot | None
    mesh_record: MeshRecord | None
    hint: str | None
    keep: Choice | None
    watched: Mapping[str, Choice]
    redact: bool = True
    jobs: int = 1
    form: RecordForm | None = LINES

    def needs_whole(self, capture: Capture) -> bool:
        """Whether the capture cannot be judged in lots: keys open its TLS, or sidecars deliver to 127.0.0.1."""
        return bool(capture.secrets) or (self.mesh is not None and self.mesh.config.inbound_policy == LOCALHOST)


class LotTraffic(Fact, frozen=True):
    """A lot: the bytes that its tables point into, its traffic, and the connections of that, each at its index."""

    buffer: memoryview
    traffic: Traffic
    connections: Connections


class Task(Fact, frozen=True):
    """What the ``count`` lots of a capture are judged by; ``read`` gives one of them."""

    name: str
    plan: Plan
    read: Callable[[int, Watch], LotTraffic]
    count: int
    home: str | None
    beside: Beside


class LotRun(Fact, frozen=True):
    """What is kept of a lot: where its lines are, and what it adds to the whole run.

    ``wrong`` are the calls that the packets contradict, by kind; ``odd`` is what is strange about its packets, ``said``
    about what was said. With ``compared`` pieces of streams repeats were compared. ``ends`` are those of its calls, one
    by one, where nothing but a summary is told.
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
    compared: int
    ends: LineEnds | None


class LotWriter:
    """Judges lots, one after the other, and writes their lines to two files.

    ``rights`` counts the calls of all lots so far that the packets agree with.
    """

    def __init__(self, task: Task, calls: Scratch, flows: Scratch) -> None:
        self._task = task
        self._calls, self._flows = calls, flows
        self._form = task.plan.form or LINES
        self.rights = RightLog()
        self._begin_anew()

    def _begin_anew(self) -> None:
        plan = self._task.plan
        self._text = CallText(redact=plan.redact)
        self._answers = Answers(plan.mesh) if plan.mesh else None
        self._ends = None if plan.form else EndLog(redact=plan.redact)
        self._alone = None
        if plan.mesh and self._answers and plan.keep is None:
            lines = AloneSums(self._ends) if self._ends else AloneLines(self._text, self._task.name, self._form)
            self._alone = AloneWriter(plan.mesh, self._answers, lines, self._task.name, self.rights)

    def run(self, lot: int, watch: Watch = UNWATCHED) -> LotRun:
        """Judge a lot."""
        task, plan = self._task, self._task.plan
        traffic = task.read(lot, watch.part(0.0, 0.4))
        self._begin_anew_at_times()
        lines, flows = Spill(self._calls, f"{self._form.opening('call')}{_ID}".encode()), Spill(self._flows)
        told = self._tell_alone(traffic, lines, flows, watch.part(0.4, 0.7))
        spoken = self._hear(traffic, told)
        homes = {task.name: task.home}
        calls = judge(spoken, plan.mesh, homes, watch.part(0.7, 1.0), task.beside, self._answers)
        for number, call in enumerate(calls, len(lines) + 1):
            set_derived(call, "id", str(number))
        kept = [call for call in calls if plan.keep(call)] if plan.keep else calls
        verdicts = verdicts_by_uid(kept)
        if self._ends:
            _sum_up(calls, set(map(id, kept)), self._ends, lines)
        else:
            self._write_calls(calls, set(map(id, kept)), lines)
            self._write_flows(spoken, verdicts, flows)
        odd = Tally(traffic.traffic.oddities)
        first_packets = traffic.connections.extents["first_packet"]
        for index, oddities in sorted(traffic.connections.oddities.items()):
            odd.add(oddities, int(first_packets[index]))
        self._text.forget_calls()
        judged = [*kept, *(self._alone.records if self._alone and told.verdicts else ())]
        return LotRun(
            calls=lines.lines(),
            flows=flows.lines(),
            verdicts=told.verdicts + Counter(chain.from_iterable(verdicts.values())),
            met=frozenset(name for name, choice in plan.watched.items() if any(map(choice, judged))),
            groups=weigh(kept),
            wrong=self._parted(kept),
            sights=Sights.of(traffic.connections.addresses),
            odd=odd,
            said=_oddities_of([*spoken, *(told.heard[index] for index in told.heard if told.done[index])]),
            connections=len(traffic.connections),
            compared=traffic.connections.compared,
            ends=self._ends.take() if self._ends else None,
        )

    def _tell_alone(self, traffic: LotTraffic, lines: Spill, flows: Spill, watch: Watch) -> Told:
        """Write the calls that are like others, if no connection may carry calls; see what is left."""
        if self._alone is None or may_be_legs(traffic.connections.addresses).any():
            return Told.nothing(len(traffic.connections))
        return self._alone.write(Lot(traffic.buffer, traffic.traffic, traffic.connections, lines, flows), watch)

    def _hear(self, traffic: LotTraffic, told: Told) -> list[tuple[Wire, Conversation]]:
        """What was said on all wires whose calls are not told yet."""
        heard = {index: wire.connection for index, (wire, _) in told.heard.items()}
        left = np.flatnonzero(~told.done).tolist()
        others = traffic.connections.at([index for index in left if index not in heard])
        found = (heard[index] if index in heard else next(others) for index in left)
        wires = gather_wires(Sighting(self._task.name, connection) for connection in found)
        said = {index: conversation for index, (_, conversation) in told.heard.items()}
        reading = letting_go(wires, [traffic.buffer], every=WIRES_AT_ONCE)
        return [(wire, said.get(wire.connection.index) or said_on(wire.connection)) for wire in reading]

    def _parted(self, kept: Sequence[CallRecord]) -> dict[CallKey, list[Mark]]:
        """Count calls that the packets agree with, and give the others."""
        kinds = kinds_of(kept)
        self.rights.add_kinds(kinds)
        return {key: kind.wrong for key, kind in kinds.items() if kind.wrong}

    def _begin_anew_at_times(self) -> None:
        """What is remembered of earlier lots is much the same from lot to lot, but has a ceiling."""
        decided, alone = self._answers.decided if self._answers else 0, self._alone
        if decided > REMEMBERED_ANSWERS or (alone and (alone.is_full or alone.size > REMEMBERED_LEN)):
            self._begin_anew()
            gc.collect()

    def _write_calls(self, calls: Sequence[CallRecord], kept: Collection[int], lines: Spill) -> None:
        """Write calls from behind their numbers on; those that are not kept have no line, but a number."""
        opening = self._form.opening("call")
        before = len(opening) + len(_ID)
        for call in calls:
            line = None
            if id(call) in kept:
                text = self._text.write(call, opening)
                line = f"{text[before + len(call.id) :]}{self._form.behind}".encode()
            lines.add((call.first_ns, call.client, call.request), line)

    def _write_flows(self, spoken: Sequence[tuple[Wire, Conversation]], verdicts: Verdicts, lines: Spill) -> None:
        """Write the flows, in the order of the wires."""
        wires, protocols = [wire for wire, _ in spoken], [said.protocol for _, said in spoken]
        starts = ((wire.first_ns, wire.client) for wire in wires for _ in wire.sightings)
        flows = flow_records(wires, protocols, verdicts)
        for number, (start, flow) in enumerate(zip(starts, flows, strict=True)):
            lines.add((*start, number), self._form.record("flow", flow_text(flow)).encode())


def _sum_up(calls: Sequence[CallRecord], kept: Collection[int], ends: EndLog, lines: Spill) -> None:
    """Take how calls ended, but for those that are not kept; their lines are hidden."""
    ends.add(call if id(call) in kept else None for call in calls)
    for call in calls:
        lines.add((call.first_ns, call.client, call.request), None)


def _oddities_of(spoken: list[tuple[Wire, Conversation]]) -> Tally:
    """What is strange about what was said."""
    odd = Tally()
    for wire, said in sorted(spoken, key=lambda each: in_order(each[0])):
        odd.add((oddity for _, oddity in said_oddities([(wire, said)])), wire.first_ns)
    return odd
