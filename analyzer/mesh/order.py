"""Objects between which age decides, where the input does not say how old they are.

Istiod lets the older of two rivals win and falls back to names only where both are equally old; YAML that did not come
from a cluster has no creationTimestamp, so that the order there may be another one.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from analyzer.base.oddity import Code, Family, Level, Oddity
from analyzer.mesh.kinds.destination_rule import DestinationRule
from analyzer.mesh.kinds.peer_authentication import PeerAuthentication
from analyzer.mesh.kinds.service_entry import ServiceEntry
from analyzer.mesh.kinds.sidecar import Sidecar
from analyzer.mesh.kinds.virtual_service import VirtualService
from analyzer.mesh.port_protocol import TCP_FAMILY, TLS_FAMILY, declared_protocol
from analyzer.mesh.resource import Resource

ORDER_AMBIGUOUS = Code(
    "order-ambiguous",
    Family.MESH,
    Level.WARNING,
    "{kind} {name} and {rival} both stand for {subject}, and {undated} has no creationTimestamp",
    "The older one wins in istiod. Without the time of creation the one whose name sorts first is taken for the older.",
    "Give the objects as the cluster has them (`kubectl get -o yaml`), or leave one of them out.",
)


def ambiguous_orders(views: Mapping[type, Sequence[Any]]) -> Iterator[Oddity]:
    """An oddity for each object that may or may not lose to a rival, once for each rival before it."""
    rivals: dict[tuple[str, Hashable], list[tuple[Resource, str]]] = {}
    for resource, subject in _claims(views):
        rivals.setdefault((resource.kind, subject), []).append((resource, subject))
    said: set[tuple[str, str, str]] = set()
    for claims in rivals.values():
        if any(not resource.created for resource, _ in claims):
            for oddity, key in _told(sorted(claims, key=lambda claim: claim[0].age_key)):
                if key not in said:
                    said.add(key)
                    yield oddity


def _told(claims: Sequence[tuple[Resource, str]]) -> Iterator[tuple[Oddity, tuple[str, str, str]]]:
    """What is said of every neighbour in the order that was assumed, with the key that says it once."""
    for (first, _), (second, subject) in pairwise(claims):
        undated = first if not first.created else second
        if first.full_name == second.full_name or undated.created:
            continue
        values = {
            "kind": second.kind,
            "name": second.full_name,
            "rival": first.full_name,
            "subject": subject,
            "undated": undated.full_name,
        }
        oddity = Oddity(ORDER_AMBIGUOUS, second.place("metadata", "name"), values)
        yield oddity, (second.kind, first.full_name, second.full_name)


def _claims(views: Mapping[type, Sequence[Any]]) -> Iterator[tuple[Resource, str]]:
    """Every object with what only one of its kind can have."""
    for vs in views.get(VirtualService, ()):
        for host in dict.fromkeys(vs.hosts):
            yield from ((vs.resource, f"host {host.lower()} on {gateway}") for gateway in vs.gateways)
    for rule in views.get(DestinationRule, ()):
        yield rule.resource, f"host {rule.host} in namespace {rule.resource.namespace}"
    for each in (*views.get(PeerAuthentication, ()), *views.get(Sidecar, ())):
        if not each.selector:
            yield each.resource, f"namespace {each.resource.namespace}"
    for entry in views.get(ServiceEntry, ()):
        for port in () if entry.addresses else entry.ports:
            protocol = declared_protocol(port.protocol)
            if protocol in TCP_FAMILY - TLS_FAMILY:
                yield entry.resource, f"every address at TCP port {port.number}"
