"""The server's side of a call: which pods its targets are, gateways between, and whether all treat it alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.verdict.arrival import Arrival, InboundDecision
from analyzer.verdict.decision import DROPPED, Outbound, Step
from analyzer.verdict.gateway import decide_gateway
from analyzer.verdict.inbound import decide_inbound
from analyzer.verdict.question import Question
from analyzer.verdict.reach import Landing, Reach, reach
from analyzer.verdict.reasons import UPSTREAM_TLS
from analyzer.verdict.upstream import SPIFFE, OutboundDecision, Target

# Gateways that lead to gateways: an ingress, an egress and one between are all that meshes have.
_MAX_GATEWAYS = 4


@dataclass(frozen=True, slots=True)
class Arrived:
    """What becomes of a call at one pod, or behind the gateway that the pod is.

    ``decision`` is the last pod's; ``gateway`` the first gateway's way out, ``gateway_class`` its verdict and reason.
    """

    decision: InboundDecision
    gateway: Outbound | None = None
    gateway_class: tuple[str | None, str | None] | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the pods that a call may reach do with it: one entry for each group of pods that act alike.

    Empty where no pod of the mesh is reached.
    """

    groups: tuple[Arrived, ...]

    @property
    def single(self) -> Arrived | None:
        """The entry that all of them share, or all that have a sidecar; None where those differ."""
        with_proxy = [each for each in self.groups if each.decision.inbound is not None or each.gateway is not None]
        if len(with_proxy) == 1:
            return with_proxy[0]
        return self.groups[0] if len(self.groups) == 1 else None


def deliver(
    mesh: MeshSnapshot, question: Question, decided: OutboundDecision, peer: Pod | None, *, depth: int = 0
) -> Delivery:
    """The server's side of what a proxy sends on; ``peer`` is the pod of that proxy, ``depth`` counts gateways."""
    arrived: list[Arrived] = []
    for target in _bound(decided.targets, question):
        for arrival in _arrivals(mesh, question, decided, target, peer):
            if arrival.pod.is_gateway and depth < _MAX_GATEWAYS:
                arrived += _through_gateway(mesh, question, arrival, depth)
            else:
                arrived.append(Arrived(_at_pod(mesh, arrival, target)))
    return _group(arrived)


def _through_gateway(mesh: MeshSnapshot, question: Question, arrival: Arrival, depth: int) -> list[Arrived]:
    """The gateway's decision, with what the pods behind it do."""
    return behind_gateway(mesh, question, decide_gateway(mesh, arrival), arrival.pod, depth=depth)


def behind_gateway(
    mesh: MeshSnapshot, question: Question, decided: OutboundDecision, pod: Pod, *, depth: int = 0
) -> list[Arrived]:
    """What a gateway's decision comes to at the pods that it sends to; one entry where it sends to none."""
    outbound, own_class = decided.outbound, (decided.verdict, decided.reason)
    dropped = decided.verdict == DROPPED
    if decided.alternatives:
        ends = [end for each in decided.alternatives for end in behind_gateway(mesh, question, each, pod, depth=depth)]
        return [replace(each, gateway=outbound) for each in _chance(decided, ends)]
    if dropped or decided.undetermined or not decided.targets:
        reason = decided.reason if dropped else None
        end = InboundDecision(None, dropped, reason, undetermined=decided.undetermined, steps=decided.steps)
        return [Arrived(end, outbound, own_class)]
    behind = deliver(mesh, _unbound(question), decided, pod, depth=depth + 1)
    ends = [each.decision for each in behind.groups] or [InboundDecision(None)]
    return [Arrived(replace(end, steps=(*decided.steps, *end.steps)), outbound, own_class) for end in ends]


def _unbound(question: Question) -> Question:
    """The question without the recorded endpoint, which is the gateway itself."""
    return replace(question, endpoint=None)


