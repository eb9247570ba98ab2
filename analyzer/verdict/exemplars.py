"""Calls that are alike: one of them is judged, and the others differ from its record in what is their own.

A call of an application that iptables redirected, in a capture that shows no sidecar's connections, meets no other: no
leg can have carried it, so that what the mesh decides and what its own connection shows are all that there is to know.
Where these are equal, records differ in the client, its port, packets, times, names of the connection, and the path.
Whatever a person should look at is no exemplar's: such calls are for the whole judge.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence
from typing import NamedTuple

from analyzer.base.fact import Fact
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.protocol.conversation import parse_conversation
from analyzer.protocol.facts import Conversation
from analyzer.verdict.answers import Answers, Desk, Model, quotes
from analyzer.verdict.asking import connection_question, missing_for, unproven
from analyzer.verdict.call import Call, calls_of
from analyzer.verdict.decision import HEADLESS_MATCHED, SERVICE_MATCHED, Decision
from analyzer.verdict.findings import is_worth_a_word
from analyzer.verdict.likeness import Own
from analyzer.verdict.plain_calls import PLAIN_PROTOCOL, PlainCall, PlainCalls
from analyzer.verdict.record import CallRecord
from analyzer.verdict.recording import Recorder
from analyzer.verdict.roles import OUTBOUND_PORT, Role, Said
from analyzer.verdict.telling import asked_packet, packets_of
from analyzer.verdict.wires import Wire

# What is known of a connection on which plain requests are made, before any is looked at.
_PLAIN = Conversation(PLAIN_PROTOCOL)
_ENDS_WELL = frozenset({SERVICE_MATCHED, HEADLESS_MATCHED})


class Exemplar(Fact, frozen=True):
    """The record of the first of calls that are alike.

    ``place`` is as ``place_of_told`` has it: the clients of ``model`` share the decision but for their own steps; None
    where the decision is this client's alone.
    """

    record: CallRecord
    place: int | None
    model: Model | None = None


class Alike(NamedTuple):
    """A call like its exemplar, with what is its own; ``client`` is the pod, ``own`` its steps where it has any.

    ``first`` and ``last`` are its packets, ``asked`` is the one that is cited for what was asked.
    """

    exemplar: Exemplar
    own: Own | None
    client: Pod
    ordinal: int
    path: str | None
    first: int
    last: int
    asked: int
    begin_ns: int
    end_ns: int


class Exemplars:
    """Finds the exemplars of calls, and remembers them."""

    def __init__(self, mesh: MeshSnapshot, answers: Answers) -> None:
        self._mesh = mesh
        self._answers = answers
        self._recorder = Recorder(mesh, {})
        self._known: dict[Hashable, Exemplar | None] = {}
        # By all that a question about a connection is made of.
        self._desks: dict[Hashable, tuple[Pod, Desk] | None] = {}
        # Of the table of plain calls that was looked at last.
        self._table: PlainCalls | None = None
        self._plain: defaultdict[Desk | Model, dict[Hashable, Exemplar]] = defaultdict(dict)

    def plain(self, wire: Wire, table: PlainCalls) -> list[Alike] | None:
        """The calls of a wire by the table of its capture; None where it is not there, or any needs the whole judge."""
        calls = table.of(wire.connection.index) if _is_redirected(wire) else ()
        known = self._desk_of(Said(wire, _PLAIN, Role.APP)) if calls else None
        if known is None:
            return None
        if table is not self._table:
            self._table = table
            self._plain.clear()
        client, desk = known
        found: list[Alike] = []
        for ordinal, call in enumerate(calls, 1):
            exemplar = self._of_plain(call, desk) or self._read(wire, calls, ordinal, desk)
            if exemplar is None:
                return None
            end_ns = max(call.end_ns or wire.last_ns, call.begin_ns)
            own = None if exemplar.place is None else desk.own
            found.append(
                Alike(
                    exemplar, own, client, ordinal, call.target, call.first, call.last, call.asked_packet,
                    call.begin_ns, end_ns,
                )
            )  # fmt: skip
        return found

    def _of_plain(self, call: PlainCall, desk: Desk) -> Exemplar | None:
        key = call.asked, call.answered, self._answers.class_of(call.target)
        holders: tuple[Desk | Model, ...] = (*desk.models, desk)
        for holder in holders:
            found = self._plain[holder].get(key)
            if found is not None:
                return found
        return None

    def _read(self, wire: Wire, calls: Sequence[PlainCall], ordinal: int, desk: Desk) -> Exemplar | None:
        """The exemplar of a plain call by what was said, which is remembered for all calls of its classes.

        For none, where its words quote the target.
        """
        call, connection = calls[ordinal - 1], wire.connection
        read = self.alike(wire, parse_conversation(connection.from_client, connection.from_server))
        if read is None or len(read) != len(calls) or read[ordinal - 1].path != call.target:
            return None
        exemplar = read[ordinal - 1].exemplar
        if not quotes(exemplar.record.decision, call.target):
            key = call.asked, call.answered, self._answers.class_of(call.target)
            self._plain[exemplar.model or desk][key] = exemplar
        return exemplar

    def _desk_of(self, said: Said) -> tuple[Pod, Desk] | None:
        """Who answers about a connection, with the client's pod; None where nobody does."""
        wire, conversation = said.wire, said.conversation
        key = (
            wire.client.ip, wire.connection.server, wire.connection.client_bytes == 0, conversation.protocol,
            conversation.server_first, conversation.inspected, said.sni, said.alpn, said.client_tls,
        )  # fmt: skip
        if key not in self._desks:
            client = self._mesh.pod_at(wire.client.ip)
            question = connection_question(said, self._mesh, None) if client else None
            self._desks[key] = (client, self._answers.about(question)) if client and question else None
        return self._desks[key]

    def alike(self, wire: Wire, conversation: Conversation) -> list[Alike] | None:
        """The calls of a wire, each like its exemplar; None where any of them needs the whole judge."""
        if not _is_redirected(wire) or conversation.inside or conversation.inner_tls:
            return None
        said = Said(wire, conversation, Role.APP)
        known = self._desk_of(said)
        if known is None:
            return None
        found = []
        for call in calls_of(said):
            alike = self._alike(call, *known)
            if alike is None:
                return None
            found.append(alike)
        return found

    def _alike(self, call: Call, client: Pod, desk: Desk) -> Alike | None:
        if missing_for(call):
            return None
        decision, place, own, model = desk.told(call.asked)
        if decision.verdict not in _ENDS_WELL or unproven(call, decision):
            return None
        observed = self._recorder.observe(call, decision, ())
        said, request = call.said, call.request
        key = (
            id(decision), place, id(observed), said.wire.connection.server, ":" in said.wire.client.ip,
            said.conversation.protocol, said.conversation.tls is None, said.sni, said.alpn,
            request and (request.version, request.host, request.method),
        )  # fmt: skip
        if key in self._known:
            exemplar = self._known[key]
        else:
            exemplar = self._known[key] = self._first(call, decision, place, model)
        if exemplar is None:
            return None
        first, last = packets_of(call)
        return Alike(
            exemplar, own, client, call.ordinal, request.target if request else None, first, last, asked_packet(call),
            call.begin_ns, max(call.end_ns, call.begin_ns),
        )  # fmt: skip

    def _first(self, call: Call, decision: Decision, place: int | None, model: Model | None) -> Exemplar | None:
        record = self._recorder.record("", call, decision, ())
        self._recorder.forget_connections()
        return None if is_worth_a_word(record) else Exemplar(record, place, model)


def _is_redirected(wire: Wire) -> bool:
    """Whether a wire is an application's connection with both halves, seen in one place."""
    connection = wire.connection
    return connection.redirect_port == OUTBOUND_PORT and connection.joined and len(wire.sightings) == 1
