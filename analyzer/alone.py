"""Calls that meet no others, kind by kind: one of a kind is judged, and the lines of all are made of its line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from analyzer.flow.connection import Endpoint
from analyzer.flow.traffic import Traffic
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.protocol.facts import Conversation
from analyzer.report.json_text import CallText, quoted
from analyzer.report.line_pattern import LinePattern, line_pattern
from analyzer.report.wording import format_time
from analyzer.verdict.answers import Answers
from analyzer.verdict.compare import CallKey
from analyzer.verdict.drift import path_kind, workload_of
from analyzer.verdict.exemplars import Alike, Exemplar, Exemplars
from analyzer.verdict.findings import target_of
from analyzer.verdict.likeness import Own
from analyzer.verdict.parting import Kind, Kinds
from analyzer.verdict.plain_calls import PlainCalls
from analyzer.verdict.record import CallRecord
from analyzer.verdict.wires import Wire

# What a call's line begins with, in front of its first field.
OPENING = '{"kind":"call",'


class AloneLine(NamedTuple):
    """A call's line from behind its number on, with what it sorts by."""

    first_ns: int
    client: Endpoint
    request: int
    line: bytes
    verdict: str | None


class _Who(NamedTuple):
    """A client's pod in a field of a line, and as its sentence begins."""

    pod: str
    who: str


class AloneWriter:
    """Writes the lines of calls that are like others."""

    def __init__(self, mesh: MeshSnapshot, answers: Answers, text: CallText) -> None:
        self._mesh = mesh
        self._exemplars = Exemplars(mesh, answers)
        self._text = text
        self._patterns: dict[int, tuple[Exemplar, LinePattern | None]] = {}
        self._who: dict[str, _Who] = {}
        self._right: Kinds = {}

    @property
    def records(self) -> list[CallRecord]:
        """Those of the exemplars so far."""
        return [exemplar.record for exemplar, _ in self._patterns.values()]

    def table(self, buffer: memoryview, traffic: Traffic) -> PlainCalls:
        """The table of the plain calls of some connections."""
        return PlainCalls(buffer, traffic, self._mesh)

    def plain_lines(self, wire: Wire, table: PlainCalls) -> list[AloneLine] | None:
        """As ``lines``, by a table that has the wire's connection at its index; None also where the table lacks it."""
        return self._lines(wire, self._exemplars.plain(wire, table))

    def lines(self, wire: Wire, conversation: Conversation) -> list[AloneLine] | None:
        """The lines of a wire's calls; None where any of them needs the whole judge."""
        return self._lines(wire, self._exemplars.alike(wire, conversation))

    def _lines(self, wire: Wire, found: list[Alike] | None) -> list[AloneLine] | None:
        if not found:
            return None
        patterns = [self._pattern(each.exemplar) for each in found]
        if None in patterns:
            return None
        client, shared = wire.connection.client, self._of_connection(wire, found)
        workload, lines = workload_of(found[0].client.full_name), []
        for call, pattern in zip(found, patterns, strict=True):
            assert pattern is not None, "a wire with any call that has no pattern was given back"
            lines.append(self._line(call, client, pattern, shared))
            self._count(call, workload)
        return lines

    def _pattern(self, exemplar: Exemplar) -> LinePattern | None:
        known = self._patterns.get(id(exemplar))
        if known is None:
            known = self._patterns[id(exemplar)] = exemplar, line_pattern(exemplar, self._text, OPENING)
        return known[1]

    def _of_connection(self, wire: Wire, found: Sequence[Alike]) -> tuple[str, ...]:
        """What a line's holes are filled with that the calls of a connection share, as ``OF_CONNECTION`` names it."""
        c, name = wire.connection, found[0].client.full_name
        own = next((each.own for each in found if each.own), None)
        who = self._who.get(name)
        if who is None:
            who = self._who[name] = _Who(quoted(name)[1:-1], self._text.phrase(f"{name} "))
        return (
            c.client.ip, str(c.client.port), who.pod, who.who, c.uid, c.community_id, c.conn_state, c.history,
            str(c.first_packet), str(c.last_packet), *self._own_steps(own),
        )  # fmt: skip

    def _own_steps(self, own: Own | None) -> tuple[str, str]:
        return (self._text.step_text(own.redirect), self._text.step_text(own.told)) if own else ("", "")

    def _line(self, call: Alike, client: Endpoint, pattern: LinePattern, shared: tuple[str, ...]) -> AloneLine:
        path, phrase = self._text.path_texts(call.path) if call.path is not None else ("", "")
        began = f'"time":"{format_time(call.begin_ns)}","first_ns":{call.begin_ns}'
        line = pattern.fill(
            (
                *shared, path[1:-1], phrase, str(call.first), str(call.last), str(call.asked),
                str(call.ordinal), began, str(call.end_ns),
            )
        )  # fmt: skip
        return AloneLine(call.begin_ns, client, call.ordinal, line, call.exemplar.record.decision.verdict)

    def _count(self, call: Alike, workload: str) -> None:
        record = call.exemplar.record
        if not record.observed.agrees:
            return
        key = CallKey(workload, target_of(record), record.protocol, record.method or "", path_kind(call.path or ""))
        kind = self._right.get(key)
        if kind is None:
            kind = self._right[key] = Kind()
        kind.add_right(1, call.begin_ns, call.begin_ns)

    def take_kinds(self) -> Kinds:
        """The calls that the packets agree with since this was asked last, by who calls what."""
        kinds, self._right = self._right, {}
        return kinds
