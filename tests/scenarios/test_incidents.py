"""Recorded incidents beside the repository: what a change would have moved, from what was recorded before it."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
INCIDENTS = ROOT.parent / "shared" / "incidents"

pytestmark = pytest.mark.skipif(not INCIDENTS.is_dir(), reason="the recorded incidents are not beside the repository")


def folders() -> list[Path]:
    return sorted(path.parent for path in INCIDENTS.glob("*/expected.json"))


def moves(folder: Path, expected: dict) -> list[dict]:
    """The moves that the calls before the change would make, as ``whatif`` prints them."""
    captures = sorted(str(path) for path in folder.glob("pods/*.any.pcap"))
    command = [sys.executable, "-m", "analyzer", "whatif", *captures, "-m", str(folder / "mesh-before")]
    command += ["--mesh-new", str(folder / "mesh-after"), "--until", repr(expected["changed_at"]), "-o", "jsonl"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


def told(move: dict) -> tuple:
    sides = [(move[when]["verdict"], (move[when]["outbound"] or {}).get("cluster")) for when in ("before", "after")]
    return move["pod"], move["server"]["ip"], move["server"]["port"], move["host"] or move["sni"], *sides


def meant(call: dict) -> tuple:
    sides = [(call[when]["verdict"], call[when]["cluster"]) for when in ("before", "after")]
    return call["source"], call["address"], call["port"], call.get("sni") or call["host"], *sides


def added_lines(folder: Path) -> set[str]:
    """``file:line`` of what the change added at the end of the mesh."""
    before, after = (
        (folder / name / "manifests.yaml").read_text().splitlines() for name in ("mesh-before", "mesh-after")
    )
    assert after[: len(before)] == before
    return {
        f"mesh-after/manifests.yaml:{n + 1}" for n in range(len(before), len(after)) if re.search(r"mode", after[n])
    }


@pytest.mark.parametrize("folder", folders(), ids=lambda folder: folder.name)
def test_whatif_names_exactly_the_calls_that_moved_and_the_line_that_moved_them(folder: Path) -> None:
    expected = json.loads((folder / "expected.json").read_text())

    found = moves(folder, expected)

    assert {told(move) for move in found} == {meant(call) for call in expected["moved"]}
    assert {line for move in found for line in move["yaml"]} == added_lines(folder)
    assert all(len(move["yaml"]) == 1 for move in found)
