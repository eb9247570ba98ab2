"""The mesh's answers to the calls of captures: requests that no rule can tell apart are asked once."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import Any, TypeVar

from analyzer.base.fact import replace
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.protocol.facts import Headers, Request
from analyzer.verdict.asking import with_request
from analyzer.verdict.decide import decide
from analyzer.verdict.decision import Decision
from analyzer.verdict.likeness import Own, class_of_client, own_steps, place_of_told, retell
from analyzer.verdict.question import Question
from analyzer.verdict.sameness import sameness_of

Part = TypeVar("Part")

# So many request targets keep the class that they are of.
_REMEMBERED_TARGETS = 1 << 14


class Answers:
    """Decides about connections, and remembers: what is equal for every rule of the mesh is decided once."""

    def __init__(self, mesh: MeshSnapshot) -> None:
        self._mesh = mesh
        self._sameness = sameness_of(mesh)
        self._class_of = lru_cache(_REMEMBERED_TARGETS)(self._sameness.class_of)
        self._parts: dict[Any, Any] = {}
        self._desks: dict[Question, Desk] = {}
        self._models: dict[Hashable, _Model] = {}
        # How many decisions were made.
        self.decided = 0

    def about(self, connection: Question) -> Desk:
        """Who answers about the calls of a connection; ``connection`` is the question without a request."""
        found = self._desks.get(connection)
        if found is None:
            found = self._desks[connection] = self._open(connection)
        return found

    def _open(self, connection: Question) -> Desk:
        """A desk for a client, or one that asks that of a client which the mesh cannot tell from it."""
        desk = Desk(self._ask, self._sameness.seen_of, self._class_of, connection)
        outbound = connection.direction == "outbound" and not connection.bypass
        pod = self._mesh.pod(connection.namespace, connection.pod or "") if outbound else None
        kind = class_of_client(self._mesh, pod) if pod else None
        own = own_steps(self._mesh, pod, connection.address, connection.port) if pod and kind else None
        if pod is None or own is None:
            return desk
        key = kind, replace(connection, pod=None)
        model = self._models.get(key)
        if model is None:
            self._models[key] = _Model(desk, pod, own)
            return desk
        return _AlikeDesk(desk, model, own)

    def _ask(self, question: Question) -> Decision:
        """The mesh's decision; equal parts of decisions are one object."""
        decision = decide(self._mesh, question)
        self.decided += 1
        return Decision(
            decision.verdict,
            decision.reason,
            decision.undetermined,
            self._shared(decision.outbound),
            self._shared(decision.gateway),
            self._shared(decision.inbound),
            tuple(map(self._shared, decision.steps)),
        )

    def _shared(self, part: Part) -> Part:
        found: Part = self._parts.setdefault(part, part)
        return found


class Desk:
    """Answers about the requests of all connections that a proxy meets alike."""

    def __init__(
        self,
        ask: Callable[[Question], Decision],
        seen_of: Callable[[Headers], Headers],
        class_of: Callable[[str], Hashable],
        connection: Question,
    ) -> None:
        self._ask = ask
        self._seen_of = seen_of
        self._class_of = class_of
        self.connection = connection
        self._answers: dict[Hashable, Decision] = {}

    def answer(self, request: Request | None, endpoint: tuple[str, int] | None = None) -> Decision:
        """The decision about a request, or about the connection; ``endpoint`` is what the balancer chose."""
        if request is None:
            found = self._answers.get(endpoint)
            if found is None:
                found = self._answers[endpoint] = self._ask(replace(self.connection, endpoint=endpoint))
            return found
        headers = self._seen_of(request.headers)
        same = (endpoint, request.version, request.host, request.method, headers, request.whole, request.refused)
        alike = (same, self._class_of(request.target))
        known = self._answers.get(alike) or self._answers.get((same, request.target))
        return known or self._decide(request, endpoint, headers, alike)

    def _decide(
        self, request: Request, endpoint: tuple[str, int] | None, headers: Headers, alike: tuple[Hashable, Hashable]
    ) -> Decision:
        question = replace(with_request(self.connection, request), headers=headers, endpoint=endpoint)
        decision = self._ask(question)
        # A sentence that quotes the target holds for no other one.
        key = (alike[0], request.target) if _quotes(decision, request.target) else alike
        self._answers[key] = decision
        return decision


class _Model:
    """The desk of the first client of a class, with the steps that name this client."""

    def __init__(self, desk: Desk, pod: Pod, own: Own) -> None:
        self.desk = desk
        self._pod = pod
        self._own = own
        self._places: dict[int, int | None] = {}

    def place_of(self, decision: Decision) -> int | None:
        """As ``place_of_told``, of a decision that ``desk`` gave and keeps."""
        if id(decision) not in self._places:
            self._places[id(decision)] = place_of_told(decision, self._pod, self._own)
        return self._places[id(decision)]


class _AlikeDesk(Desk):
    """Answers for a client as for its class, but for the steps that name it."""

    def __init__(self, alone: Desk, model: _Model, own: Own) -> None:
        self.connection = alone.connection
        self._alone = alone
        self._model = model
        self._own = own
        self._retold: dict[int, Decision] = {}

    def answer(self, request: Request | None, endpoint: tuple[str, int] | None = None) -> Decision:
        """As of any desk."""
        decision = self._model.desk.answer(request, endpoint)
        found = self._retold.get(id(decision))
        if found is None:
            place = self._model.place_of(decision)
            if place is None:
                return self._alone.answer(request, endpoint)
            found = self._retold[id(decision)] = retell(decision, place, self._own)
        return found


def _quotes(decision: Decision, target: str) -> bool:
    """Whether a decision's sentences show the target; one that is part of another word counts."""
    return any(
        target in step.sentence or any(target in each.name or target in each.why for each in step.lost)
        for step in decision.steps
    )
