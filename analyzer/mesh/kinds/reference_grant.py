"""ReferenceGrant (gateway.networking.k8s.io): who may refer to what in its namespace."""

from __future__ import annotations

from analyzer.base.fact import Fact
from analyzer.mesh.resource import Resource


class ReferenceGrant(Fact, frozen=True, eq=False):
    """A grant. ``sources`` are (group, kind, namespace); ``targets`` (group, kind, name), the name empty for all."""

    resource: Resource
    sources: tuple[tuple[str, str, str], ...]
    targets: tuple[tuple[str, str, str], ...]

    def allows(self, source: tuple[str, str, str], target: tuple[str, str, str]) -> bool:
        """Whether it lets ``source`` (group, kind, namespace) refer to ``target`` (group, kind, name)."""
        return source in self.sources and any(each in (target, (*target[:2], "")) for each in self.targets)


def parse_reference_grant(resource: Resource) -> ReferenceGrant:
    """The view of a ReferenceGrant."""
    spec = resource.spec
    return ReferenceGrant(
        resource=resource,
        sources=tuple((n.text("group"), n.text("kind"), n.text("namespace")) for n in spec.nodes("from")),
        targets=tuple((n.text("group"), n.text("kind"), n.text("name")) for n in spec.nodes("to")),
    )
