"""One lot of a large capture through all rooms: its lines written away, and the little that is kept of it."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from analyzer.alone import OPENING, AloneWriter
from analyzer.base.fact import Fact, set_derived
from analyzer.base.pages import forget_pages
from analyzer.base.scratch import Scratch
from analyzer.base.watch import UNWATCHED, Watch
from analyzer.capture.capture import Capture
from analyzer.flow.connection import Connection, Endpoint, said_on
from analyzer.flow.traffic import Traffic
from analyzer.mesh.kinds.mesh_config import LOCALHOST
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.protocol.facts import Conversation
from analyzer.report.json_text import CallText, flow_text
from analyzer.report.spill import Lines, Spill
from analyzer.verdict.answers import Answers
from analyzer.verdict.beside import Beside
from analyzer.verdict.compare import CallKey
from analyzer.verdict.findings import Groups, Mark, weigh
from analyzer.verdict.flows import Verdicts, flow_records, verdicts_by_uid
from analyzer.verdict.health import Sights, sights_of
from analyzer.verdict.judge import judge
from analyzer.verdict.oddities import Tally, said_oddities
from analyzer.verdict.parting import Kind, Kinds, kinds_of
from analyzer.verdict.parts import WIRES_AT_ONCE
from analyzer.verdict.plain_calls import PLAIN_PROTOCOL
from analyzer.verdict.record import CallRecord, MeshRecord
from analyzer.verdict.shards import may_be_leg
from analyzer.verdict.wires import Sighting, Wire, gather_wires

# So many decisions of the mesh, and their texts, are remembered from lot to lot: each takes about 4 kB.
REMEMBERED_ANSWERS = 20_000
# What a call's line begins with, up to its number.
CALL = f'{OPENING}"id":"'
FLOW = '{"kind":"flow",'

Choice = Callable[[CallRecord], bool]


@dataclass(frozen=True, slots=True)
class Plan:
    """How a capture is judged in lots: ``hint`` is whose it may be.

    ``keep`` chooses the calls that count, all where it is None; ``watched`` are choices that are told where a call is
    so.
    """

    mesh: MeshSnapshot | None
    mesh_record: MeshRecord | None
    hint: str | None
    keep: Choice | None
    watched: Mapping[str, Choice]
    redact: bool = True
    jobs: int = 1

    def needs_whole(self, capture: Capture) -> bool:
        """Whether the capture cannot be judged in lots: keys open its TLS, or sidecars deliver to 127.0.0.1."""
        return bool(capture.secrets) or (self.mesh is not None and self.mesh.config.inbound_policy == LOCALHOST)


@dataclass(frozen=True, slots=True)
class LotTraffic:
    """A lot: the bytes that its tables point into, its traffic, and the connections of that, each at its index."""

    buffer: memoryview
    traffic: Traffic
    connections: Sequence[Connection]


@dataclass(frozen=True, slots=True)
class Task:
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


class _Talk:
    """What was said on the wires of a lot: ``protocols`` by position, and the ``verdicts`` that are known, by uid.

    ``rest`` are the wires whose calls are yet to be judged, ``odd`` is what is strange about what was said.
    """

    def __init__(self) -> None:
        self.protocols: list[str] = []
        self.verdicts: dict[str, list[str | None]] = {}
        self.rest: list[tuple[Wire, Conversation]] = []
        self.odd = Tally()

    def hear(self, wire: Wire) -> Conversation:
        """Read what was said on the next wire."""
        said = said_on(wire.connection)
        self.protocols.append(said.protocol)
        self.odd.add((oddity for _, oddity in said_oddities([(wire, said)])), wire.first_ns)
        return said


class LotWriter:
    """Judges lots, one after the other, and writes their lines to two files.

    ``kinds`` counts the calls of all lots so far that the packets agree with.
    """

    def __init__(self, task: Task, calls: Scratch, flows: Scratch) -> None:
        self._task = task
        self._calls, self._flows = calls, flows
        self._kinds: Kinds = {}
        self._begin_anew()

    def _begin_anew(self) -> None:
        mesh = self._task.plan.mesh
        self._text = CallText(redact=self._task.plan.redact)
        self._answers = Answers(mesh) if mesh else None
        self._alone = AloneWriter(mesh, self._answers, self._text) if mesh and self._answers else None

    @property
    def kinds(self) -> Kinds:
        """The calls of all lots so far that the packets agree with, by who calls what."""
        self._count_alone()
        return self._kinds

    def run(self, lot: int, watch: Watch = UNWATCHED) -> LotRun:
        """Judge a lot."""
        task, plan = self._task, self._task.plan
        traffic = task.read(lot, watch.part(0.0, 0.4))
        found = traffic.connections
        wires = gather_wires(Sighting(task.name, connection) for connection in found)
        self._begin_anew_at_times()
        lines, flows = Spill(self._calls), Spill(self._flows)
        talk = self._hear(wires, traffic, lines, watch.part(0.4, 0.7))
        verdicts, stood_for = talk.verdicts, self._alone.records if self._alone and talk.verdicts else ()
        homes = {task.name: task.home}
        calls = judge(talk.rest, plan.mesh, homes, watch.part(0.7, 1.0), task.beside, self._answers)
        for number, call in enumerate(calls, len(lines) + 1):
            set_derived(call, "id", str(number))
        kept = [call for call in calls if plan.keep(call)] if plan.keep else calls
        for uid, own in verdicts_by_uid(kept).items():
            verdicts.setdefault(uid, []).extend(own)
        self._write_calls(calls, set(map(id, kept)), lines)
        _write_flows(wires, talk.protocols, verdicts, flows)
        odd = Tally(traffic.traffic.oddities)
        for connection in found:
            odd.add(connection.oddities, connection.first_packet)
        self._text.forget_calls()
        return LotRun(
            calls=lines.lines(),
            flows=flows.lines(),
            verdicts=Counter(chain.from_iterable(verdicts.values())),
            met=frozenset(name for name, choice in plan.watched.items() if any(map(choice, [*kept, *stood_for]))),
            groups=weigh(kept),
            wrong=self._parted(kept),
            sights=sights_of(found),
            odd=odd,
            said=talk.odd,
            connections=len(found),
        )

    def _hear(self, wires: Sequence[Wire], traffic: LotTraffic, lines: Spill, watch: Watch) -> _Talk:
        """What was said on the wires; the calls that are like others are written at once.

        None are where any wire may carry calls. Those of a port that a client used twice at a time may sort alike.
        """
        talk = _Talk()
        alone = self._alone if self._task.plan.keep is None and not any(map(may_be_leg, wires)) else None
        table = alone.table(traffic.buffer, traffic.traffic) if alone else None
        crowded = _crowded(wires) if alone else frozenset()
        for number, wire in enumerate(watch.over("verdicts", wires), 1):
            writer = alone if wire.client not in crowded else None
            found = writer.plain_lines(wire, table) if writer and table else None
            if found is None:
                conversation = talk.hear(wire)
                found = writer.lines(wire, conversation) if writer else None
                if found is None:
                    talk.rest.append((wire, conversation))
            else:
                talk.protocols.append(PLAIN_PROTOCOL)
            if found:
                talk.verdicts[wire.connection.uid] = [each.verdict for each in found]
            for each in found or ():
                lines.add((each.first_ns, each.client, each.request), each.line)
            if number % WIRES_AT_ONCE == 0 or number == len(wires):
                forget_pages(traffic.buffer)
        return talk

    def _parted(self, kept: Sequence[CallRecord]) -> dict[CallKey, list[Mark]]:
        """Count calls that the packets agree with, and give the others."""
        wrong = {}
        for key, kind in kinds_of(kept).items():
            if kind.wrong:
                wrong[key], kind.wrong = kind.wrong, []
            if kind.right:
                self._kinds.setdefault(key, Kind()).join(kind)
        return wrong

    def _count_alone(self) -> None:
        for key, kind in self._alone.take_kinds().items() if self._alone else ():
            self._kinds.setdefault(key, Kind()).join(kind)

    def _begin_anew_at_times(self) -> None:
        """What is remembered of earlier lots is much the same from lot to lot, but has a ceiling."""
        if self._answers is not None and self._answers.decided > REMEMBERED_ANSWERS:
            self._count_alone()
            self._begin_anew()
            gc.collect()

    def _write_calls(self, calls: Sequence[CallRecord], kept: Collection[int], lines: Spill) -> None:
        """Write calls from behind their numbers on; those that are not kept have no line, but a number."""
        for call in calls:
            line = None
            if id(call) in kept:
                text = self._text.write(call, OPENING)
                line = f"{text[len(CALL) + len(call.id) :]}\n".encode()
            lines.add((call.first_ns, call.client, call.request), line)


def _crowded(wires: Sequence[Wire]) -> frozenset[Endpoint]:
    """The ports of clients that have two wires at a time; wires come in the order of their first packet."""
    until: dict[Endpoint, int] = {}
    crowded = set()
    for wire in wires:
        before = until.get(wire.client)
        if before is not None and wire.first_ns <= before:
            crowded.add(wire.client)
        until[wire.client] = wire.last_ns if before is None else max(before, wire.last_ns)
    return frozenset(crowded)


def _write_flows(wires: Sequence[Wire], protocols: Sequence[str], verdicts: Verdicts, lines: Spill) -> None:
    """Write the flows from behind their opening on, in the order of the wires."""
    starts = ((wire.first_ns, wire.client) for wire in wires for _ in wire.sightings)
    flows = flow_records(wires, protocols, verdicts)
    for number, (start, flow) in enumerate(zip(starts, flows, strict=True)):
        lines.add((*start, number), f"{flow_text(flow)[1:]}\n".encode())
