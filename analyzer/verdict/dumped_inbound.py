"""The server's side of a call by its sidecar's own configuration dump, held against the mesh's YAML."""

from __future__ import annotations

from analyzer.base.fact import replace
from analyzer.base.oddity import Code, Family, Level
from analyzer.mesh.dump.chains import DumpedChain
from analyzer.mesh.dump.inbound import DumpedMatch, DumpedPort, dumped_port
from analyzer.mesh.dump.rbac import rbac_verdict
from analyzer.mesh.dump.synthetic import NOT_IN_THE_INPUT
from analyzer.mesh.dump.told import dump_of
from analyzer.mesh.inbound.chains import ChainMatch
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.policy.request import authenticate
from analyzer.mesh.policy.subject import Subject
from analyzer.mesh.proxy import proxy_of
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.verdict.arrival import Arrival, InboundDecision
from analyzer.verdict.decision import LocalResponse, Step
from analyzer.verdict.findings import DUMP_DIFFERS
from analyzer.verdict.inbound_policy import (
    AUTHENTICATION,
    AUTHORIZATION,
    POLICY_FACTS,
    TOKEN_UNVERIFIED,
    PolicyOutcome,
)

DUMP_UNMODELLED = Code(
    "dump-unmodelled",
    Family.UNDETERMINED,
    Level.WARNING,
    "the proxy's own configuration has something on the way that is not modelled",
    "A filter, a matcher or an action of Envoy that istiod does not write by itself; the evidence names it.",
    "Look at the line of the dump that the evidence names: an EnvoyFilter or an extension probably put it there.",
)

_JWT_FILTER = "envoy.filters.http.jwt_authn"


def port_by_dump(mesh: MeshSnapshot, arrival: Arrival) -> DumpedPort | None:
    """The chains of the port at which a connection arrives, by the dump of the pod's sidecar; None without one."""
    dump = dump_of(mesh, proxy_of(mesh, arrival.pod))
    if dump is None:
        return None
    return dumped_port(mesh, dump, arrival.pod, arrival.port, ipv6=":" in arrival.address)


def outcome_by_dump(mesh: MeshSnapshot, pod: Pod, match: ChainMatch, subject: Subject) -> PolicyOutcome:
    """What the policy filters of an inbound chain make of a subject."""
    assert isinstance(match, DumpedMatch)
    return outcome_of_chain(mesh, pod, match.chain, subject)


def outcome_of_chain(mesh: MeshSnapshot, pod: Pod, chain: DumpedChain, subject: Subject) -> PolicyOutcome:
    """What the policy filters of a chain make of a subject; tokens are judged by the YAML, which has the keys."""
    steps: list[Step] = []
    missing: list[str] = []
    if any(each.text("name") == _JWT_FILTER for each in chain.filters):
        token = authenticate(mesh, pod, subject)
        steps += [Step(token.sentence, yaml=token.yaml)] if token.sentence else []
        if token.code is not None:
            return PolicyOutcome(AUTHENTICATION, LocalResponse(token.code, None), steps=tuple(steps))
        unseen = not token.sentence and subject.header("authorization") is not None
        missing += [TOKEN_UNVERIFIED.name] if token.missing or unseen else []
        subject = replace(subject, claims=None if unseen else token.claims)
    verdict = rbac_verdict(chain.filters, subject)
    if verdict is not None:
        steps.append(Step(verdict.sentence, yaml=verdict.yaml))
        if verdict.allowed is False:
            answer = LocalResponse(403 if subject.http else None, None)
            return PolicyOutcome(AUTHORIZATION, answer, steps=tuple(steps))
        missing += [POLICY_FACTS.name] if verdict.allowed is None else []
    if chain.unknown:
        steps.append(Step(f"{', '.join(chain.unknown)} of the dump is on the way and not modelled", yaml=chain.yaml))
        missing.append(DUMP_UNMODELLED.name)
    return PolicyOutcome(missing=tuple(dict.fromkeys(missing)), steps=tuple(steps))


def held_against_yaml(
    mesh: MeshSnapshot, pod: Pod, decided: InboundDecision, by_yaml: InboundDecision
) -> InboundDecision:
    """A decision by the dump, with a step where the YAML, if it knows the pod, says otherwise."""
    if not is_in_yaml(mesh, pod.namespace, pod.name) or decided.undetermined or _end(decided) == _end(by_yaml):
        return decided
    last = next((step.yaml for step in reversed(by_yaml.steps) if step.yaml), ())
    step = Step(f"the mesh's YAML says otherwise: {_where(by_yaml)}", yaml=last, aside=True, code=DUMP_DIFFERS.name)
    return replace(decided, steps=(*decided.steps, step))


def is_in_yaml(mesh: MeshSnapshot, namespace: str, name: str | None) -> bool:
    """Whether the input has the pod, rather than only a dump of it."""
    pod = mesh.pod(namespace, name or "")
    return pod is not None and pod.resource.order != NOT_IN_THE_INPUT


def _end(decided: InboundDecision) -> tuple[object, ...]:
    """What a call moves by at the server's side: whether it is dropped, the cluster, and the proxy's own answer."""
    inbound = decided.inbound
    own = (inbound.cluster, inbound.response, inbound.mtls) if inbound is not None else ()
    return decided.dropped, decided.reason, decided.undetermined, own


def _where(by_yaml: InboundDecision) -> str:
    if by_yaml.dropped:
        return f"dropped ({by_yaml.reason})"
    if by_yaml.undetermined:
        return f"undetermined ({', '.join(by_yaml.undetermined)})"
    inbound = by_yaml.inbound
    security = "mutual TLS" if inbound is not None and inbound.mtls else "no mutual TLS"
    return f"taken by {inbound.cluster if inbound is not None else 'nobody'} with {security}"
