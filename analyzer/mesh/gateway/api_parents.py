"""To what a Gateway API route attaches: listeners of Gateways, Services, ServiceEntries (conversion.go)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from analyzer.base.fact import Fact
from analyzer.mesh.gateway.api_gateways import ApiListener, api_listeners
from analyzer.mesh.hosts import CLUSTER_DOMAIN, hosts_overlap, is_subset, is_wildcard
from analyzer.mesh.kinds.api_route import GROUP, ApiRoute, ParentRef
from analyzer.mesh.kinds.service import Service
from analyzer.mesh.kinds.service_entry import ServiceEntry
from analyzer.mesh.kinds.virtual_service import MESH_GATEWAY
from analyzer.mesh.snapshot import MeshSnapshot

# What has listeners.
_LISTENER_OWNERS = (
    (GROUP, "Gateway"),
    (GROUP, "ListenerSet"),
    ("gateway.networking.x-k8s.io", "XListenerSet"),
)


class Attachment(Fact, frozen=True):
    """A route's hold on one parent.

    ``gateway`` is what its VirtualService names: ``mesh``, or the internal Gateway of a listener with ``hostname``.
    ``hosts`` are those of a Service or ServiceEntry; ``siblings`` the hostnames of other listeners that could take the
    same requests.
    """

    gateway: str
    ref: ParentRef
    hosts: tuple[str, ...] = ()
    hostname: str = ""
    siblings: frozenset[str] = frozenset()

    @property
    def for_mesh(self) -> bool:
        """Whether it is for sidecars."""
        return self.gateway == MESH_GATEWAY

    def allows(self, host: str) -> bool:
        """Whether a route's host goes to this listener, not to a more specific one (hostnameAllowedByIsolation)."""
        own = self.hostname
        if self.for_mesh or (own and not is_wildcard(own)):
            return True
        if own and not hosts_overlap(host, own):
            return False
        return not any(len(own) <= len(other) and is_subset(host, other) for other in self.siblings)


def attachments_of(mesh: MeshSnapshot, route: ApiRoute) -> tuple[Attachment, ...]:
    """Where a route attaches, in istiod's order."""
    found = [each for ref in sorted(route.parents, key=lambda ref: ref.sort_key) for each in _attach(mesh, route, ref)]
    return tuple(sorted(found, key=lambda each: each.gateway))


def _attach(mesh: MeshSnapshot, route: ApiRoute, ref: ParentRef) -> Iterator[Attachment]:
    if (ref.group, ref.kind) in _LISTENER_OWNERS:
        yield from _to_listeners(mesh, route, ref)
    elif (ref.group, ref.kind) == ("", "Service"):
        if any((each.namespace, each.name) == (ref.namespace, ref.name) for each in mesh.of(Service)):
            yield Attachment(MESH_GATEWAY, ref, (f"{ref.name}.{ref.namespace}.svc.{CLUSTER_DOMAIN}",))
    elif (ref.group, ref.kind) == ("networking.istio.io", "ServiceEntry"):
        for entry in mesh.of(ServiceEntry):
            if (entry.resource.namespace, entry.resource.name) == (ref.namespace, ref.name):
                yield Attachment(MESH_GATEWAY, ref, entry.hosts)


def _to_listeners(mesh: MeshSnapshot, route: ApiRoute, ref: ParentRef) -> Iterator[Attachment]:
    listeners = [
        each
        for each in api_listeners(mesh)
        if (each.owner.kind, each.owner.namespace, each.owner.name) == (ref.kind, ref.namespace, ref.name)
    ]
    for each in listeners:
        if not _accepts(each, route, ref):
            continue
        others = (other.listener for other in listeners if other is not each)
        yield Attachment(
            gateway=each.full_name,
            ref=ref,
            hostname=each.listener.hostname,
            siblings=frozenset(
                other.hostname
                for other in others
                if (other.port, other.protocol) == (each.listener.port, each.listener.protocol)
                and other.hostname != each.listener.hostname
            ),
        )


def _accepts(each: ApiListener, route: ApiRoute, ref: ParentRef) -> bool:
    """Port and section, hosts and namespace, and the kind of route (referenceAllowed)."""
    if ref.port not in (0, each.listener.port) or ref.section not in ("", each.listener.name):
        return False
    hosts = route.hostnames if route.kind != "TCPRoute" else ()
    return route.kind in each.route_kinds and _shares_host(each.server.hosts, hosts or ("*",), route.resource.namespace)


def _shares_host(server_hosts: Iterable[str], hosts: Iterable[str], namespace: str) -> bool:
    pairs = [each.partition("/")[::2] for each in server_hosts]
    return any(
        scope in ("*", namespace) and hosts_overlap(listener, host) for scope, listener in pairs for host in hosts
    )
