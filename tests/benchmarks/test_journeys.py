"""Journeys held against access logs: what counts as right, and the figures of a recorded world."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WORLDS = ROOT.parent / "shared" / "worlds"


@pytest.mark.skipif(not WORLDS.is_dir(), reason="the recorded worlds are not beside the repository")
@pytest.mark.parametrize("world", ["shop-default", "shop-strict", "busy-default", "busy-strict", "q038"])
def test_no_leg_of_a_world_belongs_to_another_call(world) -> None:
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "benchmarks/journeys.py", str(WORLDS / world), "--all"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, env=env)

    head, upstream, delivery, *others = done.stdout.splitlines()

    assert head.split() == ["exact", "probable", "none", "wrong"]
    assert upstream.split()[0] == "upstream"
    assert [line.split()[-1] for line in (upstream, delivery)] == ["0", "0"]
    assert world.startswith("busy") or not others


def test_a_world_that_was_not_recorded_has_no_legs(monkeypatch, tmp_path) -> None:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import journeys

    assert list(journeys.legs_of_world(tmp_path)) == []
    assert journeys.table([]).splitlines()[1].split() == ["upstream", "0", "0", "0", "0"]
