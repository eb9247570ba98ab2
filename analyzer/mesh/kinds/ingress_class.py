"""IngressClass (networking.k8s.io): which controller serves an Ingress."""

from __future__ import annotations

from analyzer.base.fact import Fact
from analyzer.mesh.resource import Resource

ISTIO_INGRESS_CONTROLLER = "istio.io/ingress-controller"


class IngressClass(Fact, frozen=True, eq=False):
    """A class of Ingresses and its controller's name."""

    resource: Resource
    controller: str


def parse_ingress_class(resource: Resource) -> IngressClass:
    """The view of an IngressClass."""
    return IngressClass(resource, resource.spec.text("controller"))
