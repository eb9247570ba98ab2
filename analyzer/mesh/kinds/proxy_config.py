"""ProxyConfig (networking.istio.io): settings that a pod's proxy gets when the pod is made."""

from __future__ import annotations

from collections.abc import Mapping

from analyzer.base.fact import Fact
from analyzer.mesh.resource import Resource


class ProxyConfig(Fact, frozen=True, eq=False):
    """A ProxyConfig. ``selector`` is empty where it takes all workloads."""

    resource: Resource
    selector: Mapping[str, str]
    environment: Mapping[str, str]


def parse_proxy_config(resource: Resource) -> ProxyConfig:
    """The view of a ProxyConfig."""
    spec = resource.spec
    return ProxyConfig(
        resource=resource,
        selector=spec.node("selector").mapping("matchLabels"),
        environment=spec.mapping("environmentVariables"),
    )
