"""Recorded incidents beside the repository: what a change would have moved, from what was recorded before it."""

import json
import re
import subprocess
import sys
from datetime import datetime
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


def analysed(folder: Path, *meshes: str) -> tuple[list[dict], list[dict]]:
    """The calls and findings of the whole recording."""
    captures = sorted(str(path) for path in folder.glob("pods/*.any.pcap"))
    command = [sys.executable, "-m", "analyzer", "analyze", *captures, *meshes, "-o", "jsonl", "--no-progress"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return [line for line in lines if line["kind"] == "call"], [line for line in lines if line["kind"] == "finding"]


def with_both(folder: Path) -> tuple[list[dict], list[dict]]:
    changed_at = json.loads((folder / "expected.json").read_text())["changed_at"]
    after = f"{changed_at!r}={folder / 'mesh-after'}"
    return analysed(folder, "-m", str(folder / "mesh-before"), "--mesh-at", after)


def seconds(text: str) -> float:
    return datetime.fromisoformat(re.sub(r"(\.\d{6})\d*Z$", r"\1+00:00", text)).timestamp()


@pytest.mark.parametrize("folder", folders(), ids=lambda folder: folder.name)
def test_every_call_is_judged_by_the_mesh_of_its_time(folder: Path) -> None:
    calls, _ = with_both(folder)
    truth = [json.loads(line) for line in (folder / "truth.jsonl").read_text().splitlines()]
    found = {(f"{c['client']['ip']}:{c['client']['port']}", c["request"]): c["verdict"] for c in calls}

    compared = [line for line in truth if line["client"] and line["verdict"]]

    assert len(compared) > 300
    assert {line["name"] for line in compared if found[line["client"], line["request"]] != line["verdict"]} == set()
    assert [call["id"] for call in calls if call["observed"]["agrees"] is False] == []


@pytest.mark.parametrize("folder", folders(), ids=lambda folder: folder.name)
def test_the_calls_that_a_change_moved_are_the_first_findings_with_its_time_and_line(folder: Path) -> None:
    expected = json.loads((folder / "expected.json").read_text())
    calls, findings = with_both(folder)
    moved = [finding for finding in findings if finding["code"] == "moved-by-change"]

    assert findings[: len(moved)] == moved
    assert {line for finding in moved for line in finding["yaml"]} == added_lines(folder)
    told = {re.search(r" since (\S+Z)", finding["sentence"])[1] for finding in moved}
    assert all(abs(seconds(time) - expected["changed_at"]) < 1 for time in told)
    by_id = {call["id"]: call for call in calls}
    ends = {(by_id[n]["pod"], by_id[n]["server"]["ip"], by_id[n]["server"]["port"]) for f in moved for n in f["calls"]}
    assert ends == {(call["source"], call["address"], call["port"]) for call in expected["moved"]}


@pytest.mark.parametrize("folder", folders(), ids=lambda folder: folder.name)
def test_with_the_mesh_after_only_the_moment_of_the_change_is_found(folder: Path) -> None:
    changed_at = json.loads((folder / "expected.json").read_text())["changed_at"]

    _, findings = analysed(folder, "-m", str(folder / "mesh-after"))

    assert [finding["code"] for finding in findings].count("other-configuration") == 1
    assert "contradiction" not in {finding["code"] for finding in findings}
    until = re.search(r"until (\S+Z) as if under another configuration", findings[0]["sentence"])[1]
    assert abs(seconds(until) - changed_at) < 2


@pytest.mark.parametrize("folder", folders(), ids=lambda folder: folder.name)
def test_with_the_mesh_after_only_nothing_is_told_to_fail_before_the_change(folder: Path) -> None:
    changed_at = json.loads((folder / "expected.json").read_text())["changed_at"]
    captures = sorted(str(path) for path in folder.glob("pods/*.any.pcap"))
    command = [sys.executable, "-m", "analyzer", "timeline", *captures, "-m", str(folder / "mesh-after")]

    done = subprocess.run([*command, "-o", "jsonl"], cwd=ROOT, capture_output=True, text=True, check=False)

    events = [json.loads(line) for line in done.stdout.splitlines()]
    failures = [each["time_ns"] / 1e9 for each in events if each["event"] in ("first-failure", "burst", "reset")]
    assert failures
    assert min(failures) > changed_at
