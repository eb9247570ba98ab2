"""One question to one decision: the source's redirect and way out, then the server's side."""

from __future__ import annotations

from functools import partial

from analyzer.base.errors import UsageError
from analyzer.base.fact import replace
from analyzer.base.oddity import Code, Family, Level
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.outbound.destination import parse_cluster_name
from analyzer.mesh.outbound.listener import BLACK_HOLE_CLUSTER, DYNAMIC_DNS_CLUSTER, PASSTHROUGH_CLUSTER
from analyzer.mesh.outbound.listeners import has_socket_at
from analyzer.mesh.outbound.scope import scope_of
from analyzer.mesh.proxy import Proxy, proxy_of, proxy_with
from analyzer.mesh.redirect import Redirect, is_loopback, outbound_redirect
from analyzer.mesh.registry import services_by_host
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.verdict.arrival import InboundDecision
from analyzer.verdict.caveats import AMBIENT, ambient_step, with_outbound_caveats
from analyzer.verdict.decision import DROPPED, PASSTHROUGH, Decision, Outbound, Step
from analyzer.verdict.delivery import Delivery, arrivals_of, deliver
from analyzer.verdict.inbound_question import answer_inbound, class_of_arrival
from analyzer.verdict.out_of_scope import scope_step
from analyzer.verdict.outbound import decide_outbound
from analyzer.verdict.outbound_cluster import class_of
from analyzer.verdict.question import Question
from analyzer.verdict.reasons import (
    BALANCED,
    BLACK_HOLE,
    BLOCK_ALL,
    LOOPBACK,
    NAMESPACE_UNKNOWN,
    NO_SIDECAR,
    NOT_CAPTURED,
    WEIGHTED,
)
from analyzer.verdict.reasons import PASSTHROUGH_CLUSTER as PASSTHROUGH_REASON
from analyzer.verdict.settings import SETTING
from analyzer.verdict.upstream import OutboundDecision, Target

NOBODY_TO_ASK = Code(
    "nobody-to-ask",
    Family.UNDETERMINED,
    Level.WARNING,
    "the call names a pod that cannot be asked",
    "The pod is not in the mesh input, or the call is to arrive at a gateway and the pod is none.",
    "Correct the call's source, or add the Pod to the mesh input: kubectl get pods -A -o yaml.",
)

# A sentence names at most so many namespaces.
_MAX_NAMED = 4
# Gateways that lead to gateways: an ingress, an egress and one between are all that meshes have.
MAX_GATEWAYS = 4


def decide(mesh: MeshSnapshot, question: Question) -> Decision:
    """Where the mesh sends the call of ``question``, and why.

    Raises ``UsageError`` where the question names a pod that the mesh does not have.
    """
    if mesh.unlabelled:
        return _unknown_mesh(mesh)
    if question.direction == "inbound":
        return answer_inbound(mesh, question)
    if question.direction == "gateway":
        from analyzer.verdict.gateway_path import answer_gateway

        return answer_gateway(mesh, question, _follow)
    pod = _pod_of(mesh, question)
    if pod is None:
        proxy = proxy_with(mesh, question.namespace, question.labels or {})
        return _through_sidecar(mesh, question, proxy, None)
    redirect = outbound_redirect(mesh, pod, question.address, question.port)
    step = Step(redirect.sentence, yaml=redirect.yaml)
    if not pod.has_sidecar:
        return _with_step(step, _without_sidecar(mesh, question, pod))
    proxy = proxy_of(mesh, pod)
    if not question.bypass and (redirect.captured or _dials_the_sidecar(mesh, question, proxy)):
        return _with_step(step, _through_sidecar(mesh, question, proxy, pod))
    if redirect.doubtful and not question.bypass:
        return Decision(None, None, (SETTING.name,), steps=(step,))
    return _with_step(step, _past_sidecar(mesh, question, pod, redirect))


def decide_if_possible(mesh: MeshSnapshot, question: Question) -> Decision:
    """As ``decide``; a question that names a wrong pod is undetermined, with a step that says what is wrong."""
    try:
        return decide(mesh, question)
    except UsageError as error:
        return Decision(None, None, (NOBODY_TO_ASK.name,), steps=(Step(str(error)),))


