"""Calls that are alike: one of them is judged, and the others differ from its record in what is their own.

A call of an application that iptables redirected, in a capture that shows no sidecar's connections, meets no other: no
leg can have carried it, so that what the mesh decides and what its own connection shows are all that there is to know.
Where these are equal, records differ in the client, its port, packets, times, names of the connection, and the path.
Whatever a person should look at is no exemplar's: such calls are for the whole judge.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple

from analyzer.base.fact import Fact
from analyzer.flow.connection import Endpoint
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.protocol.facts import Conversation
from analyzer.verdict.answers import Answers, Desk, Model
from analyzer.verdict.asking import missing_for, question_of_app, unproven
from analyzer.verdict.call import Call, calls_of
from analyzer.verdict.decision import HEADLESS_MATCHED, SERVICE_MATCHED, Decision
from analyzer.verdict.findings import is_worth_a_word
from analyzer.verdict.likeness import Own
from analyzer.verdict.record import CallRecord
from analyzer.verdict.recording import Recorder
from analyzer.verdict.roles import OUTBOUND_PORT, Role, Said, client_hello, client_tls
from analyzer.verdict.telling import asked_packet, packets_of
from analyzer.verdict.wires import Wire

_ENDS_WELL = frozenset({SERVICE_MATCHED, HEADLESS_MATCHED})


class Exemplar(Fact, frozen=True):
    """The record of the first of calls that are alike.

    ``place`` is as ``place_of_told`` has it: the clients of ``model`` share the decision but for their own steps; None
    where the decision is this client's alone.
    """

    record: CallRecord
    place: int | None
    model: Model | None = None


class Asker(NamedTuple):
    """A client's pod with its own steps, where decisions are shared.

    ``named`` is the server in the step about iptables of a client that these treat alike whatever it calls: behind it
    the step is the same for all servers. None where the steps are about one server.
    """

    pod: Pod
    own: Own | None
    named: Endpoint | None = None


class Talk(NamedTuple):
    """What of the words on a connection a question about it is made of."""

    protocol: str
    inspected: str | None
    server_first: bool
    sealed: bool
    tls: str
    hello: tuple[str | None, tuple[str, ...]] | None

    @classmethod
    def of(cls, said: Conversation) -> Talk:
        """That of what was said."""
        hello = client_hello(said)
        return cls(
            said.protocol, said.inspected, said.server_first, said.tls is not None, client_tls(said),
            (hello.sni, hello.alpn) if hello else None,
        )  # fmt: skip


class DeskKey(NamedTuple):
    """All that a question about a connection is made of: client, server, if the client was ``silent``, and words."""

    client_ip: str
    server: Endpoint
    silent: bool
    talk: Talk


class Alike(NamedTuple):
    """A call like its exemplar, with what is its own.

    ``first`` and ``last`` are its packets, ``asked`` is the one that is cited for what was asked.
    """

    exemplar: Exemplar
    asker: Asker
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
        self._desks: dict[DeskKey, Desk | None] = {}

    def desk(self, key: DeskKey, said: Conversation) -> Desk | None:
        """Who answers about a connection of a pod on which this was said; None where nobody does."""
        if key not in self._desks:
            pod = self._mesh.pod_at(key.client_ip)
            question = question_of_app(pod, key.server, said, silent=key.silent) if pod else None
            self._desks[key] = self._answers.about(question) if question else None
        return self._desks[key]

    def alike(self, wire: Wire, conversation: Conversation) -> list[Alike] | None:
        """The calls of a wire, each like its exemplar; None where any of them needs the whole judge."""
        if not _is_redirected(wire) or conversation.inside or conversation.inner_tls:
            return None
        connection = wire.connection
        key = DeskKey(connection.client.ip, connection.server, connection.client_bytes == 0, Talk.of(conversation))
        pod, desk = self._mesh.pod_at(key.client_ip), self.desk(key, conversation)
        if pod is None or desk is None:
            return None
        asker = Asker(pod, desk.own)
        found = []
        for call in calls_of(Said(wire, conversation, Role.APP)):
            alike = self._alike(call, asker, desk)
            if alike is None:
                return None
            found.append(alike)
        return found

    def _alike(self, call: Call, asker: Asker, desk: Desk) -> Alike | None:
        if missing_for(call):
            return None
        decision, place, _, model = desk.told(call.asked)
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
            exemplar, asker, call.ordinal, request.target if request else None, first, last, asked_packet(call),
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
