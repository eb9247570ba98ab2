"""Questions about single calls of recorded captures."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.inquiry import explain_paths, follow_paths
from analyzer.mesh.history import Era, history_of
from analyzer.mesh.load import load_mesh

SHOP = Path(__file__).resolve().parents[1] / "captures" / "shop-default"
SLEEP, FRONTEND = (str(SHOP / "pods" / f"shop_{name}.any.pcap") for name in ("sleep-0", "frontend-1"))


@pytest.fixture(scope="module")
def mesh():
    return load_mesh([SHOP / "mesh"])


def test_chosen_calls_are_explained_with_what_would_have_ended_better(mesh) -> None:
    run, explained = explain_paths([SLEEP], mesh, lambda call: call.decision.reason == "no-route", most=2)

    assert len(explained) == 2
    assert all(each.misses and each.call in run.calls for each in explained)


def test_a_mesh_that_changes_is_asked_as_it_was(mesh) -> None:
    history = history_of(mesh, [Era(2**62, load_mesh([SHOP / "mesh"]))])

    _, explained = explain_paths([SLEEP], history, lambda call: call.decision.reason == "no-route", most=1)

    assert explained[0].misses


def test_without_a_mesh_nothing_would_have_ended_better() -> None:
    _, explained = explain_paths([SLEEP], None, lambda _: True, most=3)

    assert [each.misses for each in explained] == [()] * 3


def test_passages_join_both_ends(mesh) -> None:
    _, passages = follow_paths([SLEEP, FRONTEND], mesh, lambda call: call.host == "frontend:9080")

    assert any(passage.skews and passage.request_id for passage in passages)
