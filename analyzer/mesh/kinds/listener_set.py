"""ListenerSet (gateway.networking.k8s.io): listeners that are added to a Gateway from elsewhere."""

from __future__ import annotations

from analyzer.base.fact import Fact
from analyzer.mesh.kinds.kubernetes_gateway import GatewayListener, parse_listener
from analyzer.mesh.resource import Resource

_GATEWAY = ("gateway.networking.k8s.io", "Gateway")


class ListenerSet(Fact, frozen=True, eq=False):
    """More listeners for the Gateway ``parent`` (namespace, name)."""

    resource: Resource
    parent: tuple[str, str]
    listeners: tuple[GatewayListener, ...]


def parse_listener_set(resource: Resource) -> ListenerSet:
    """The view of a ListenerSet; one whose parent is no Gateway has no listeners."""
    spec = resource.spec
    parent = spec.node("parentRef")
    to_gateway = (parent.text("group", _GATEWAY[0]), parent.text("kind", _GATEWAY[1])) == _GATEWAY
    listeners = tuple(parse_listener(node) for node in spec.nodes("listeners"))
    return ListenerSet(
        resource=resource,
        parent=(parent.text("namespace") or resource.namespace, parent.text("name")),
        listeners=listeners if to_gateway else (),
    )
