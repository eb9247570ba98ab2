"""Which policies apply to a workload (istio pilot/pkg/model/policyattachment.go)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol, TypeVar

from analyzer.mesh.kinds.authorization_policy import TargetRef
from analyzer.mesh.kinds.pod import Pod
from analyzer.mesh.resource import Resource
from analyzer.mesh.selector import labels_match

# A pod with this label serves the Gateway API's Gateway of that name.
GATEWAY_NAME_LABEL = "gateway.networking.k8s.io/gateway-name"
_GATEWAY_GROUP = "gateway.networking.k8s.io"


class AttachablePolicy(Protocol):
    """A policy with a selector or targets."""

    @property
    def resource(self) -> Resource:
        """The resource behind it."""

    @property
    def selector(self) -> Mapping[str, str]:
        """Labels of the workloads it takes; empty for all."""

    @property
    def targets(self) -> tuple[TargetRef, ...]:
        """What it is attached to instead."""


P = TypeVar("P", bound=AttachablePolicy)


def select_policies(policies: Iterable[P], pod: Pod, root_namespace: str) -> tuple[P, ...]:
    """The policies of the root namespace and of the pod's own that apply to ``pod``, oldest first."""
    namespaces = (root_namespace, pod.namespace)
    found = [p for p in policies if p.resource.namespace in namespaces and applies_to(p, pod.namespace, pod.labels)]
    return tuple(sorted(found, key=lambda p: (p.resource.namespace != root_namespace, p.resource.age_key)))


def applies_to(policy: AttachablePolicy, namespace: str, labels: Mapping[str, str]) -> bool:
    """Whether a policy applies to a workload of ``namespace`` with ``labels``.

    One with targets only ever applies to the pods of a Gateway API Gateway that it names, in its namespace.
    """
    if not policy.targets:
        return labels_match(policy.selector, labels)
    gateway = labels.get(GATEWAY_NAME_LABEL)
    if gateway is None or policy.resource.namespace != namespace:
        return False
    return any(
        (target.group, target.kind, target.name) == (_GATEWAY_GROUP, "Gateway", gateway)
        and target.namespace in ("", namespace)
        for target in policy.targets
    )
