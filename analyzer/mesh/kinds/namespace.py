"""Namespaces (v1): their labels decide what istiod sees."""

from __future__ import annotations

from dataclasses import dataclass

from analyzer.mesh.resource import Resource


@dataclass(frozen=True, slots=True, eq=False)
class Namespace:
    """A namespace with its labels (on ``resource``)."""

    resource: Resource

    @property
    def name(self) -> str:
        """Its name."""
        return self.resource.name


def parse_namespace(resource: Resource) -> Namespace:
    """The view of a Namespace."""
    return Namespace(resource)
