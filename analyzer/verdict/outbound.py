"""The sieve of a sidecar's way out: listener, filter chain, then HTTP routes or a TCP proxy's cluster."""

from __future__ import annotations

from analyzer.base.fact import replace
from analyzer.mesh.endpoints import dialled_addresses
from analyzer.mesh.outbound.listener import RAW_BUFFER, FilterChain, FirstBytes, Listener, choose_chain
from analyzer.mesh.outbound.scope import scope_of
from analyzer.mesh.outbound.told import Told, told_by_istiod
from analyzer.mesh.port_protocol import AUTO, TCP_FAMILY
from analyzer.mesh.proxy import Proxy
from analyzer.mesh.redirect import is_loopback
from analyzer.mesh.registry import RegistryService, services_of
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.verdict.decision import DROPPED, Candidate, LocalResponse, Outbound, Step
from analyzer.verdict.outbound_cluster import Sender, send_to
from analyzer.verdict.outbound_http import Routing, choose_cluster, route_http
from analyzer.verdict.question import Question
from analyzer.verdict.reach import reach
from analyzer.verdict.reasons import LISTENER_REFUSED, NO_ROUTE, SERVER_FIRST, SERVICE_ADDRESS_UNKNOWN
from analyzer.verdict.upstream import OutboundDecision

# What Envoy's HTTP inspector calls the protocols of a question.
_INSPECTED = {"http": "http/1.1", "http/1.0": "http/1.0", "http2": "h2c"}
_MAX_LOST = 8


def decide_outbound(mesh: MeshSnapshot, proxy: Proxy, question: Question) -> OutboundDecision:
    """What the sidecar of ``proxy`` does with a connection that iptables handed to it, by the mesh's YAML."""
    told = told_by_istiod(mesh, proxy)
    meant = _may_be_meant(mesh, proxy, question, told)
    if meant is None:
        return sift(mesh, proxy, question, told)
    sentence = f"{question.address} may be the address of {meant.hostname}, which the input does not show"
    steps = (Step(told.sentence, yaml=told.yaml), Step(sentence, yaml=(meant.place,)))
    return OutboundDecision(Outbound(), None, None, (SERVICE_ADDRESS_UNKNOWN.name,), steps=steps)


def _may_be_meant(mesh: MeshSnapshot, proxy: Proxy, question: Question, told: Told) -> RegistryService | None:
    """A Service without a cluster IP in the input, as in YAML that no cluster wrote, whose own listener may be asked.

    That is one with such a port, unless it is known whose the address is. HTTP ports have a listener for all addresses.
    """
    asked = mesh.memo("services-without-address", lambda: _without_address(mesh)).get(question.port, ())
    visible = scope_of(mesh, proxy).services if asked else {}
    found = next((each for each in asked if visible.get(each.hostname) is each), None)
    if found is None or is_loopback(question.address) or _is_known(mesh, question.address, question.port):
        return None
    has_own = told.listener_at(question.address, question.port).name.startswith(f"{question.address}_")
    return None if has_own else found


def _without_address(mesh: MeshSnapshot) -> dict[int, list[RegistryService]]:
    found: dict[int, list[RegistryService]] = {}
    for service in services_of(mesh):
        for port in service.ports if service.address_unknown else ():
            if port.protocol == AUTO or port.protocol in TCP_FAMILY:
                found.setdefault(port.number, []).append(service)
    return found


def _is_known(mesh: MeshSnapshot, address: str, port: int) -> bool:
    """Whether the input says whose an address is: a pod's, a Service's, a node's or an endpoint's."""
    return reach(mesh, address, port).known or address in dialled_addresses(mesh)


