"""What a pod's sidecar does with what arrives: redirect, filter chain, mutual TLS, tokens, policies, cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from analyzer.base.fact import Fact, replace
from analyzer.base.oddity import Code, Family, Level
from analyzer.base.place import YamlPlace
from analyzer.mesh.inbound.chains import RAW_BUFFER, TLS, ChainMatch, inspects_http, inspects_tls, match_chain
from analyzer.mesh.inbound.listener import BLACK_HOLE_CHAIN, BLACK_HOLE_CLUSTER, InboundPort, inbound_port
from analyzer.mesh.inbound.mtls import Mtls
from analyzer.mesh.outbound.request import refused_upgrade
from analyzer.mesh.policy.subject import Subject
from analyzer.mesh.proxy import proxy_of
from analyzer.mesh.redirect import inbound_redirect
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.verdict.arrival import (
    HEADLESS_PORT,
    NO_SIDECAR,
    PASSTHROUGH_PORT,
    REQUEST_SEALED,
    SERVICE_PORT,
    Arrival,
    InboundDecision,
)
from analyzer.verdict.caveats import with_ambient, with_arrival_caveats
from analyzer.verdict.decision import Candidate, Inbound, LocalResponse, Step
from analyzer.verdict.inbound_policy import PolicyOutcome, judge_policies
from analyzer.verdict.likeness import kind_of_arrival

MTLS_REQUIRED = Code(
    "mtls-required",
    Family.REASON,
    Level.WARNING,
    "the server's sidecar takes only mutual TLS here, and this is not",
    "No filter chain fits: plaintext, or TLS that is not Istio's, where the mode of mutual TLS is STRICT; or TLS to a "
    "port that is declared HTTP. The connection is closed, or the handshake fails.",
    "Let the client call a Service through its sidecar, or look at the PeerAuthentication that set the mode.",
)
NOBODY_BEGINS = Code(
    "nobody-begins",
    Family.FINDING,
    Level.ERROR,
    "the server would speak first, and its sidecar waits for the client's first bytes",
    "Where plaintext and mutual TLS are both taken, the listener looks at the client's first bytes before it "
    "connects to the application. A server that speaks first (MySQL, SMTP, FTP) is never asked, and both ends wait.",
    "Send the call by the Service's name through a sidecar that is told of it, so that it comes by mutual TLS; or set "
    "the port's mutual TLS to STRICT or DISABLE with a PeerAuthentication.",
)
BLACK_HOLE = Code(
    "black-hole",
    Family.REASON,
    Level.WARNING,
    "the proxy leads the connection nowhere on purpose",
    "Nothing in the mesh matches and unmatched traffic is not allowed, or the connection aims at the proxy's own port.",
    "Declare the destination (Service or ServiceEntry), or allow unmatched traffic with outboundTrafficPolicy.",
)
SERVER_FIRST = Code(
    "protocol-detection",
    Family.UNDETERMINED,
    Level.WARNING,
    "the proxy waits for the client's first bytes, which do not come",
    "The port's listener inspects the protocol and the client waits for the server: without protocolDetectionTimeout "
    "the connection hangs.",
    "Declare the port's protocol as tcp.",
)

# What the client's sidecar offers in the ClientHello of Istio's mutual TLS (istio pilot/pkg/xds/filters Alpn).
MTLS_ALPN = {
    "http": ("istio-http/1.1", "istio", "http/1.1"),
    "http/1.0": ("istio-http/1.0", "istio", "http/1.0"),
    "http2": ("istio-h2", "istio", "h2"),
    "tcp": ("istio-peer-exchange", "istio"),
}
_ALPN_OF_HTTP = frozenset({"istio-http/1.0", "istio-http/1.1", "istio-h2"})
# What Envoy's HTTP inspector names plaintext HTTP.
_INSPECTED_ALPN = {"http": "http/1.1", "http/1.0": "http/1.0", "http2": "h2c"}
_CODEC_ERROR = LocalResponse(400, "DPE")
_UPGRADE_REQUIRED = LocalResponse(426, "DPE")
_UPGRADE_REFUSED = LocalResponse(403, None)
_NO_CHAIN = LocalResponse(None, "NR")
_HANDSHAKE_FAILED = LocalResponse(None, None)

# What the policy filters of a chain make of a subject.
ChainPolicies = Callable[[ChainMatch, Subject], PolicyOutcome]


def decide_inbound(mesh: MeshSnapshot, arrival: Arrival) -> InboundDecision:
    """What the sidecar of ``arrival.pod`` does, redirect included."""
    kind = kind_of_arrival(mesh, arrival)
    return _decide(mesh, arrival) if kind is None else mesh.memo(("arrival", kind), lambda: _decide(mesh, arrival))


def _decide(mesh: MeshSnapshot, arrival: Arrival) -> InboundDecision:
    own = arrival.peer is arrival.pod
    redirect = inbound_redirect(mesh, arrival.pod, arrival.address, arrival.port, from_own_pod=own)
    step = Step(redirect.sentence, yaml=redirect.yaml)
    if not redirect.captured:
        return with_ambient(mesh, arrival.pod, InboundDecision(None, port_class=NO_SIDECAR, steps=(step,)))
    return _with_step(step, decide_captured(mesh, arrival))


def decide_captured(mesh: MeshSnapshot, arrival: Arrival) -> InboundDecision:
    """What the sidecar does with a connection that it has: ``virtualInbound``'s chains and what they hold."""
    by_yaml = _through_chains(mesh, arrival, inbound_port(mesh, arrival.pod, arrival.port))
    by_dump = _by_dump(mesh, arrival, by_yaml) if mesh.has("ProxyDump") else None
    return by_dump or with_arrival_caveats(mesh, arrival, by_yaml)


