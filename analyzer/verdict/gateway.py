"""What a gateway does with what reaches it: listener, filter chain by server name, TLS, policies, route, cluster."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from analyzer.base.fact import Fact, replace
from analyzer.base.oddity import Code, Family, Level
from analyzer.mesh.gateway.listeners import GatewayChain, gateway_listener
from analyzer.mesh.gateway.merge import merged_servers
from analyzer.mesh.gateway.routes import GatewayVirtualHost, gateway_route_config
from analyzer.mesh.gateway.topology import trusted_proxies
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.outbound.cluster import Cluster, NoCluster, find_cluster, speaks_mtls
from analyzer.mesh.outbound.listener import ClusterChoice, FirstBytes, Listener, choose_chain
from analyzer.mesh.outbound.request import FORWARDED_PROTO
from analyzer.mesh.outbound.scope import scope_of
from analyzer.mesh.outbound.told import Routes
from analyzer.mesh.policy.request import authenticate
from analyzer.mesh.policy.subject import Subject
from analyzer.mesh.proxy import proxy_of
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.verdict.arrival import REQUEST_SEALED, Arrival
from analyzer.verdict.decision import DROPPED, SERVICE_MATCHED, Candidate, LocalResponse, Outbound, Step
from analyzer.verdict.inbound_policy import PolicyOutcome, policy_outcome, subject_of
from analyzer.verdict.outbound import refused_step
from analyzer.verdict.outbound_cluster import Sender, class_of, send_to
from analyzer.verdict.outbound_http import Routing, choose_cluster, request_of, route_http
from analyzer.verdict.question import Question
from analyzer.verdict.reasons import (
    BAD_REQUEST,
    LISTENER_REFUSED,
    LOCAL_REPLY,
    MTLS_REQUIRED,
    NO_CLUSTER,
    NO_HEALTHY_UPSTREAM,
    NO_ROUTE,
    SERVER_FIRST,
    TLS_REQUIRED,
)
from analyzer.verdict.settings import SETTING
from analyzer.verdict.upstream import OutboundDecision, Target

NO_LISTENER = Code(
    "no-listener",
    Family.UNDETERMINED,
    Level.WARNING,
    "the gateway does not listen on this port",
    "No server of a Gateway that selects the pod has this port, or the older server of the port left this one out. The "
    "connection is refused, which is no decision of the mesh.",
    "Add a server for the port to a Gateway, or correct the Service's target port.",
)

_CLOSED = LocalResponse(None, None)
_NO_CHAIN = LocalResponse(None, "NR")
_MOVED = LocalResponse(301, None)
_MAX_LOST = 8


class GatewayTold(Fact, frozen=True):
    """A gateway's configuration, asked piece by piece.

    ``listener_at`` takes address and port, ``routes`` a chain that has ``rds``, ``cluster`` a name, ``policies`` a
    chain and who passes it. ``rejected`` are servers that istiod left out of a port.
    """

    listener_at: Callable[[str, int], Listener | None]
    routes: Callable[[GatewayChain], Routes]
    cluster: Callable[[str], Cluster | NoCluster]
    policies: Callable[[GatewayChain, Subject], PolicyOutcome]
    rejected: Callable[[int], tuple[Candidate, ...]]


def gateway_told_by_istiod(mesh: MeshSnapshot, pod: Pod) -> GatewayTold:
    """What istiod tells a gateway, by the mesh's YAML."""
    proxy = proxy_of(mesh, pod)
    services = scope_of(mesh, proxy).services
    normalization = mesh.config.path_normalization
    return GatewayTold(
        listener_at=partial(gateway_listener, mesh, pod),
        routes=lambda chain: Routes(
            gateway_route_config(mesh, pod, chain.rds or ""), normalization, proxy.http10, proxy.request_ids
        ),
        cluster=partial(find_cluster, mesh, services, proxy, router=True),
        policies=lambda _, subject: policy_outcome(mesh, pod, subject),
        rejected=partial(_rejected, mesh, pod),
    )


