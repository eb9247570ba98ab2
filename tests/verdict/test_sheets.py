"""What only the captures tell beside the calls of a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.mesh.history import history_of
from analyzer.mesh.load import load_mesh
from analyzer.pipeline import analyze_and_ask
from analyzer.verdict.sheets import sheets_of

SHOP = Path(__file__).resolve().parents[2] / "captures" / "shop-default"


@pytest.fixture(scope="module")
def mesh():
    return load_mesh([SHOP / "mesh"])


@pytest.fixture(scope="module")
def run(mesh):
    return analyze_and_ask([str(SHOP / "pods")], mesh)


def test_passages_are_of_calls_that_several_captures_saw_those_in_trouble_first(run, mesh):
    analysis, asked, spoken = run

    sheets = sheets_of(asked, spoken, mesh, (), most=5)

    several = [call for call in analysis.calls if len(call.captures) > 1]
    assert sheets.joined == len(several)
    assert len(sheets.passages) == 5
    assert sheets.passages[0].call.observed.status == 503
    lengths = [each.call.last_ns - each.call.first_ns for each in sheets.passages[1:]]
    assert lengths == sorted(lengths, reverse=True)


def test_without_a_mesh_nothing_is_outside(run):
    _, asked, spoken = run

    sheets = sheets_of(asked, spoken, None, (), most=5)

    assert sheets.names == ()
    assert sheets.mtls.edges


def test_a_mesh_that_changed_names_as_it_was_at_the_end(run, mesh):
    _, asked, spoken = run

    changed = sheets_of(asked, spoken, history_of(mesh, []), (), most=1)

    assert changed.names == sheets_of(asked, spoken, mesh, (), most=1).names