def class_of_cluster(mesh: MeshSnapshot, cluster: str) -> tuple[str, str] | None:
    """The verdict and reason of an outbound cluster by its name alone, or None where the mesh does not know it."""
    if cluster in (PASSTHROUGH_CLUSTER, DYNAMIC_DNS_CLUSTER):
        return PASSTHROUGH, PASSTHROUGH_REASON.name
    if cluster == BLACK_HOLE_CLUSTER:
        return DROPPED, BLACK_HOLE.name
    parsed = parse_cluster_name(cluster)
    services = services_by_host(mesh).get(parsed[2], ()) if parsed else ()
    return class_of(next((each for each in services if each.kubernetes), services[0])) if services else None


def _unknown_mesh(mesh: MeshSnapshot) -> Decision:
    """What is said of any call where nobody knows which namespaces istiod sees."""
    named = ", ".join(mesh.unlabelled[:_MAX_NAMED])
    more = ", …" if len(mesh.unlabelled) > _MAX_NAMED else ""
    place = mesh.config.place("discoverySelectors")
    sentence = f"discoverySelectors choose namespaces by their labels, and the input lacks Namespace {named}{more}"
    return Decision(None, None, (NAMESPACE_UNKNOWN.name,), steps=(Step(sentence, yaml=(place,) if place else ()),))


def _pod_of(mesh: MeshSnapshot, question: Question) -> Pod | None:
    if question.pod is None:
        return None
    pod = mesh.pod(question.namespace, question.pod)
    if pod is None:
        raise UsageError(f"pod {question.namespace}/{question.pod} is not in the mesh input")
    return pod


def _dials_the_sidecar(mesh: MeshSnapshot, question: Question, proxy: Proxy) -> bool:
    """Whether the application connects to a socket of its own sidecar, for which no redirect is needed."""
    own = is_loopback(question.address) or question.address in proxy.ips
    return own and has_socket_at(mesh, scope_of(mesh, proxy), proxy, question.address, question.port)


def _as_dialled(question: Question) -> OutboundDecision:
    """The call as the network sees it when no proxy of the client touches it."""
    target = Target(question.address, question.port, question.tls, question.protocol, question.alpn, question.sni)
    return OutboundDecision(Outbound(), None, None, targets=(target,))


def _through_sidecar(mesh: MeshSnapshot, question: Question, proxy: Proxy, pod: Pod | None) -> Decision:
    decided = _by_dump(mesh, question, proxy) if mesh.has("ProxyDump") else None
    if decided is None:
        decided = _with_scope(mesh, proxy, question, decide_outbound(mesh, proxy, question))
        decided = with_outbound_caveats(mesh, proxy, question, decided)
    return _follow(mesh, question, decided, pod)


def _by_dump(mesh: MeshSnapshot, question: Question, proxy: Proxy) -> OutboundDecision | None:
    from analyzer.verdict.dumped import decide_by_dump

    return decide_by_dump(mesh, proxy, question)


def _with_scope(mesh: MeshSnapshot, proxy: Proxy, question: Question, decided: OutboundDecision) -> OutboundDecision:
    """A decision about a stranger, with the service that is meant where the mesh has it."""
    outbound = decided.outbound
    known = outbound.cluster not in (PASSTHROUGH_CLUSTER, BLACK_HOLE_CLUSTER) and decided.reason != BLOCK_ALL.name
    step = None if known else scope_step(mesh, proxy, question)
    return replace(decided, steps=(*decided.steps, step)) if step else decided


def _follow(
    mesh: MeshSnapshot, question: Question, decided: OutboundDecision, pod: Pod | None, *, gateways: int = 0
) -> Decision:
    """A proxy's decision with the server's side behind it; ``gateways`` are those already behind the call."""
    if decided.alternatives:
        ends = [_follow(mesh, question, each, pod, gateways=gateways) for each in decided.alternatives]
        return _split(decided, ends)
    so_far = Decision(decided.verdict, decided.reason, decided.undetermined, decided.outbound, steps=decided.steps)
    if decided.verdict is None or decided.verdict == DROPPED or not decided.targets:
        return so_far
    return _deliver(mesh, question, decided, pod, so_far, gateways=gateways)


