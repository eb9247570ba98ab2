"""Secret: that it is there and of which type; what it holds is not looked at."""

from __future__ import annotations

from analyzer.base.fact import Fact
from analyzer.mesh.resource import Resource

TLS_TYPE = "kubernetes.io/tls"


class Secret(Fact, frozen=True, eq=False):
    """A Secret. ``type`` is ``Opaque`` where it is not written."""

    resource: Resource
    type: str


def parse_secret(resource: Resource) -> Secret:
    """The view of a Secret."""
    return Secret(resource, resource.body.text("type") or "Opaque")
