"""Namespaces."""

from __future__ import annotations

from analyzer.mesh.kinds.namespace import Namespace


def test_a_namespace_knows_its_name_and_labels(town) -> None:
    found = town.namespace("shop", team="web").mesh().of(Namespace)[0]
    assert found.name == "shop"
    assert found.resource.labels == {"team": "web"}
    assert found.resource.namespace == ""
