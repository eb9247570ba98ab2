"""From a cluster's name to a class and to targets: the last step of a proxy's way out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from analyzer.base.fact import Fact, replace
from analyzer.mesh.endpoints import Endpoint, endpoints_of
from analyzer.mesh.kinds.destination_rule import MUTUAL
from analyzer.mesh.kinds.service_entry import ServiceEntry
from analyzer.mesh.outbound.cluster import (
    DYNAMIC_FORWARD,
    ISTIO_MTLS,
    ORIGINAL_DST,
    PLAINTEXT,
    Cluster,
    NoCluster,
    endpoint_tls,
)
from analyzer.mesh.outbound.listener import BLACK_HOLE_CLUSTER, DYNAMIC_DNS_CLUSTER, PASSTHROUGH_CLUSTER
from analyzer.mesh.outbound.request import HttpRequest
from analyzer.mesh.proxy import Proxy
from analyzer.mesh.registry import RegistryService, services_by_host
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.verdict.decision import (
    DROPPED,
    HEADLESS_MATCHED,
    PASSTHROUGH,
    SERVICE_MATCHED,
    LocalResponse,
    Outbound,
    Step,
)
from analyzer.verdict.inbound import MTLS_ALPN
from analyzer.verdict.question import Question
from analyzer.verdict.reasons import (
    BLACK_HOLE,
    HEADLESS_SERVICE,
    NO_CLUSTER,
    NO_HEALTHY_UPSTREAM,
    SERVICE,
    WRAPPED,
)
from analyzer.verdict.reasons import PASSTHROUGH_CLUSTER as PASSTHROUGH_REASON
from analyzer.verdict.upstream import SPIFFE, OutboundDecision, Target

# The HTTP/2 that a cluster may speak to an endpoint adds h2 to what is offered.
_TCP_ALPN = MTLS_ALPN["tcp"]


class Sender(Fact, frozen=True):
    """The proxy that sends: what it knows, and what the call asks of it.

    ``find`` gives its cluster of a name, or why there is none; ``fallback`` is the cluster of what nothing matched,
    which counts as passthrough.
    """

    mesh: MeshSnapshot
    proxy: Proxy
    find: Callable[[str], Cluster | NoCluster]
    question: Question
    fallback: str = PASSTHROUGH_CLUSTER


def send_to(
    sender: Sender, so_far: Outbound, cluster: str, request: HttpRequest | None, *, not_found_code: int = 503
) -> OutboundDecision:
    """What becomes of a call that a route or a TCP chain sends to ``cluster``; ``request`` is None for other bytes."""
    outbound = replace(so_far, cluster=cluster)
    if cluster == BLACK_HOLE_CLUSTER:
        step = Step("BlackHoleCluster has no endpoints: the connection is closed")
        ended = replace(outbound, response=LocalResponse(None, "UH"))
        return OutboundDecision(ended, DROPPED, BLACK_HOLE.name, steps=(step,), request=request)
    if cluster in (PASSTHROUGH_CLUSTER, DYNAMIC_DNS_CLUSTER):
        return _pass_through(sender, outbound, request)
    found = sender.find(cluster)
    if isinstance(found, NoCluster):
        response = LocalResponse(not_found_code if request else None, "NC")
        step = Step(f"cluster {cluster} does not exist: {found.why}", yaml=found.yaml, code=NO_CLUSTER.name)
        return OutboundDecision(replace(outbound, response=response), DROPPED, NO_CLUSTER.name, steps=(step,))
    verdict, reason = class_of_host(sender.mesh, found.service)
    if cluster == sender.fallback:
        verdict, reason = PASSTHROUGH, PASSTHROUGH_REASON.name
    targets = tuple(_targets(sender, found, request))
    if not targets and found.kind != DYNAMIC_FORWARD and found.endpoints_known:
        response = LocalResponse(503 if request else None, "UH")
        step = Step(f"cluster {cluster} has no healthy endpoint ({len(found.endpoints)} in all)", yaml=found.yaml)
        ended = replace(outbound, response=response)
        return OutboundDecision(ended, DROPPED, NO_HEALTHY_UPSTREAM.name, steps=(step,), request=request)
    sent = OutboundDecision(
        outbound,
        verdict,
        reason,
        targets=targets,
        request=request,
        steps=(Step(_sentence(found, targets), yaml=found.yaml),),
    )
    return _wrapped(sender.mesh, found, sent)


def _wrapped(mesh: MeshSnapshot, cluster: Cluster, sent: OutboundDecision) -> OutboundDecision:
    """``sent`` where a rule puts something before the data, which a proxy at the far end would have to read."""
    policy = cluster.policy
    what = "a PROXY header" if policy.proxy_protocol else "a tunnel" if policy.tunnel and not sent.request else ""
    if not what:
        return sent
    pods = (each.endpoint.pod if each.endpoint else mesh.pod_at(each.address) for each in sent.targets)
    proxied = any(pod is not None and pod.proxy is not None for pod in pods)
    sentence = f"a DestinationRule puts {what} before the data"
    steps = (*sent.steps, Step(sentence, yaml=cluster.yaml, code=WRAPPED.name if proxied else ""))
    if not proxied:
        return replace(sent, steps=steps)
    return replace(sent, verdict=None, reason=None, undetermined=(WRAPPED.name,), targets=(), steps=steps)


def class_of(service: RegistryService) -> tuple[str, str]:
    """The verdict and reason of a cluster of ``service``."""
    return (HEADLESS_MATCHED, HEADLESS_SERVICE.name) if service.headless else (SERVICE_MATCHED, SERVICE.name)


def class_of_host(mesh: MeshSnapshot, service: RegistryService) -> tuple[str, str]:
    """The class of a cluster by its host: a Kubernetes Service counts before a ServiceEntry of the same name."""
    same = services_by_host(mesh).get(service.hostname, ())
    return class_of(next((each for each in same if each.kubernetes), service))


def _pass_through(sender: Sender, outbound: Outbound, request: HttpRequest | None) -> OutboundDecision:
    question = sender.question
    step = Step(f"the call goes to {question.address}:{question.port} as it is, without mutual TLS")
    # Envoy resolves the Host by itself in the dynamic mode; the address then is not known here.
    targets = () if outbound.cluster == DYNAMIC_DNS_CLUSTER else (_as_sent(question, question.port),)
    return OutboundDecision(outbound, PASSTHROUGH, PASSTHROUGH_REASON.name, (), targets, request, (step,))


def _as_sent(question: Question, port: int) -> Target:
    return Target(question.address, port, question.tls, question.protocol, question.alpn, question.sni)


def _targets(sender: Sender, cluster: Cluster, request: HttpRequest | None) -> Iterator[Target]:
    question = sender.question
    if cluster.kind == DYNAMIC_FORWARD:
        return
    identities = _identities(sender.mesh, cluster)
    if cluster.kind == ORIGINAL_DST:
        if sender.proxy.router:
            # A gateway's listeners have no original_dst filter: nothing tells the balancer an address.
            return
        port = cluster.upstream_port or question.port
        own = next((e for e in cluster.endpoints if (e.address, e.port) == (question.address, port)), None)
        yield _target(sender, cluster, question.address, port, own, request, identities)
        return
    for endpoint in cluster.endpoints:
        if endpoint.healthy:
            yield _target(sender, cluster, endpoint.address, endpoint.port, endpoint, request, identities)


def _target(
    sender: Sender,
    cluster: Cluster,
    address: str,
    port: int,
    endpoint: Endpoint | None,
    request: HttpRequest | None,
    identities: frozenset[str],
) -> Target:
    question = sender.question
    tls = endpoint_tls(sender.mesh, cluster, endpoint)
    protocol = _upstream_protocol(cluster, question.protocol) if request else question.protocol
    if tls == PLAINTEXT:
        if request:
            return Target(address, port, PLAINTEXT, protocol, endpoint=endpoint)
        return replace(_as_sent(question, port), address=address, endpoint=endpoint)
    if not request and question.tls != PLAINTEXT:
        protocol = "tcp"
    if tls == ISTIO_MTLS:
        alpn = MTLS_ALPN[protocol] if request else _TCP_ALPN
        asked = cluster.client_tls.sni if cluster.client_tls else ""
        sni = asked or cluster.name.replace("|", "_.")
        return Target(address, port, tls, protocol, alpn, sni, endpoint, identities, originated=True)
    asked = cluster.client_tls.sni if cluster.client_tls else ""
    certified = cluster.client_tls is not None and cluster.client_tls.mode == MUTUAL
    return Target(address, port, tls, protocol, (), asked or (request.host if request else None), endpoint,
                  originated=True, certified=certified)  # fmt: skip


def _upstream_protocol(cluster: Cluster, downstream: str) -> str:
    """The HTTP version that the cluster speaks; HTTP/1.0 goes on as HTTP/1.1."""
    if cluster.http2_upstream is None:
        return downstream if downstream == "http2" else "http"
    return "http2" if cluster.http2_upstream else "http"


def _identities(mesh: MeshSnapshot, cluster: Cluster) -> frozenset[str]:
    """The SPIFFE names that a server may have: the rule's, else those of the service's endpoints (secure naming)."""
    if cluster.tls != ISTIO_MTLS:
        return frozenset()
    if cluster.client_tls and (cluster.client_tls.sans or cluster.dumped):
        return frozenset(cluster.client_tls.sans)
    key = ("identities", cluster.service.hostname, cluster.service.namespace)
    return mesh.memo(key, lambda: frozenset(_accounts(mesh, cluster.service)))


def _accounts(mesh: MeshSnapshot, service: RegistryService) -> Iterator[str]:
    trust_domain = mesh.config.trust_domain
    for each in services_by_host(mesh).get(service.hostname, ()):
        if each.namespace != service.namespace:
            continue
        if isinstance(each.source, ServiceEntry):
            yield from each.source.subject_alt_names
        for port in each.ports:
            for endpoint in endpoints_of(mesh, each, port):
                if endpoint.service_account:
                    yield SPIFFE.format(trust_domain, endpoint.namespace, endpoint.service_account)


def _sentence(cluster: Cluster, targets: tuple[Target, ...]) -> str:
    kinds = sorted({target.tls for target in targets})
    if cluster.kind == ORIGINAL_DST:
        where = f"the dialled address is kept, {kinds[0]}"
    elif cluster.kind == DYNAMIC_FORWARD:
        where = "the host is resolved when the call is made"
    elif not cluster.endpoints_known:
        where = "its endpoints are not in the input"
    else:
        healthy = f"{len(targets)} healthy {'endpoint' if len(targets) == 1 else 'endpoints'}"
        where = f"{healthy} of {len(cluster.endpoints)}, {' or '.join(kinds)}"
    return f"cluster {cluster.name}: {where}; {cluster.tls_why}"