def _by_dump(mesh: MeshSnapshot, arrival: Arrival, by_yaml: InboundDecision) -> InboundDecision | None:
    """What the sidecar does by its own configuration; None where the input has no dump of it."""
    from analyzer.verdict.dumped_inbound import held_against_yaml, outcome_by_dump, port_by_dump

    port = port_by_dump(mesh, arrival)
    if port is None:
        return None
    policies = partial(outcome_by_dump, mesh, arrival.pod)
    return held_against_yaml(mesh, arrival.pod, _through_chains(mesh, arrival, port, policies), by_yaml)


def _through_chains(
    mesh: MeshSnapshot, arrival: Arrival, port: InboundPort, policies: ChainPolicies | None = None
) -> InboundDecision:
    pod = arrival.pod
    if arrival.port == mesh.config.proxy_inbound_listen_port:
        inbound = Inbound(pod.full_name, BLACK_HOLE_CHAIN, BLACK_HOLE_CLUSTER)
        step = Step(f"port {arrival.port} is where the sidecar itself listens; {BLACK_HOLE_CHAIN} closes such loops")
        return InboundDecision(inbound, True, BLACK_HOLE.name, steps=(step,))
    steps: tuple[Step, ...] = (_port_step(port, pod.full_name), _mtls_step(port.mtls, arrival.port))
    waits = _waits(arrival, port.chains)
    if waits and not mesh.config.protocol_detection_timeout_ns:
        return _hangs(arrival, port, steps)
    seen = Inspected(RAW_BUFFER, (), "") if waits else inspect(arrival, port.chains)
    chain = match_chain(port.chains, seen.transport, seen.alpn)
    if chain is None:
        return _no_chain(arrival, port, seen, steps)
    inbound = Inbound(pod.full_name, port.chain_name(chain), port.cluster, chain.terminates)
    steps = (*steps, _chain_step(inbound, chain, seen, port.chains))
    if chain.terminates and arrival.tls != "mtls":
        return _handshake_fails(inbound, steps)
    refusal = _refusal(mesh, arrival, chain)
    if refusal is not None:
        return _protocol_error(inbound, port, refusal, steps)
    taken = InboundDecision(inbound, port_class=_port_class(port), steps=steps)
    own = partial(policies, chain) if policies is not None else None
    judged = judge_policies(mesh, arrival, taken, http=chain.http, sni=seen.sni, policies=own)
    return _unread(taken, judged) if judged.dropped and chain.http and not _is_http(arrival) else judged


def _is_http(arrival: Arrival) -> bool:
    """Whether HTTP arrives; inside TLS the client's sidecar says so by its ALPN (istio pilot/pkg/xds/filters Alpn)."""
    return arrival.protocol != "tcp" or not arrival.sealed or not _ALPN_OF_HTTP.isdisjoint(arrival.alpn)


def _unread(taken: InboundDecision, judged: InboundDecision) -> InboundDecision:
    """Where policies refuse a request: other bytes the codec would have refused before them, which is no drop."""
    step = Step("whether it is a request, which policies can refuse, does not show")
    return replace(taken, undetermined=(REQUEST_SEALED.name,), steps=(*judged.steps, step))


def _waits(arrival: Arrival, chains: tuple[ChainMatch, ...]) -> bool:
    """Whether the listener looks at first bytes that do not come: the client is silent, or waits for the server."""
    silent = (arrival.client_silent or arrival.server_first) and arrival.tls == "plaintext"
    return silent and (inspects_tls(chains) or inspects_http(chains))


def _hangs(arrival: Arrival, port: InboundPort, steps: tuple[Step, ...]) -> InboundDecision:
    """No chain is ever chosen; where the server would speak first, its words do not pass."""
    sentence = "the inspectors wait for the client's first bytes, which never come: no filter chain is chosen"
    step = Step(sentence, code=NOBODY_BEGINS.name)
    missing = () if arrival.client_silent else (SERVER_FIRST.name,)
    inbound = Inbound(arrival.pod.full_name)
    return InboundDecision(inbound, port_class=_port_class(port), undetermined=missing, steps=(*steps, step))


class Inspected(Fact, frozen=True):
    """What the listener filters find: the transport, the ALPN to match by, and the server name."""

    transport: str
    alpn: tuple[str, ...]
    sni: str


