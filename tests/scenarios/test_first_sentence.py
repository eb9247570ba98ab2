"""Folders that say what a person must read first: one command, the right sentence."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def folders() -> list[Path]:
    places = sorted((ROOT / "captures").glob("*/expected.json"))
    return [place.parent for place in places if "first_finding" in json.loads(place.read_text())]


@pytest.mark.parametrize("folder", folders(), ids=lambda folder: folder.name)
def test_the_right_sentence_comes_first(folder: Path) -> None:
    expected = json.loads((folder / "expected.json").read_text())["first_finding"]
    command = [sys.executable, "-m", "analyzer", "analyze", f"captures/{folder.name}/pods"]

    done = subprocess.run(
        [*command, "-m", f"captures/{folder.name}/mesh", "-o", "jsonl"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    findings = [line for line in map(json.loads, done.stdout.splitlines()) if line["kind"] == "finding"]
    assert (done.returncode, done.stderr) == (0, "")
    assert expected in findings[0]["sentence"]