def gateway_question(arrival: Arrival) -> Question:
    """The arrival as a question to the gateway's own Envoy."""
    return Question(
        namespace=arrival.pod.namespace,
        pod=arrival.pod.name,
        direction="gateway",
        address=arrival.address,
        port=arrival.port,
        protocol=arrival.protocol,
        tls=arrival.tls,
        sni=arrival.sni,
        alpn=arrival.alpn,
        host=arrival.host,
        path=arrival.path,
        method=arrival.method,
        headers=arrival.headers,
        server_first=arrival.server_first,
        client_silent=arrival.client_silent,
        peer=arrival.peer.full_name if arrival.peer else None,
        inspected=arrival.inspected,
        head_cut=arrival.head_cut,
        refused=arrival.refused,
        scheme=arrival.scheme,
    )


def decide_gateway(mesh: MeshSnapshot, arrival: Arrival, told: GatewayTold | None = None) -> OutboundDecision:
    """What the gateway ``arrival.pod`` does; ``tls`` ``mtls`` means that the client shows a certificate.

    ``told`` is its configuration where that is not istiod's.
    """
    pod = arrival.pod
    told = told or gateway_told_by_istiod(mesh, pod)
    listener = told.listener_at(arrival.address, arrival.port)
    outbound = Outbound(listener=listener.name if listener else None, pod=pod.full_name)
    if listener is None:
        step = Step(f"no server of {pod.full_name} listens on port {arrival.port}", lost=told.rejected(arrival.port))
        return OutboundDecision(outbound, None, None, (NO_LISTENER.name,), steps=(step,))
    step = Step(f"{arrival.address}:{arrival.port} is taken by listener {listener.name} of {pod.full_name}")
    if listener.refused:
        steps = (step, refused_step(listener))
        return OutboundDecision(outbound, None, None, (LISTENER_REFUSED.name,), steps=steps)
    if _waits(arrival, listener):
        waiting = Step(f"{listener.name} waits for the client's first bytes, which do not come")
        return OutboundDecision(outbound, None, None, (SERVER_FIRST.name,), steps=(step, waiting))
    first = FirstBytes(arrival.tls != "plaintext", arrival.sni or "", arrival.alpn)
    chain = choose_chain(listener, arrival.address, first)
    if not isinstance(chain, GatewayChain):
        seen = f"TLS for {arrival.sni or 'no name'}" if first.tls else "plaintext"
        none = Step(f"no filter chain takes {seen}: closed", lost=_chains_of(listener, None), code=NO_ROUTE.name)
        ended = replace(outbound, response=_NO_CHAIN)
        return OutboundDecision(ended, DROPPED, NO_ROUTE.name, steps=(step, none))
    taken = Step(_chain_sentence(chain), yaml=chain.yaml, lost=_chains_of(listener, chain))
    decided = _in_chain(mesh, told, arrival, outbound, chain)
    return replace(decided, steps=(step, taken, *decided.steps))


def _waits(arrival: Arrival, listener: Listener) -> bool:
    """Whether nothing can be decided before the client speaks, who does not: its TLS, or its request, comes first."""
    silent = (arrival.client_silent or arrival.server_first) and arrival.tls == "plaintext"
    chains = (chain for chain in listener.chains if isinstance(chain, GatewayChain))
    return silent and any(chain.terminates or chain.server_names or chain.rds is not None for chain in chains)


def _rejected(mesh: MeshSnapshot, pod: Pod, port: int) -> tuple[Candidate, ...]:
    rejected = (each for each in merged_servers(mesh, pod).rejected if each.server.port == port)
    return tuple(Candidate(each.server.gateway, each.why, (each.server.server.place,)) for each in rejected)


def _chains_of(listener: Listener, taken: GatewayChain | None) -> tuple[Candidate, ...]:
    others = [chain for chain in listener.chains if chain is not taken][:_MAX_LOST]
    return tuple(Candidate(", ".join(c.server_names) or c.owner or "any", "does not match", c.yaml) for c in others)