def inspect(arrival: Arrival, chains: tuple[ChainMatch, ...]) -> Inspected:
    """What the inspectors of a port with ``chains`` find; they only look where a chain asks for it."""
    if arrival.tls != "plaintext":
        if not inspects_tls(chains):
            return Inspected(RAW_BUFFER, (), "")
        default = MTLS_ALPN[arrival.protocol] if arrival.tls == "mtls" else ()
        return Inspected(TLS, arrival.alpn or default, arrival.sni or "")
    named = _INSPECTED_ALPN.get(arrival.inspected or arrival.protocol) if inspects_http(chains) else None
    return Inspected(RAW_BUFFER, (named,) if named else (), "")


def _refusal(mesh: MeshSnapshot, arrival: Arrival, chain: ChainMatch) -> LocalResponse | None:
    """What the HTTP connection manager answers to what it cannot read, or does not allow."""
    if not chain.http:
        return None
    raw_tls = arrival.tls != "plaintext" and not chain.terminates
    if raw_tls or (arrival.protocol == "tcp" and not arrival.sealed):
        return _CODEC_ERROR
    if arrival.protocol == "http" and refused_upgrade(arrival.headers):
        return _UPGRADE_REFUSED
    http10 = proxy_of(mesh, arrival.pod).http10 if chain.http10 is None else chain.http10
    if arrival.protocol == "http/1.0" and not http10:
        return _UPGRADE_REQUIRED
    return None if arrival.refused is None else LocalResponse(arrival.refused or None, "DPE")


def _no_chain(arrival: Arrival, port: InboundPort, seen: Inspected, steps: tuple[Step, ...]) -> InboundDecision:
    what = "plaintext" if seen.transport == RAW_BUFFER else "TLS without Istio's ALPN"
    offered = "; ".join(str(chain) for chain in port.chains)
    step = Step(f"{what} arrives and no filter chain of port {arrival.port} takes it (there is {offered}): closed")
    inbound = Inbound(arrival.pod.full_name, response=_NO_CHAIN)
    return InboundDecision(inbound, True, MTLS_REQUIRED.name, steps=(*steps, step))


def _handshake_fails(inbound: Inbound, steps: tuple[Step, ...]) -> InboundDecision:
    step = Step("the client shows no certificate of the mesh, so the TLS handshake fails")
    failed = Inbound(inbound.pod, inbound.filter_chain, response=_HANDSHAKE_FAILED)
    return InboundDecision(failed, True, MTLS_REQUIRED.name, steps=(*steps, step))


def _protocol_error(
    inbound: Inbound, port: InboundPort, response: LocalResponse, steps: tuple[Step, ...]
) -> InboundDecision:
    """Envoy answers by itself, or closes: no routing decision, so the call is not ``dropped`` for it."""
    why = "allows no such upgrade" if response is _UPGRADE_REFUSED else "cannot read what arrives"
    does = f"answers {response.code}" if response.code else "closes the connection"
    step = Step(f"the HTTP connection manager {why} and {does}")
    refused = replace(inbound, cluster=None, response=response)
    return InboundDecision(refused, port_class=_port_class(port), steps=(*steps, step), protocol_error=True)


def _port_class(port: InboundPort) -> str:
    if not port.declared:
        return PASSTHROUGH_PORT
    headless = port.targets and all(target.service.headless for target in port.targets)
    return HEADLESS_PORT if headless else SERVICE_PORT


def _port_step(port: InboundPort, pod: str) -> Step:
    if port.dumped:
        return Step(f"by its own configuration {pod} leads port {port.port} to {port.cluster}", yaml=port.yaml)
    if not port.declared:
        return Step(f"no Service or Sidecar declares port {port.port} of {pod}: the passthrough chains take it")
    if not port.targets or port.targets[0].service_port.place not in port.yaml:
        return Step(f"the Sidecar's ingress declares port {port.port} of {pod} as {port.protocol}", yaml=port.yaml)
    first, *rest = port.targets
    lost = tuple(Candidate(t.name, f"{first.name} is older", (t.service_port.place,)) for t in rest)
    return Step(
        f"{first.name} declares port {port.port} of {pod} as {first.service_port.protocol}", (), port.yaml, lost
    )


def _mtls_step(mtls: Mtls, port: int) -> Step:
    places: Iterable[YamlPlace] = () if mtls.place is None else (mtls.place,)
    lost = tuple(Candidate(each.name, each.why, (each.place,)) for each in mtls.overruled)
    return Step(f"mutual TLS for port {port} is {mtls.mode}, set by {mtls.setter}", (), tuple(places), lost)


def _chain_step(inbound: Inbound, chain: ChainMatch, seen: Inspected, chains: tuple[ChainMatch, ...]) -> Step:
    found = f"{seen.transport}{' with ALPN ' + ', '.join(seen.alpn) if seen.alpn else ''}"
    lost = tuple(Candidate(str(each), "does not fit") for each in chains if each is not chain)
    return Step(
        f"{found} fits filter chain {inbound.filter_chain} ({chain}), which leads to {inbound.cluster}", lost=lost
    )


def _with_step(step: Step, decision: InboundDecision) -> InboundDecision:
    return replace(decision, steps=(step, *decision.steps))
