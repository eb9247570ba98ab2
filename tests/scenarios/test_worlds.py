"""Recordings that lie beside the repository, held against by the check that lies with them."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
CHECK = SHARED / "check" / "conformance.py"
# Small enough for every run; each is about something that the others are not.
WORLDS = ["shop-default", "shop-strict", "shop-registry-only", "shop-locked", "shop-scoped", "q001", "g000", "r000"]

pytestmark = pytest.mark.skipif(not CHECK.is_file(), reason="the recorded worlds are not beside the repository")


def conformance(mode: str, world: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the check over a world against this interpreter's own analyzer."""
    cli = shlex.join([sys.executable, "-m", "analyzer"])
    command = [sys.executable, str(CHECK), mode, str(SHARED / "worlds" / world), "--cli", cli, *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("mode", ["route", "captures"])
def test_every_call_of_a_world_agrees_with_envoy(mode: str, world: str) -> None:
    done = conformance(mode, world)

    assert done.returncode == 0, done.stdout + done.stderr


def test_one_pods_capture_is_enough_for_its_own_calls() -> None:
    done = conformance("captures", "shop-default", "--one-pod")

    assert done.returncode == 0, done.stdout + done.stderr
