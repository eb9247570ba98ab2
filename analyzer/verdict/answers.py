"""The mesh's answers to the calls of captures: requests that no rule can tell apart are asked once."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace

from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.protocol.facts import Headers, Request
from analyzer.verdict.asking import with_request
from analyzer.verdict.decide import decide
from analyzer.verdict.decision import Decision
from analyzer.verdict.question import Question
from analyzer.verdict.sameness import Sameness, sameness_of


class Answers:
    """Decides about connections, and remembers: what is equal for every rule of the mesh is decided once."""

    def __init__(self, mesh: MeshSnapshot) -> None:
        self._mesh = mesh
        self._sameness = sameness_of(mesh)
        self._desks: dict[Question, Desk] = {}

    def about(self, connection: Question) -> Desk:
        """Who answers about the calls of a connection; ``connection`` is the question without a request."""
        found = self._desks.get(connection)
        if found is None:
            found = self._desks[connection] = Desk(self._mesh, self._sameness, connection)
        return found


class Desk:
    """Answers about the requests of all connections that a proxy meets alike."""

    __slots__ = ("_answers", "_mesh", "_sameness", "connection")

    def __init__(self, mesh: MeshSnapshot, sameness: Sameness, connection: Question) -> None:
        self._mesh = mesh
        self._sameness = sameness
        self.connection = connection
        self._answers: dict[Hashable, Decision] = {}

    def answer(self, request: Request | None, endpoint: tuple[str, int] | None = None) -> Decision:
        """The decision about a request, or about the connection; ``endpoint`` is what the balancer chose."""
        if request is None:
            found = self._answers.get(endpoint)
            if found is None:
                found = self._answers[endpoint] = decide(self._mesh, replace(self.connection, endpoint=endpoint))
            return found
        headers = self._sameness.seen_of(request.headers)
        same = (endpoint, request.version, request.host, request.method, headers)
        alike = (same, self._sameness.class_of(request.target))
        known = self._answers.get(alike) or self._answers.get((same, request.target))
        return known or self._decide(request, endpoint, headers, alike)

    def _decide(
        self, request: Request, endpoint: tuple[str, int] | None, headers: Headers, alike: tuple[Hashable, Hashable]
    ) -> Decision:
        question = replace(with_request(self.connection, request), headers=headers, endpoint=endpoint)
        decision = decide(self._mesh, question)
        # A sentence that quotes the target holds for no other one.
        key = (alike[0], request.target) if _quotes(decision, request.target) else alike
        self._answers[key] = decision
        return decision


def _quotes(decision: Decision, target: str) -> bool:
    """Whether a decision's sentences show the target; one that is part of another word counts."""
    return any(
        target in step.sentence or any(target in each.name or target in each.why for each in step.lost)
        for step in decision.steps
    )
