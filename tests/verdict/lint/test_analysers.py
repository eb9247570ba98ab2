"""All analysers together: the same input gives the same findings, and each code belongs to lint."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.base.oddity import Family
from analyzer.mesh.load import load_mesh
from analyzer.verdict.lint.analysers import ANALYSERS, CODES, lint

REPOSITORY = Path(__file__).resolve().parents[3]
RECORDED = sorted((REPOSITORY / "captures").glob("*/mesh"))
WORLDS = sorted((REPOSITORY.parent / "shared" / "worlds").glob("*/mesh"))[::9]


def test_codes_are_findings_or_oddities_of_the_input():
    assert {code.family for code in CODES.values()} == {Family.FINDING, Family.MESH}
    assert list(CODES) == sorted(CODES)


def test_each_analyser_stands_in_a_file_of_its_own():
    modules = [analyse.__module__ for analyse in ANALYSERS.values()]

    assert len(set(modules)) == len(modules)
    assert [name.replace("-", "_") for name in ANALYSERS] == [module.rpartition(".")[2] for module in modules]


def test_the_worst_comes_first(make, mesh_of):
    rules = [make.rule("cart"), make.rule("cart")]
    mesh = mesh_of("a: [", make.virtual_service("shop/r", ["cart"], rules))

    assert [finding.code.name for finding in lint(mesh)][:1] == ["yaml-syntax"]


@pytest.mark.parametrize("mesh", RECORDED + WORLDS, ids=lambda path: path.parent.name)
def test_a_recorded_mesh_is_judged_the_same_twice(mesh: Path):
    first, second = lint(load_mesh([mesh])), lint(load_mesh([mesh]))

    assert first == second
    assert all(finding.code.name in CODES for finding in first)
    assert all(finding.sentence and finding.yaml for finding in first)


def test_an_empty_mesh_has_nothing_to_say(mesh_of):
    assert lint(mesh_of("")) == ()
