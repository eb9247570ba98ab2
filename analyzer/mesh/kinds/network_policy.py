"""NetworkPolicy (networking.k8s.io): what the cluster's network lets through; no Envoy knows of it."""

from __future__ import annotations

from analyzer.base.fact import Fact
from analyzer.mesh.resource import Resource
from analyzer.mesh.selector import LabelSelector, parse_label_selector

INGRESS = "Ingress"
EGRESS = "Egress"


class NetworkPolicy(Fact, frozen=True, eq=False):
    """A policy for the pods of its namespace that ``selector`` selects, in the ``directions`` that it restricts."""

    resource: Resource
    selector: LabelSelector
    directions: tuple[str, ...]


def parse_network_policy(resource: Resource) -> NetworkPolicy:
    """The view of a NetworkPolicy; without ``policyTypes`` it restricts ingress, and egress where it has such rules."""
    spec = resource.spec
    named = spec.texts("policyTypes")
    return NetworkPolicy(
        resource=resource,
        selector=parse_label_selector(spec.node("podSelector")),
        directions=named or ((INGRESS, EGRESS) if "egress" in spec else (INGRESS,)),
    )