def _chain_sentence(chain: GatewayChain) -> str:
    names = ", ".join(chain.server_names) or "any name"
    what = "ends TLS" if chain.terminates else "leaves TLS as it is" if chain.server_names else "takes plaintext"
    where = f"route configuration {chain.rds}" if chain.rds else "TCP"
    return f"the filter chain for {names} takes it: it {what} and leads to {where}"


def _in_chain(
    mesh: MeshSnapshot, told: GatewayTold, arrival: Arrival, outbound: Outbound, chain: GatewayChain
) -> OutboundDecision:
    if chain.terminates and arrival.tls == "plaintext":
        step = Step("the handshake fails: the client speaks plaintext where TLS is expected")
        ended = replace(outbound, response=_CLOSED)
        return OutboundDecision(ended, DROPPED, TLS_REQUIRED.name, steps=(step,))
    if chain.asks_certificate and arrival.tls != "mtls":
        step = Step("the handshake fails: the client shows no certificate")
        ended = replace(outbound, response=_CLOSED)
        return OutboundDecision(ended, DROPPED, MTLS_REQUIRED.name, steps=(step,))
    if arrival.tls == "mtls" and chain.terminates and _names_clients(chain):
        sentence = "the server takes clients' certificates of certain names, and which one this client's has is open"
        step = Step(sentence, yaml=chain.yaml)
        return OutboundDecision(outbound, None, None, (SETTING.name,), steps=(step,))
    if chain.terminates and chain.rds is not None and arrival.sealed:
        step = Step("it ends the TLS, and the request inside is in no capture that was given")
        return OutboundDecision(outbound, None, None, (REQUEST_SEALED.name,), steps=(step,))
    inside = replace(arrival, tls="plaintext", alpn=()) if chain.terminates else arrival
    if chain.rds is None:
        return _through_tcp(mesh, told, arrival, inside, outbound, chain)
    return _through_http(mesh, told, arrival, inside, outbound, chain)


def _names_clients(chain: GatewayChain) -> bool:
    """Whether the server's ``subjectAltNames`` say whose certificates count (listener.go BuildListenerTLSContext)."""
    tls = chain.server.server.tls if chain.server is not None else None
    return tls is not None and bool(tls.subject_alt_names)


def _through_http(
    mesh: MeshSnapshot,
    told: GatewayTold,
    arrival: Arrival,
    inside: Arrival,
    outbound: Outbound,
    chain: GatewayChain,
) -> OutboundDecision:
    """The route is found first, but the policies stand before the router: a denial comes before any answer of it."""
    sender = _sender(mesh, told, inside)
    routes = told.routes(chain)
    subject = _subject(mesh, arrival, chain, http=True)
    routing = Routing(
        routes,
        scheme="https" if chain.terminates else "http",
        edge=not trusted_proxies(mesh, arrival.pod),
        # The token filter has the route chosen again when it knows the claims (clear_route_cache).
        claims=authenticate(mesh, arrival.pod, subject).claims,
    )
    decided = route_http(sender, outbound, routing)
    if decided.undetermined == (BAD_REQUEST.name,):
        return decided
    request, config = request_of(sender.question, routing), routes.config
    host, forwarded = config.host_for(request), request.header(FORWARDED_PROTO)
    if isinstance(host, GatewayVirtualHost) and host.redirects_to_https and forwarded != "https":
        found = replace(outbound, route_config=config.name, virtual_host=host.name, response=_MOVED)
        step = Step(f"virtual host {host.name} redirects plaintext requests to https: 301", yaml=host.yaml)
        decided = OutboundDecision(found, SERVICE_MATCHED, LOCAL_REPLY.name, steps=(step,))
    return _with_policies(_forwarding(decided, subject.source_ip or ""), subject, told.policies(chain, subject))


def _forwarding(decided: OutboundDecision, client: str) -> OutboundDecision:
    """``decided`` with the client's address appended to X-Forwarded-For, as gateways do; empty where not known."""
    alternatives = tuple(_forwarding(each, client) for each in decided.alternatives)
    request = decided.request
    if request is not None:
        request = replace(request, headers=(*request.headers, ("x-forwarded-for", client)))
    return replace(decided, request=request, alternatives=alternatives)