def _chance(decided: OutboundDecision, ends: list[Arrived]) -> list[Arrived]:
    """The ends of a gateway's weighted route: themselves where they are alike, else one that chance keeps open."""
    alike = {(each.decision.dropped, each.decision.reason, each.gateway_class) for each in ends}
    if len(alike) == 1:
        return ends[:1]
    end = InboundDecision(None, undetermined=decided.undetermined, steps=decided.steps)
    return [Arrived(end, decided.outbound, (None, None))]


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


def arrival_of(question: Question, pod: Pod, peer: Pod | None) -> Arrival:
    """The call as it was sent, at a pod."""
    return Arrival(
        pod=pod,
        address=question.address,
        port=question.port,
        tls=question.tls,
        alpn=question.alpn,
        sni=question.sni,
        protocol=question.protocol,
        host=question.host,
        path=question.path,
        method=question.method,
        headers=question.headers,
        peer=peer,
        server_first=question.server_first,
        client_silent=question.client_silent,
    )


def _arrivals(
    mesh: MeshSnapshot, question: Question, decided: OutboundDecision, target: Target, peer: Pod | None
) -> Iterator[Arrival]:
    """The call at each pod that a target may be, as the proxy forwards it."""
    for landing in _landings(mesh, target, question):
        arrival = replace(
            arrival_of(question, landing.pod, peer),
            address=landing.address,
            port=landing.port,
            tls=target.tls,
            alpn=target.alpn,
            sni=target.sni,
            protocol=target.protocol,
        )
        request = decided.request
        if request is not None:
            arrival = replace(
                arrival,
                host=request.authority,
                path=request.path,
                method=request.method,
                headers=request.headers,
            )
        yield arrival


def _landings(mesh: MeshSnapshot, target: Target, question: Question) -> tuple[Landing, ...]:
    found = _reach_of(mesh, target)
    bound = tuple(each for each in found.landings if (each.address, each.port) == question.endpoint)
    return bound or found.landings


def _reach_of(mesh: MeshSnapshot, target: Target) -> Reach:
    pod = target.endpoint.pod if target.endpoint else None
    if pod is not None:
        return Reach((Landing(pod, target.address, target.port),), True)
    return reach(mesh, target.address, target.port)


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
    if ends:
        return f"{pod.full_name} shows a certificate of the mesh, which ordinary TLS does not accept"
    return None if decided.inbound is not None else f"whether {pod.full_name} speaks TLS itself is not known"


def _group(arrived: list[Arrived]) -> Delivery:
    """One entry per way of acting; the pod is only named where it is the only one that acts so."""
    groups: dict[Arrived, list[Arrived]] = {}
    for each in arrived:
        groups.setdefault(_anonymous(each), []).append(each)
    found = []
    for alike, members in groups.items():
        first = members[0]
        one_pod = len({_pods(each) for each in members}) == 1
        inbound = first.decision.inbound if one_pod else alike.decision.inbound
        gateway = first.gateway if one_pod else alike.gateway
        found.append(replace(first, decision=replace(first.decision, inbound=inbound), gateway=gateway))
    return Delivery(tuple(found))


def _anonymous(arrived: Arrived) -> Arrived:
    """The entry without what names a pod: its name, a chain bound to its address, and the steps."""
    inbound = arrived.decision.inbound
    if inbound is not None:
        chain = inbound.filter_chain
        bound = chain is not None and "_" in chain and not chain.startswith(("0.0.0.0_", "::_"))
        inbound = replace(inbound, pod=None, filter_chain=None if bound else chain)
    gateway = replace(arrived.gateway, pod=None) if arrived.gateway else None
    return replace(arrived, decision=replace(arrived.decision, inbound=inbound, steps=()), gateway=gateway)


def _pods(arrived: Arrived) -> tuple[str | None, str | None]:
    inbound = arrived.decision.inbound
    return (inbound.pod if inbound else None, arrived.gateway.pod if arrived.gateway else None)
