"""The mesh's answers to the calls of captures: requests that no rule can tell apart are asked once."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import lru_cache, partial
from typing import Any, NamedTuple, TypeVar

from analyzer.base.fact import replace
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.outbound.namespaces import means_the_same
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.protocol.facts import Headers, Request
from analyzer.verdict.asking import with_request
from analyzer.verdict.decide import decide
from analyzer.verdict.decision import Decision
from analyzer.verdict.likeness import (
    Own,
    class_anywhere,
    class_of_client,
    is_asked_anywhere,
    own_steps,
    place_of_told,
    retell,
    tells_of_namespace,
)
from analyzer.verdict.question import Question
from analyzer.verdict.sameness import sameness_of

Part = TypeVar("Part")

# So many request targets keep the class that they are of, and so many names what is known of them.
_REMEMBERED_TARGETS = 1 << 14
_REMEMBERED_NAMES = 1 << 12


class Answers:
    """Decides about connections, and remembers: what is equal for every rule of the mesh is decided once."""

    def __init__(self, mesh: MeshSnapshot) -> None:
        self._mesh = mesh
        self._sameness = sameness_of(mesh)
        self.class_of: Callable[[str], Hashable] = lru_cache(_REMEMBERED_TARGETS)(self._sameness.class_of)
        self._same_name: Callable[[str], bool] = lru_cache(_REMEMBERED_NAMES)(partial(means_the_same, mesh))
        self._parts: dict[Any, Any] = {}
        self._desks: dict[Question, Desk] = {}
        self._models: dict[Hashable, Model] = {}
        self._askers: dict[Hashable, Pod] = {}
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
        desk = self._desk(connection)
        outbound = connection.direction == "outbound" and not connection.bypass
        pod = self._mesh.pod(connection.namespace, connection.pod or "") if outbound else None
        kind = class_of_client(self._mesh, pod) if pod else None
        own = own_steps(self._mesh, pod, connection.address, connection.port) if pod and kind else None
        if pod is None or own is None:
            return desk
        near = self._models.setdefault((kind, replace(connection, pod=None)), Model(desk, pod, own))
        anywhere = class_anywhere(self._mesh, pod)
        if anywhere is None or not (connection.sni is None or self._same_name(connection.sni)):
            return _AlikeDesk(desk, own, (near,))
        key = (anywhere, replace(connection, namespace="", pod=None))
        far = self._models.get(key)
        if far is None:
            far = self._models[key] = self._far(desk, own, self._askers.setdefault(anywhere, pod), pod)
        return _AlikeDesk(desk, own, (far, near))

    def _far(self, desk: Desk, own: Own, asker: Pod, pod: Pod) -> Model:
        """The model of a class of several namespaces: the same ``asker`` asks for ``pod`` whatever it calls.

        What its sidecar is told is large, and is made for each namespace.
        """
        connection = replace(desk.connection, namespace=asker.namespace, pod=asker.name)
        asking = own_steps(self._mesh, asker, connection.address, connection.port)
        if asker is pod or asking is None:
            return Model(desk, pod, own, self._same_name)
        return Model(self._desk(connection), asker, asking, self._same_name)

    def _desk(self, connection: Question) -> Desk:
        return Desk(self._ask, self._sameness.seen_of, self.class_of, connection)

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


class Told(NamedTuple):
    """A decision that clients of one kind share; ``own`` stands for its first step and the one at ``place``.

    ``model`` is who shares it. Without ``own`` it is of one client alone.
    """

    decision: Decision
    place: int | None = None
    own: Own | None = None
    model: Model | None = None


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

    own: Own | None = None
    # Whose decisions it retells.
    models: tuple[Model, ...] = ()

    def told(self, request: Request | None) -> Told:
        """What ``answer`` gives, in the words about whichever client was the first of its kind."""
        return Told(self.answer(request))

    def _decide(
        self, request: Request, endpoint: tuple[str, int] | None, headers: Headers, alike: tuple[Hashable, Hashable]
    ) -> Decision:
        question = replace(with_request(self.connection, request), headers=headers, endpoint=endpoint)
        decision = self._ask(question)
        # A sentence that quotes the target holds for no other one.
        key = (alike[0], request.target) if quotes(decision, request.target) else alike
        self._answers[key] = decision
        return decision


class Model:
    """The desk of the first client of a class, with the steps that name this client.

    ``same_name`` is given of a class of several namespaces: whether a name means the same to all of them.
    """

    def __init__(self, desk: Desk, pod: Pod, own: Own, same_name: Callable[[str], bool] | None = None) -> None:
        self.desk = desk
        self._pod = pod
        self._own = own
        self._same_name = same_name
        self._places: dict[int, int | None] = {}

    @property
    def is_far(self) -> bool:
        """Whether it is of clients of several namespaces."""
        return self._same_name is not None

    def holds_for(self, request: Request | None) -> bool:
        """Whether all clients of the class are answered alike."""
        return self._same_name is None or is_asked_anywhere(request, self._same_name)

    def place_of(self, decision: Decision) -> int | None:
        """As ``place_of_told``, of a decision that ``desk`` gave and keeps."""
        if id(decision) not in self._places:
            hidden = self._same_name is not None and tells_of_namespace(decision)
            self._places[id(decision)] = None if hidden else place_of_told(decision, self._pod, self._own)
        return self._places[id(decision)]


class _AlikeDesk(Desk):
    """Answers for a client as for its classes, the widest first, but for the steps that name it."""

    def __init__(self, alone: Desk, own: Own, models: tuple[Model, ...]) -> None:
        self.connection = alone.connection
        self._alone = alone
        self.own: Own = own
        self.models = models
        self._retold: dict[int, Decision] = {}

    def answer(self, request: Request | None, endpoint: tuple[str, int] | None = None) -> Decision:
        """As of any desk."""
        decision, place, model = self._found(request, endpoint)
        if place is None or model is None or model.desk is self._alone:
            return decision
        found = self._retold.get(id(decision))
        if found is None:
            found = self._retold[id(decision)] = retell(decision, place, self.own)
        return found

    def told(self, request: Request | None) -> Told:
        """As of any desk."""
        decision, place, model = self._found(request, None)
        return Told(decision) if place is None else Told(decision, place, self.own, model)

    def _found(
        self, request: Request | None, endpoint: tuple[str, int] | None
    ) -> tuple[Decision, int | None, Model | None]:
        for model in self.models:
            if model.holds_for(request):
                decision = model.desk.answer(request, endpoint)
                place = model.place_of(decision)
                if place is not None:
                    return decision, place, model
        return self._alone.answer(request, endpoint), None, None


def quotes(decision: Decision, target: str) -> bool:
    """Whether a decision's sentences show the target; one that is part of another word counts."""
    return any(
        target in step.sentence or any(target in each.name or target in each.why for each in step.lost)
        for step in decision.steps
    )
