"""Which clients a mesh cannot tell apart: what their sidecars do with equal calls differs in the steps that name them.

A client is somebody to the mesh where it serves calls itself, where policies ask who calls, or where something chooses
proxies by more than routes do. Only clients of which all that is certainly not so are alike.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from operator import attrgetter

from analyzer.base.fact import Fact, replace
from analyzer.mesh.inbound.targets import service_targets
from analyzer.mesh.kinds.destination_rule import DestinationRule
from analyzer.mesh.kinds.endpoint_slice import EndpointSlice
from analyzer.mesh.kinds.gateway import Gateway
from analyzer.mesh.kinds.ingress import Ingress
from analyzer.mesh.kinds.ingress_class import IngressClass
from analyzer.mesh.kinds.namespace import Namespace
from analyzer.mesh.kinds.peer_authentication import PeerAuthentication
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.kinds.secret import Secret
from analyzer.mesh.kinds.service import Service
from analyzer.mesh.kinds.service_entry import ServiceEntry
from analyzer.mesh.kinds.sidecar import Sidecar
from analyzer.mesh.kinds.virtual_service import VirtualService
from analyzer.mesh.kinds.workload_entry import WorkloadEntry
from analyzer.mesh.outbound.identity import routing_identity
from analyzer.mesh.outbound.namespaces import namespaces_apart
from analyzer.mesh.outbound.request import refused_upgrade
from analyzer.mesh.outbound.scope import scope_key, sidecar_of
from analyzer.mesh.outbound.told import source_of_told
from analyzer.mesh.proxy import proxy_of
from analyzer.mesh.proxy_settings import CONNECTION_SETTINGS, is_set_anywhere
from analyzer.mesh.redirect import is_loopback, outbound_redirect
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.protocol.facts import Request
from analyzer.verdict.arrival import Arrival
from analyzer.verdict.decision import Decision, Step
from analyzer.verdict.out_of_scope import OUT_OF_SCOPE

# Kinds that ask no client who it is, beyond its namespace and the labels of ``routing_identity``.
_INDIFFERENT = frozenset(
    {
        DestinationRule, EndpointSlice, Gateway, Namespace, PeerAuthentication, Pod, Service, ServiceEntry, Sidecar,
        VirtualService, WorkloadEntry, Secret, Ingress, IngressClass,
    }
)  # fmt: skip
# Who sends what only policies ask.
_OF_POLICIES = frozenset({"peer", "client", "host", "path", "method", "headers", "head_cut"})
_OF_ARRIVAL = attrgetter(*(name for name in Arrival.__struct_fields__ if name not in _OF_POLICIES))


class Own(Fact, frozen=True):
    """The steps of a decision that name the client: how iptables takes the connection, and what its sidecar is told."""

    redirect: Step
    told: Step


def class_of_client(mesh: MeshSnapshot, pod: Pod) -> Hashable | None:
    """Equal for pods whose sidecars do the same with equal calls; None where that is not certain."""
    return mesh.memo(("client-class", pod.full_name), lambda: _class_of(mesh, pod))


def class_anywhere(mesh: MeshSnapshot, pod: Pod) -> Hashable | None:
    """As ``class_of_client``, of pods of all namespaces; for calls by names that mean the same to all of them.

    None where clients of the pod's namespace may be told something of their own.
    """
    return mesh.memo(("client-class-anywhere", pod.full_name), lambda: _class_anywhere(mesh, pod))


def _class_anywhere(mesh: MeshSnapshot, pod: Pod) -> Hashable | None:
    if class_of_client(mesh, pod) is None or pod.namespace in namespaces_apart(mesh):
        return None
    proxy = proxy_of(mesh, pod)
    if sidecar_of(mesh, proxy) is not None:
        return None
    return replace(routing_identity(mesh, proxy), namespace="")


def is_asked_anywhere(request: Request | None, same: Callable[[str], bool]) -> bool:
    """Whether a request asks clients' sidecars of all namespaces for the same, by its Host alone; ``means_the_same``.

    True of a connection without a request: only its server name can be completed.
    """
    if request is None:
        return True
    by_target = "://" in request.target or request.method == "CONNECT"
    return not by_target and request.host is not None and same(request.host)


def kind_of_arrival(mesh: MeshSnapshot, arrival: Arrival) -> Hashable | None:
    """Equal for arrivals of which a sidecar makes the same, whoever sends them; None where that is not certain."""
    if not _is_indifferent(mesh):
        return None
    return arrival.peer is arrival.pod, refused_upgrade(arrival.headers), *_OF_ARRIVAL(arrival)


def _is_indifferent(mesh: MeshSnapshot) -> bool:
    def look() -> bool:
        if is_set_anywhere(mesh, CONNECTION_SETTINGS):
            return False
        return all(kind in _INDIFFERENT for kind, views in mesh.views.items() if views)

    return mesh.memo("indifferent", look)


def _class_of(mesh: MeshSnapshot, pod: Pod) -> Hashable | None:
    if not _is_indifferent(mesh) or not pod.has_sidecar or service_targets(mesh, pod):
        return None
    if not mesh.memo("endpoint-addresses", lambda: frozenset(_endpoint_addresses(mesh))).isdisjoint(pod.ips):
        return None
    proxy = proxy_of(mesh, pod)
    return scope_key(mesh, proxy), routing_identity(mesh, proxy)


def _endpoint_addresses(mesh: MeshSnapshot) -> Iterator[str]:
    for each in mesh.of(EndpointSlice):
        for endpoint in each.endpoints:
            yield from endpoint.addresses
    for entry in mesh.of(ServiceEntry):
        yield from (endpoint.address for endpoint in entry.endpoints)
    yield from (entry.endpoint.address for entry in mesh.of(WorkloadEntry))


def own_steps(mesh: MeshSnapshot, pod: Pod, address: str, port: int) -> Own | None:
    """What ``decide`` says of a client by name when it calls an address.

    None where its sidecar does not take the connection, or it calls its own pod, which no other client can.
    """
    if address in pod.ips or is_loopback(address):
        return None
    redirect = outbound_redirect(mesh, pod, address, port)
    if not redirect.captured:
        return None
    told = mesh.memo(("told-step", pod.full_name), lambda: _told_step(mesh, pod))
    return Own(Step(redirect.sentence, yaml=redirect.yaml), told)


def _told_step(mesh: MeshSnapshot, pod: Pod) -> Step:
    sentence, yaml = source_of_told(mesh, proxy_of(mesh, pod))
    return Step(sentence, yaml=yaml)


def place_of_told(decision: Decision, pod: Pod, own: Own) -> int | None:
    """Where in the decision about a call of ``pod`` its ``told`` step stands, behind its ``redirect``.

    None where it is not there, or another step names the pod: such a decision is about nobody else.
    """
    steps = decision.steps
    if not steps or steps[0] != own.redirect or steps.count(own.told) != 1:
        return None
    place = steps.index(own.told)
    return None if any(_names(step, pod) for n, step in enumerate(steps) if n not in (0, place)) else place


def tells_of_namespace(decision: Decision) -> bool:
    """Whether a step of the decision names the client's namespace, beside the two that name the client."""
    return any(step.code == OUT_OF_SCOPE.name for step in decision.steps)


def _names(step: Step, pod: Pod) -> bool:
    lost = (text for each in step.lost for text in (each.name, each.why))
    return any(pod.name in text for text in (step.sentence, *lost))


def retell(decision: Decision, place: int, own: Own) -> Decision:
    """The decision about a client's call as it is about that of another one of its class."""
    steps = decision.steps
    return Decision(
        decision.verdict,
        decision.reason,
        decision.undetermined,
        decision.outbound,
        decision.gateway,
        decision.inbound,
        (own.redirect, *steps[1:place], own.told, *steps[place + 1 :]),
    )