def _through_tcp(
    mesh: MeshSnapshot,
    told: GatewayTold,
    arrival: Arrival,
    inside: Arrival,
    outbound: Outbound,
    chain: GatewayChain,
) -> OutboundDecision:
    sender = _sender(mesh, told, inside)

    def send(choice: ClusterChoice) -> OutboundDecision:
        return send_to(sender, outbound, choice.cluster, None)

    if chain.sni_dnat:
        return _send_by_name(sender, outbound, chain)
    decided = choose_cluster(outbound, chain.clusters, send)
    subject = _subject(mesh, arrival, chain, http=False)
    return _with_policies(decided, subject, told.policies(chain, subject))


def _sender(mesh: MeshSnapshot, told: GatewayTold, arrival: Arrival) -> Sender:
    return Sender(mesh, proxy_of(mesh, arrival.pod), told.cluster, gateway_question(arrival), fallback="")


def _send_by_name(sender: Sender, outbound: Outbound, chain: GatewayChain) -> OutboundDecision:
    """AUTO_PASSTHROUGH: the server name is the cluster; only endpoints that speak Istio's mutual TLS are in it."""
    (name,), (choice,) = chain.server_names, chain.clusters
    found = sender.find(choice.cluster)
    ended = replace(outbound, cluster=name)
    if isinstance(found, NoCluster):
        ended = replace(ended, response=LocalResponse(None, "NC"))
        return OutboundDecision(ended, DROPPED, NO_CLUSTER.name, steps=(Step(found.why, yaml=found.yaml),))
    question = sender.question
    targets = tuple(
        Target(e.address, e.port, question.tls, question.protocol, question.alpn, question.sni, e)
        for e in found.endpoints
        if e.healthy and speaks_mtls(sender.mesh, found, e)
    )
    if not targets:
        step = Step(f"cluster {name} has no healthy endpoint that speaks mutual TLS", yaml=found.yaml)
        ended = replace(ended, response=LocalResponse(None, "UH"))
        return OutboundDecision(ended, DROPPED, NO_HEALTHY_UPSTREAM.name, steps=(step,))
    verdict, reason = class_of(found.service)
    step = Step(f"the server name is the cluster {name}, with {len(targets)} endpoints", yaml=found.yaml)
    return OutboundDecision(ended, verdict, reason, targets=targets, steps=(step,))


def _subject(mesh: MeshSnapshot, arrival: Arrival, chain: GatewayChain, *, http: bool) -> Subject:
    """What a gateway's policies see: the client's identity is known where the mesh itself issued its certificate."""
    shown = chain.terminates and arrival.tls == "mtls"
    sni = (arrival.sni or "") if chain.server_names else ""
    hops = trusted_proxies(mesh, arrival.pod)
    subject = subject_of(mesh, arrival, http=http, sni=sni, mtls=shown, edge=not hops)
    foreign = shown and not chain.trusts_mesh
    return replace(subject, principals=None if foreign else subject.principals, trusted_hops=hops)


def _with_policies(decided: OutboundDecision, subject: Subject, outcome: PolicyOutcome) -> OutboundDecision:
    steps = (*decided.steps, *outcome.steps)
    if outcome.denied is not None:
        ended = replace(decided.outbound, response=outcome.response)
        # Of opaque bytes the policies only judge the first ones; by then the connection onward stands.
        targets = () if subject.http else decided.targets
        return OutboundDecision(ended, DROPPED, outcome.denied.name, targets=targets, steps=steps)
    if outcome.missing and decided.verdict == DROPPED:
        either = Step("whatever the policies say, no answer comes from behind the gateway")
        return replace(decided, outbound=replace(decided.outbound, response=None), steps=(*steps, either))
    if outcome.missing:
        return OutboundDecision(decided.outbound, None, None, outcome.missing, steps=steps)
    return replace(decided, steps=steps)
