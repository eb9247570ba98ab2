"""Namespaces (v1): their labels decide what istiod sees."""

from __future__ import annotations

from analyzer.base.fact import Fact
from analyzer.mesh.resource import Resource


class Namespace(Fact, frozen=True, eq=False):
    """A namespace with its labels (on ``resource``)."""

    resource: Resource

    @property
    def name(self) -> str:
        """Its name."""
        return self.resource.name


def parse_namespace(resource: Resource) -> Namespace:
    """The view of a Namespace."""
    return Namespace(resource)
