"""What ``AloneWriter`` writes of a capture of lo, and what the whole judge writes of each connection by itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from analyzer.alone import AloneWriter, Lot, Told
from analyzer.alone_lines import AloneLines
from analyzer.base.fact import replace
from analyzer.base.scratch import Scratch
from analyzer.base.table import I64
from analyzer.flow.connections import Connections
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.opening import connections_of
from analyzer.protocol.facts import Conversation
from analyzer.report.json_text import CallText, flow_text
from analyzer.report.record_form import LINES
from analyzer.report.spill import Spill
from analyzer.verdict.answers import Answers
from analyzer.verdict.call_table import CallTable, read_calls
from analyzer.verdict.flows import flow_records, verdicts_by_uid
from analyzer.verdict.plain_calls import PlainCalls
from analyzer.verdict.record import CallRecord
from analyzer.verdict.rights import RightLog
from analyzer.verdict.whole_calls import WholeCalls
from analyzer.verdict.wires import Wire
from made.lo_heard import NAME, Heard
from made.spilled import texts_of


class Line(NamedTuple):
    """A line with what it sorts by. ``place`` is 0 of flows: no two of a client's port begin at once."""

    time_ns: int
    ip: str
    port: int
    place: int
    text: bytes


@dataclass(frozen=True)
class Written:
    """What was told of the connections of a capture, and the lines of these."""

    told: Told
    calls: list[Line]
    flows: list[Line]

    @property
    def done(self) -> set[int]:
        return set(self.told.done.nonzero()[0].tolist())


def writer_of(
    mesh: MeshSnapshot, *, redact: bool = True, rights: RightLog | None = None, capture: str = NAME
) -> AloneWriter:
    lines = AloneLines(CallText(redact=redact), capture)
    return AloneWriter(mesh, Answers(mesh), lines, capture, rights or RightLog())


def connections_in(heard: Heard) -> Connections:
    return connections_of(heard.read.capture, heard.read.traffic)


def table_in(
    calls: PlainCalls | WholeCalls, heard: Heard, connections: Connections, which: I64, **how: int
) -> CallTable:
    """The table of some connections of a capture."""
    reading = calls.reading(heard.buffer, heard.read.traffic, connections, which)
    return next(read_calls(heard.buffer, [reading], which, **how))


def write_alone(writer: AloneWriter, heard: Heard, connections: Connections | None = None) -> Written:
    """What a writer writes of a capture as one lot."""
    files = Scratch(), Scratch()
    calls, flows = map(Spill, files)
    found = connections or connections_in(heard)
    told = writer.write(Lot(heard.buffer, heard.read.traffic, found, calls, flows))
    return Written(told, *(lines_in(spill, file) for spill, file in zip((calls, flows), files, strict=True)))


def lines_in(spill: Spill, file: Scratch) -> list[Line]:
    """The lines that were written, in order."""
    lines = spill.lines()
    columns = zip(lines.times_ns.tolist(), *lines.keys.tolist(), texts_of(lines, file), strict=True)
    return [Line(time_ns, lines.ips[ip], port, place, text or b"") for time_ns, ip, port, place, text in columns]


def call_lines(records: Iterable[CallRecord], text: CallText) -> list[Line]:
    """The lines of calls as the whole writer has them, each as if it was the first."""
    found = []
    for record in records:
        line = text.write(replace(record, id="1"), LINES.opening("call"))
        client = record.client
        found.append(Line(record.first_ns, client.ip, client.port, record.request, f"{line}\n".encode()))
    return found


def flow_line(wire: Wire, conversation: Conversation, records: Iterable[CallRecord]) -> Line:
    """The line of a connection, as the whole writer has it."""
    (flow,) = flow_records([wire], [conversation.protocol], verdicts_by_uid(records))
    return Line(
        wire.first_ns, wire.client.ip, wire.client.port, 0, f"{LINES.opening('flow')}{flow_text(flow)[1:]}\n".encode()
    )