def _deliver(
    mesh: MeshSnapshot,
    question: Question,
    decided: OutboundDecision,
    pod: Pod | None,
    so_far: Decision,
    *,
    gateways: int = 0,
) -> Decision:
    """``so_far`` with what gateways or pods make of the call; without a verdict it takes theirs."""
    arrivals = arrivals_of(mesh, question, decided, pod)
    at_gateways = [each for each in arrivals if each.pod.is_gateway]
    if at_gateways and gateways < MAX_GATEWAYS:
        from analyzer.verdict.gateway_path import at_gateway, through_gateways

        onward = partial(_follow, gateways=gateways + 1)
        return through_gateways(so_far, [at_gateway(mesh, each, onward) for each in at_gateways])
    delivery = deliver(mesh, question, decided, pod)
    return _combine(so_far, delivery)


def _end(so_far: Decision, arrived: InboundDecision) -> Decision:
    """How a call ends at pods that act alike: the client's class stands unless they drop it."""
    if arrived.dropped:
        return Decision(DROPPED, arrived.reason)
    if arrived.undetermined:
        return Decision(None, None, arrived.undetermined)
    if so_far.verdict is not None:
        return Decision(so_far.verdict, so_far.reason)
    verdict, reason = class_of_arrival(replace(arrived, protocol_error=False))
    return Decision(verdict or PASSTHROUGH, reason or NO_SIDECAR.name)


def _combine(so_far: Decision, delivery: Delivery) -> Decision:
    """One decision of the ways in which a call may end: none where a balancer chooses among pods that are unlike."""
    ends = [_end(so_far, each) for each in delivery.groups]
    if not ends:
        return so_far if so_far.verdict else replace(so_far, verdict=PASSTHROUGH, reason=NO_SIDECAR.name)
    verdict, reason, missing = _outcome(ends)
    single = delivery.single
    if single is not None and single.dropped and verdict != DROPPED:
        single = None
    steps = (*so_far.steps, *(single.steps if single else ()))
    if len(set(ends)) > 1:
        steps = (*steps, Step("the pods that the balancer chooses from would treat the call differently"))
    inbound = single.inbound if single else None
    return replace(so_far, verdict=verdict, reason=reason, undetermined=missing, inbound=inbound, steps=steps)


def _outcome(ends: list[Decision]) -> tuple[str | None, str | None, tuple[str, ...]]:
    """Verdict, reason and what is missing, of ways to end between which a balancer chooses."""
    missing = [code for end in ends for code in end.undetermined]
    if len({end.verdict for end in ends}) == 1:
        return ends[0].verdict, ends[0].reason, tuple(dict.fromkeys(missing))
    return None, None, tuple(dict.fromkeys([BALANCED.name, *missing]))


def _split(decided: OutboundDecision, ends: list[Decision]) -> Decision:
    """The decision of a route whose weights choose: theirs, where all end alike."""
    alike = {(end.verdict, end.reason, end.undetermined) for end in ends}
    steps = (*decided.steps, *(step for end in ends for step in end.steps))
    same_inbound = {replace(end.inbound, pod=None) if end.inbound else None for end in ends}
    inbound = ends[0].inbound if len(same_inbound) == 1 else None
    if len(alike) == 1 and ends[0].verdict is not None:
        return replace(ends[0], outbound=decided.outbound, inbound=inbound, steps=steps)
    verdicts = {end.verdict for end in ends}
    if len(verdicts) == 1 and None not in verdicts:
        return replace(ends[0], outbound=decided.outbound, inbound=inbound, steps=steps)
    missing = tuple(dict.fromkeys([WEIGHTED.name, *(code for end in ends for code in end.undetermined)]))
    return Decision(None, None, missing, decided.outbound, inbound=inbound, steps=steps)


def _past_sidecar(mesh: MeshSnapshot, question: Question, pod: Pod, redirect: Redirect) -> Decision:
    """A source whose own sidecar does not take the connection: passthrough, unless the server's side drops it."""
    so_far = Decision(PASSTHROUGH, redirect.reason or NOT_CAPTURED.name)
    if so_far.reason == LOOPBACK.name:
        return so_far
    return _deliver(mesh, question, _as_dialled(question), pod, so_far)


def _without_sidecar(mesh: MeshSnapshot, question: Question, pod: Pod) -> Decision:
    """A source without a sidecar: the class of the server's side; passthrough where neither end has one."""
    ambient = ambient_step(mesh, pod)
    if ambient is not None:
        return Decision(None, None, (AMBIENT.name,), steps=(ambient,))
    return _deliver(mesh, question, _as_dialled(question), pod, Decision(None, None))


def _with_step(step: Step, decision: Decision) -> Decision:
    return replace(decision, steps=(step, *decision.steps))
