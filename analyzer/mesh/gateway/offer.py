"""The Gateways that a gateway's pod serves (istio pilot/pkg/model/push_context.go mergeGateways)."""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.base.fact import Fact
from analyzer.mesh.gateway.api_gateways import api_listeners
from analyzer.mesh.gateway.ingress import (
    NAMESPACE,
    gateway_name,
    ingress_selector,
    ingress_servers,
    served_ingresses,
)
from analyzer.mesh.inbound.targets import ServiceTarget, service_targets
from analyzer.mesh.kinds.gateway import Gateway, Server
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.selector import labels_match
from analyzer.mesh.snapshot import MeshSnapshot

# A Service with this label does not translate the ports of Gateways into its target ports.
NO_TRANSLATION_LABEL = "experimental.istio.io/disable-gateway-port-translation"


class GatewayOffer(Fact, frozen=True, eq=False):
    """A Gateway as one pod serves it.

    ``namespace`` and ``name`` are istiod's (VirtualServices bind to them); ``targets`` are the service ports that
    lead to the pod. ``by_selector``: found by labels, so that a port that no Service has is served as it is.
    """

    namespace: str
    name: str
    created: str
    servers: tuple[Server, ...]
    targets: tuple[ServiceTarget, ...]
    by_selector: bool

    @property
    def full_name(self) -> str:
        """``namespace/name``."""
        return f"{self.namespace}/{self.name}"

    def listener_ports(self, number: int) -> tuple[int, ...]:
        """The ports that the pod listens on for a server's port: a Service's target port (gateway.go resolvePorts).

        Found by selector the first fitting Service decides, and the number itself serves where there is none.
        """
        fitting = [target.port for target in self.targets if target.service_port.number == number]
        if not self.by_selector:
            return tuple(dict.fromkeys(fitting))
        translating = [
            target.port
            for target in self.targets
            if target.service_port.number == number and NO_TRANSLATION_LABEL not in target.service.resource.labels
        ]
        return (translating[0] if translating else number,)


def offers_of(mesh: MeshSnapshot, pod: Pod) -> tuple[GatewayOffer, ...]:
    """Everything that ``pod`` serves, oldest first.

    Where istiod deployed the pod for a Gateway API Gateway, Gateways of other namespaces do not count
    (PILOT_ENABLE_STRICT_GATEWAY_MERGING).
    """
    targets = service_targets(mesh, pod)
    from_api = list(_api_offers(mesh, targets))
    own = {offer.namespace for offer, managed in from_api if managed}
    found = [offer for offer, _ in from_api]
    found += [
        GatewayOffer(g.resource.namespace, g.resource.name, g.resource.created, g.servers, targets, True)
        for g in mesh.of(Gateway)
        if labels_match(g.selector, pod.labels) and (not own or g.resource.namespace in own)
    ]
    if mesh.has("Ingress") and (not own or NAMESPACE in own) and labels_match(ingress_selector(mesh), pod.labels):
        found += [
            GatewayOffer(NAMESPACE, gateway_name(each), "", ingress_servers(each), targets, True)
            for each in served_ingresses(mesh)
        ]
    return tuple(sorted(found, key=lambda each: (each.created, each.name, each.namespace)))


def _api_offers(mesh: MeshSnapshot, targets: tuple[ServiceTarget, ...]) -> Iterator[tuple[GatewayOffer, bool]]:
    """The listeners whose Service leads to the pod, each with whether istiod deployed the pod for it."""
    for each in api_listeners(mesh):
        namespace, owner = each.gateway.resource.namespace, each.owner
        fitting = tuple(
            target
            for target in targets
            if target.service.hostname in each.services and target.service.namespace == namespace
        )
        if fitting and each.served:
            yield (
                GatewayOffer(owner.namespace, each.internal_name, owner.created, (each.server,), fitting, False),
                each.managed,
            )
