"""The list of kinds."""

from __future__ import annotations

from analyzer.mesh.kinds import KINDS
from analyzer.mesh.resource import read_resource
from analyzer.mesh.source import YamlMap


def test_every_kind_can_be_read_from_an_empty_resource() -> None:
    for (_, kind), parse in KINDS.items():
        resource = read_resource(YamlMap(), "f.yaml", 0, [], kind=kind)
        assert parse(resource).resource is resource
