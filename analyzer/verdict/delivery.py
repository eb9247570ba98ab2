"""The server's side of a call: which pods its targets are, and whether their sidecars treat it alike."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.base.fact import Fact, replace
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.verdict.arrival import Arrival, InboundDecision
from analyzer.verdict.decision import Step
from analyzer.verdict.inbound import MTLS_REQUIRED, decide_inbound
from analyzer.verdict.question import Question
from analyzer.verdict.reach import Landing, Reach, reach
from analyzer.verdict.reasons import UPSTREAM_TLS
from analyzer.verdict.upstream import SPIFFE, OutboundDecision, Target


class Delivery(Fact, frozen=True):
    """What the pods that a call may reach do with it: one decision for each group of pods that act alike.

    Empty where no pod of the mesh is reached.
    """

    groups: tuple[InboundDecision, ...]

    @property
    def single(self) -> InboundDecision | None:
        """The decision that all of them share, or all that have a sidecar; None where those differ."""
        with_sidecar = [each for each in self.groups if each.inbound is not None]
        if len(with_sidecar) == 1:
            return with_sidecar[0]
        return self.groups[0] if len(self.groups) == 1 else None


def deliver(mesh: MeshSnapshot, question: Question, decided: OutboundDecision, peer: Pod | None) -> Delivery:
    """What the pods do that a proxy may send to; ``peer`` is the pod of that proxy."""
    arriving = [
        (arrival, target)
        for target in _bound(decided.targets, question)
        for arrival in _arrivals(mesh, question, decided, target, peer)
    ]
    ends = [_at_pod(mesh, arrival, target) for arrival, target in _elsewhere(arriving, peer)]
    # A handshake that fails is a failed connection, which is tried elsewhere as often as the route says.
    taken = [each for each in ends if each.undetermined != (UPSTREAM_TLS.name,)]
    if taken and len(ends) - len(taken) <= decided.retries:
        ends = taken
    return group(ends)


def _elsewhere(arriving: list[tuple[Arrival, Target]], peer: Pod | None) -> list[tuple[Arrival, Target]]:
    """What arrives at other pods: a caller without a sidecar that its Service leads back to itself meets no Envoy.

    The same call at any other pod says what the mesh does with it. All, where there is no other pod.
    """
    if peer is None or peer.has_sidecar:
        return arriving
    return [each for each in arriving if each[0].pod is not peer] or arriving


def arrivals_of(
    mesh: MeshSnapshot, question: Question, decided: OutboundDecision, peer: Pod | None
) -> tuple[Arrival, ...]:
    """What may arrive at pods of the mesh, one for each that the call may reach."""
    targets = _bound(decided.targets, question)
    return tuple(a for target in targets for a in _arrivals(mesh, question, decided, target, peer))


def _bound(targets: tuple[Target, ...], question: Question) -> tuple[Target, ...]:
    """The targets, of which the recording may show the one that the balancer chose."""
    if question.endpoint is None:
        return targets
    chosen = tuple(target for target in targets if (target.address, target.port) == question.endpoint)
    return chosen or targets


def _arrivals(
    mesh: MeshSnapshot, question: Question, decided: OutboundDecision, target: Target, peer: Pod | None
) -> Iterator[Arrival]:
    """The call at each pod that a target may be, as the proxy forwards it."""
    request = decided.request
    for landing in _landings(mesh, target, question):
        yield Arrival(
            pod=landing.pod,
            address=landing.address,
            port=landing.port,
            tls=target.tls,
            alpn=target.alpn,
            sni=target.sni,
            protocol=target.protocol,
            host=request.authority if request else question.host,
            path=request.path if request else question.path,
            method=request.method if request else question.method,
            headers=request.headers if request else question.headers,
            peer=peer,
            server_first=question.server_first,
            client_silent=question.client_silent,
            sealed=question.sealed and not target.originated,
            inspected=None if request else question.inspected,
            head_cut=question.head_cut,
            refused=None if request else question.refused,
            scheme=None if request else question.scheme,
        )


def _landings(mesh: MeshSnapshot, target: Target, question: Question) -> tuple[Landing, ...]:
    client = mesh.pod(question.namespace, question.pod or "")
    found = _reach_of(mesh, target, client.node if client is not None else "")
    bound = tuple(each for each in found.landings if (each.address, each.port) == question.endpoint)
    return bound or found.landings


def _reach_of(mesh: MeshSnapshot, target: Target, node: str) -> Reach:
    pod = target.endpoint.pod if target.endpoint else None
    if pod is not None:
        return Reach((Landing(pod, target.address, target.port),), True)
    return reach(mesh, target.address, target.port, node=node)


def _at_pod(mesh: MeshSnapshot, arrival: Arrival, target: Target) -> InboundDecision:
    decided = decide_inbound(mesh, arrival)
    clash = _tls_clash(mesh, arrival, target, decided)
    if clash is None:
        return decided
    step = Step(clash)
    return InboundDecision(
        decided.inbound,
        port_class=decided.port_class,
        undetermined=(UPSTREAM_TLS.name,),
        steps=(*decided.steps, step),
    )


def _tls_clash(mesh: MeshSnapshot, arrival: Arrival, target: Target, decided: InboundDecision) -> str | None:
    """Why the TLS that the client's proxy starts does not fit the server's end, or None."""
    if not target.originated:
        return None
    pod = arrival.pod
    ends = decided.inbound is not None and decided.inbound.mtls
    if target.tls == "mtls":
        if not ends and not decided.dropped:
            return f"{pod.full_name} does not end the mutual TLS that the client's proxy starts"
        own = SPIFFE.format(mesh.config.trust_domain, pod.namespace, pod.service_account)
        if ends and target.identities and own not in target.identities:
            return f"the certificate of {pod.full_name} says {own}, which the client's proxy does not accept"
        return None
    if decided.reason == MTLS_REQUIRED.name and target.certified and decided.inbound and decided.inbound.filter_chain:
        return f"whether {pod.full_name} accepts the certificate that a DestinationRule names is not known"
    if ends:
        return f"{pod.full_name} shows a certificate of the mesh, which ordinary TLS does not accept"
    return None if decided.inbound is not None else f"whether {pod.full_name} speaks TLS itself is not known"


def group(decisions: list[InboundDecision]) -> Delivery:
    """One decision per way of acting; the pod is only named where it is the only one that acts so."""
    groups: dict[InboundDecision, list[InboundDecision]] = {}
    for each in decisions:
        groups.setdefault(_anonymous(each), []).append(each)
    found = []
    for alike, members in groups.items():
        first = members[0]
        one_pod = len({each.inbound.pod if each.inbound else None for each in members}) == 1
        found.append(first if one_pod else replace(first, inbound=alike.inbound))
    return Delivery(tuple(found))


def _anonymous(decision: InboundDecision) -> InboundDecision:
    """The decision without what names a pod: its name, a chain bound to its address, and the steps."""
    inbound = decision.inbound
    if inbound is not None:
        chain = inbound.filter_chain
        bound = chain is not None and "_" in chain and not chain.startswith(("0.0.0.0_", "::_"))
        inbound = replace(inbound, pod=None, filter_chain=None if bound else chain)
    return replace(decision, inbound=inbound, steps=())
