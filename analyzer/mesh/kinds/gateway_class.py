"""GatewayClass (gateway.networking.k8s.io): which controller serves a Gateway."""

from __future__ import annotations

from analyzer.base.fact import Fact
from analyzer.mesh.resource import Resource

ISTIO_CONTROLLER = "istio.io/gateway-controller"


class GatewayClass(Fact, frozen=True, eq=False):
    """A class of Gateways and its controller's name."""

    resource: Resource
    controller: str


def parse_gateway_class(resource: Resource) -> GatewayClass:
    """The view of a GatewayClass."""
    return GatewayClass(resource, resource.spec.text("controllerName"))
