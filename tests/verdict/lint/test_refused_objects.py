"""What admission refuses is an error with its line; recorded meshes, which admission took, have none."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.mesh.load import load_mesh
from analyzer.verdict.lint.refused_objects import CHECKS, find_refused_objects

REPOSITORY = Path(__file__).resolve().parents[3]
TAKEN = sorted((REPOSITORY / "captures").glob("*/mesh"))
TAKEN += sorted((REPOSITORY.parent / "shared" / "worlds").glob("*/mesh"))[::7]


def test_a_refusal_names_object_field_and_line(make, lint):
    found = lint(find_refused_objects, make.service("shop/cart"), make.virtual_service("shop/r", ["cart"], [{}]))

    assert [(each.code.name, each.resource) for each in found] == [("refused-object", "VirtualService shop/r")]
    assert found[0].sentence == "VirtualService shop/r: http[0]: a rule needs route, redirect or directResponse"
    assert found[0].yaml[0].line == 3


def test_kinds_are_told_apart_by_their_group(make, lint):
    api = make.resource("gateway.networking.k8s.io/v1", "Gateway", "shop/g", {"gatewayClassName": "istio"})

    assert lint(find_refused_objects, api, make.namespace("shop"), make.pod("shop/p")) == []
    assert len({kind for _, kind in CHECKS}) == len(CHECKS)


@pytest.mark.parametrize("mesh", TAKEN, ids=lambda path: path.parent.name)
def test_nothing_is_refused_that_istio_took(mesh: Path):
    assert list(find_refused_objects(load_mesh([mesh]))) == []
