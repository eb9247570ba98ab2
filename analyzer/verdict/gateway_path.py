"""Calls whose next hop is a gateway: what it does, and how that and the client's side come to one decision."""

from __future__ import annotations

from collections.abc import Callable

from analyzer.base.errors import UsageError
from analyzer.base.fact import replace
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.verdict.arrival import Arrival, asked_arrival
from analyzer.verdict.caveats import with_gateway_caveats
from analyzer.verdict.decision import DROPPED, SERVICE_MATCHED, Decision, Outbound
from analyzer.verdict.gateway import NO_LISTENER, decide_gateway, gateway_question
from analyzer.verdict.question import Question
from analyzer.verdict.reasons import BALANCED
from analyzer.verdict.upstream import OutboundDecision

# Follows a proxy's decision to the server's side; ``decide`` gives it.
Follow = Callable[[MeshSnapshot, Question, OutboundDecision, Pod | None], Decision]


def answer_gateway(mesh: MeshSnapshot, question: Question, follow: Follow) -> Decision:
    """The decision of a gateway alone, and of the pods behind it.

    Raises ``UsageError`` where the question names a pod that the mesh does not have, or one that is no gateway.
    """
    pod = mesh.pod(question.namespace, question.pod or "")
    name = f"{question.namespace}/{question.pod}"
    if pod is None:
        raise UsageError(f"pod {name} is not in the mesh input")
    if not pod.is_gateway:
        raise UsageError(f"pod {name} is no gateway: its istio-proxy does not run `proxy router`")
    return at_gateway(mesh, asked_arrival(mesh, pod, question), follow, endpoint=question.endpoint)


def at_gateway(
    mesh: MeshSnapshot, arrival: Arrival, follow: Follow, *, endpoint: tuple[str, int] | None = None
) -> Decision:
    """What the gateway of an arrival does, followed to the pods behind it."""
    question = replace(gateway_question(arrival), endpoint=endpoint)
    by_dump = _by_dump(mesh, arrival) if mesh.has("ProxyDump") else None
    decided = by_dump or with_gateway_caveats(mesh, arrival, decide_gateway(mesh, arrival))
    if decided.verdict == DROPPED and decided.targets:
        reached = follow(mesh, question, replace(decided, verdict=SERVICE_MATCHED), arrival.pod)
        decision = replace(reached, verdict=DROPPED, reason=decided.reason, undetermined=())
    else:
        decision = follow(mesh, question, decided, arrival.pod)
    return replace(decision, gateway=decision.outbound, outbound=None)


def _by_dump(mesh: MeshSnapshot, arrival: Arrival) -> OutboundDecision | None:
    """What the gateway does by its own configuration; None where the input has no dump of it."""
    from analyzer.verdict.dumped_gateway import decide_gateway_by_dump

    return decide_gateway_by_dump(mesh, arrival)


def through_gateways(so_far: Decision, ends: list[Decision]) -> Decision:
    """A client's decision with those of the gateways that its call may reach.

    The client's class stands unless every gateway drops the call, or what they do cannot be known; a port that they do
    not listen on changes nothing. A client without a part in it (verdict None) takes the gateway's class.
    """
    alike = {_anonymous(end) for end in ends}
    first = ends[0]
    gateway = first.gateway if len({end.gateway for end in ends}) == 1 else _nameless(first.gateway)
    shown = replace(so_far, gateway=gateway, inbound=first.inbound, steps=(*so_far.steps, *first.steps))
    if len(alike) > 1:
        return replace(shown, verdict=None, reason=None, undetermined=(BALANCED.name,), gateway=None, inbound=None)
    if so_far.verdict is not None and first.undetermined == (NO_LISTENER.name,):
        return replace(so_far, steps=shown.steps)
    if first.verdict is None or first.verdict == DROPPED or so_far.verdict is None:
        return replace(shown, verdict=first.verdict, reason=first.reason, undetermined=first.undetermined)
    return shown


def _anonymous(end: Decision) -> Decision:
    inbound = replace(end.inbound, pod=None) if end.inbound else None
    return replace(end, gateway=_nameless(end.gateway), inbound=inbound, steps=())


def _nameless(gateway: Outbound | None) -> Outbound | None:
    return replace(gateway, pod=None) if gateway else None