def sift(mesh: MeshSnapshot, proxy: Proxy, question: Question, told: Told) -> OutboundDecision:
    """What a sidecar that was ``told`` its configuration does with a connection that iptables handed to it."""
    listener = told.listener_at(question.address, question.port)
    outbound = Outbound(listener=listener.name)
    steps = (Step(told.sentence, yaml=told.yaml), _listener_step(listener, question))
    if listener.refused:
        return OutboundDecision(outbound, None, None, (LISTENER_REFUSED.name,), steps=(*steps, refused_step(listener)))
    first = first_bytes(question)
    waits = (listener.http_inspector or listener.tls_inspector) and (question.server_first or question.client_silent)
    if waits and not listener.detection_timeout_ns:
        step = Step(f"{listener.name} waits for the client's first bytes, which do not come")
        return OutboundDecision(outbound, None, None, (SERVER_FIRST.name,), steps=(*steps, step))
    chain = choose_chain(listener, question.address, FirstBytes() if waits else first)
    if chain is None:
        # Istiod always makes a default chain; a proxy's own configuration may lack it.
        step = Step(f"no filter chain of {listener.name} takes the connection: closed")
        ended = replace(outbound, response=LocalResponse(None, "NR"))
        return OutboundDecision(ended, DROPPED, NO_ROUTE.name, steps=(*steps, step))
    outbound = replace(outbound, filter_chain=chain.name or None)
    decided = _enter(Sender(mesh, proxy, told.cluster, question, told.fallback), told, outbound, chain)
    return replace(decided, steps=(*steps, _chain_step(listener, chain, question), *decided.steps))


def first_bytes(question: Question) -> FirstBytes:
    """What inspectors can learn of the question's connection."""
    if question.tls != "plaintext":
        return FirstBytes(True, question.sni or "", question.alpn)
    return FirstBytes(http=_INSPECTED.get(question.inspected or question.protocol, ""))


def _enter(sender: Sender, told: Told, outbound: Outbound, chain: FilterChain) -> OutboundDecision:
    if chain.rds is None:
        return choose_cluster(outbound, chain.clusters, lambda each: send_to(sender, outbound, each.cluster, None))
    routes = told.routes(chain)
    return route_http(sender, outbound, Routing(routes))


def refused_step(listener: Listener) -> Step:
    """Why Envoy does not take a listener."""
    names = " and ".join(dict.fromkeys(each.owner or each.name or "a server" for each in listener.refused))
    places = tuple(place for each in listener.refused for place in each.yaml[:1])
    what = "match the same" if len(listener.refused) > 1 else "asks for a server name that Envoy does not know"
    return Step(f"Envoy refuses {listener.name}: filter chains of {names} {what}", yaml=places)


def _listener_step(listener: Listener, question: Question) -> Step:
    places = tuple(place for chain in listener.chains for place in chain.yaml[:1])
    sentence = f"{question.address}:{question.port} is taken by listener {listener.name}"
    return Step(sentence, (), places[:_MAX_LOST])


def _chain_step(listener: Listener, chain: FilterChain, question: Question) -> Step:
    kind = "HTTP" if chain.rds is not None else "TCP"
    what = f"filter chain {chain.name}" if chain.name else f"the {kind} filter chain of {chain.owner}"
    default = " (the default)" if chain is listener.default_chain and listener.chains else ""
    others = [each for each in (*listener.chains, *listener.shadowed) if each is not chain]
    lost = tuple(Candidate(each.owner or each.name, _why(each, listener), each.yaml) for each in others[:_MAX_LOST])
    return Step(f"{_seen(listener, question)} goes to {what}{default}", (), chain.yaml, lost)


def _why(chain: FilterChain, listener: Listener) -> str:
    if chain in listener.shadowed:
        return "an older service has the same match"
    if chain.transport == RAW_BUFFER:
        return "takes plaintext HTTP only"
    return "does not match address or server name"


def _seen(listener: Listener, question: Question) -> str:
    if question.tls != "plaintext":
        return f"TLS for {question.sni or 'no name'}" if listener.tls_inspector else "TLS, which nobody inspects,"
    return question.protocol if listener.http_inspector else "the connection, which nobody inspects,"
