"""The list of kinds."""

from __future__ import annotations

from analyzer.base.fact import replace
from analyzer.mesh.kinds import KINDS, view_of
from analyzer.mesh.resource import read_resource
from analyzer.mesh.source import YamlMap


def test_every_kind_can_be_read_from_an_empty_resource() -> None:
    for group, kind in KINDS:
        resource = replace(read_resource(YamlMap(), "f.yaml", 0, [], kind=kind), group=group)
        assert view_of(resource).resource is resource
