"""Recordings that lie beside the repository, held against by the check that lies with them."""

import json
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


def upstream_legs(call: dict) -> set[str]:
    return {
        f"{leg['client']['ip']}:{leg['client']['port']}" for leg in call["legs"] if leg["role"] == "sidecar-to-upstream"
    }


@pytest.mark.parametrize("world", ["shop-default", "shop-strict", "busy-default", "busy-strict", "q001", "q010"])
def test_no_request_is_stitched_to_a_connection_that_did_not_carry_it(world: str) -> None:
    """``upstream_local`` is the sidecar's own address and port of each request, by its access log."""
    folder = SHARED / "worlds" / world
    captures = [*map(str, folder.glob("pods/*.any.pcap")), "-m", str(folder / "mesh")]
    command = [sys.executable, "-m", "analyzer", "analyze", *captures, "-o", "jsonl", "--no-progress"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    calls = [call for line in done.stdout.splitlines() if (call := json.loads(line))["kind"] == "call"]
    legs = {(f"{c['client']['ip']}:{c['client']['port']}", c["request"]): upstream_legs(c) for c in calls}
    truth = [json.loads(line) for line in (folder / "truth.jsonl").read_text().splitlines()]
    logged = {
        (t["client"], t["request"]): t["outbound"].get("upstream_local") for t in truth if t["client"] and t["outbound"]
    }

    stitched = {key: found for key, found in legs.items() if found and logged.get(key)}

    assert len(stitched) > 10
    assert {key: found for key, found in stitched.items() if logged[key] not in found} == {}
