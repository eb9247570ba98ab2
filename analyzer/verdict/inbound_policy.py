"""Tokens and authorization of an arrival: the filters that stand before its cluster."""

from __future__ import annotations

from collections.abc import Callable

from analyzer.base.fact import Fact, replace
from analyzer.base.oddity import Code, Family, Level
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.outbound.request import made_headers, with_forwarded_proto
from analyzer.mesh.path import normalize_path
from analyzer.mesh.policy.authorization import authorize
from analyzer.mesh.policy.request import authenticate
from analyzer.mesh.policy.subject import Subject
from analyzer.mesh.proxy import proxy_of
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.verdict.arrival import Arrival, InboundDecision
from analyzer.verdict.decision import LocalResponse, Step

AUTHORIZATION = Code(
    "authorization",
    Family.REASON,
    Level.WARNING,
    "an AuthorizationPolicy denies the call",
    "Envoy answers 403 `RBAC: access denied`, or closes a connection that is not HTTP.",
    "Look at the policies in the call's evidence.",
)
AUTHENTICATION = Code(
    "authentication",
    Family.REASON,
    Level.WARNING,
    "a RequestAuthentication refuses the call's token",
    "The request carries a token that is malformed, of an unknown issuer, for another audience, or badly signed.",
    "Send a valid token, or none where the policy allows it.",
)
POLICY_FACTS = Code(
    "policy-facts",
    Family.UNDETERMINED,
    Level.INFO,
    "a policy asks for something that neither wire nor mesh shows",
    "The evidence names the fields: for example the identity of a client outside the input, or an outside authorizer.",
    "Add the client's pod to the mesh input.",
)
TOKEN_UNVERIFIED = Code(
    "token-unverified",
    Family.UNDETERMINED,
    Level.INFO,
    "the request carries a token that cannot be verified here",
    "Its keys are not in the input, its signature is of a kind that is not checked, or it has an expiry.",
)

_FORBIDDEN = LocalResponse(403, None)
_CLOSED = LocalResponse(None, None)
_CLIENT_CERTIFICATE = "x-forwarded-client-cert"


class PolicyOutcome(Fact, frozen=True):
    """What the policies of a pod say: who ``denied`` it and the proxy's answer, or what is ``missing``."""

    denied: Code | None = None
    response: LocalResponse | None = None
    missing: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()


def policy_outcome(mesh: MeshSnapshot, pod: Pod, subject: Subject) -> PolicyOutcome:
    """RequestAuthentication first (of HTTP only), then AuthorizationPolicy, as the filters of ``pod`` stand."""
    steps: list[Step] = []
    missing: list[str] = []
    if subject.http:
        token = authenticate(mesh, pod, subject)
        if token.sentence:
            steps.append(Step(token.sentence, yaml=token.yaml))
        if token.code is not None:
            return PolicyOutcome(AUTHENTICATION, LocalResponse(token.code, None), steps=tuple(steps))
        missing += [(TOKEN_UNVERIFIED if subject.request_seen else POLICY_FACTS).name] if token.missing else []
        subject = replace(subject, claims=token.claims)
    verdict = authorize(mesh, pod, subject)
    if verdict is not None:
        steps.append(Step(verdict.sentence, yaml=verdict.yaml))
        if verdict.allowed is False:
            return PolicyOutcome(AUTHORIZATION, _FORBIDDEN if subject.http else _CLOSED, steps=tuple(steps))
        missing += [POLICY_FACTS.name] if verdict.allowed is None else []
    return PolicyOutcome(missing=tuple(dict.fromkeys(missing)), steps=tuple(steps))


def judge_policies(
    mesh: MeshSnapshot,
    arrival: Arrival,
    taken: InboundDecision,
    *,
    http: bool,
    sni: str,
    policies: Callable[[Subject], PolicyOutcome] | None = None,
) -> InboundDecision:
    """``taken`` with what the policies of its pod say of it.

    ``http``: the chain speaks HTTP; ``sni`` is what the TLS inspector found; ``policies`` are not the mesh's own.
    """
    subject = subject_of(mesh, arrival, http=http, sni=sni, mtls=taken.inbound is not None and taken.inbound.mtls)
    outcome = policies(subject) if policies is not None else policy_outcome(mesh, arrival.pod, subject)
    judged = replace(taken, steps=(*taken.steps, *outcome.steps), undetermined=outcome.missing)
    if outcome.denied is None:
        return judged
    inbound = replace(judged.inbound, response=outcome.response) if judged.inbound is not None else None
    return replace(judged, inbound=inbound, dropped=True, reason=outcome.denied.name)


def subject_of(
    mesh: MeshSnapshot, arrival: Arrival, *, http: bool, sni: str, mtls: bool, edge: bool = False
) -> Subject:
    """What the policies of ``arrival.pod`` see of an arrival, behind its connection manager where it speaks HTTP.

    That one removes a client's certificate that is told in words, and writes that of the connection (Envoy's
    ConnectionManagerUtility::mutateXfccRequestHeader).
    """
    peer = arrival.peer
    scheme = "http" if arrival.tls == "plaintext" else "https"
    headers = with_forwarded_proto(arrival.headers, scheme, edge=edge, head_cut=arrival.head_cut)
    headers = tuple(each for each in headers if each[0] != _CLIENT_CERTIFICATE)
    return Subject(
        http=http,
        destination_ip=arrival.address,
        destination_port=arrival.port,
        source_ip=arrival.client or (peer.ips[0] if peer is not None and peer.ips else None),
        principals=_principals(mesh, peer) if mtls else (),
        sni=sni,
        host=arrival.host,
        method=arrival.method,
        path=normalize_path(arrival.path, mesh.config.path_normalization),
        headers=headers,
        request_seen=not arrival.sealed,
        head_cut=arrival.head_cut,
        made=made_headers(headers, request_ids=_has_request_id(mesh, arrival))
        | ({_CLIENT_CERTIFICATE} if mtls else set()),
    )


def _has_request_id(mesh: MeshSnapshot, arrival: Arrival) -> bool:
    """Whether the proxy of either end makes an X-Request-Id."""
    peer = arrival.peer
    by_peer = peer is not None and peer.proxy is not None and proxy_of(mesh, peer).request_ids
    return by_peer or proxy_of(mesh, arrival.pod).request_ids


def _principals(mesh: MeshSnapshot, peer: Pod | None) -> tuple[str, ...] | None:
    if peer is None:
        return None
    return (f"{mesh.config.trust_domain}/ns/{peer.namespace}/sa/{peer.service_account}",)
