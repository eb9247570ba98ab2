"""``python -m analyzer`` is the program."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from analyzer.__main__ import main

ROOT = Path(__file__).resolve().parents[1]


def test_the_module_runs_the_program() -> None:
    done = subprocess.run([sys.executable, "-m", "analyzer", "--help"], cwd=ROOT, capture_output=True, check=False)

    assert done.returncode == 0
    assert done.stdout.startswith(b"Usage: meshverdict")


def test_it_leaves_with_the_programs_exit_code(monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys, "argv", ["meshverdict", "unheard-of"])

    with pytest.raises(SystemExit) as left:
        main()

    gc.enable()
    assert left.value.code == 2
    assert "unheard-of" in capsys.readouterr().err


def test_a_run_that_is_left_at_once_has_said_everything() -> None:
    capture = ROOT / "captures/shop-default/pods/shop_sleep-0.any.pcap"
    command = [sys.executable, "-m", "analyzer", "analyze", str(capture), "--fail-on", "undetermined", "-o", "jsonl"]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)

    assert done.returncode == 1
    assert done.stdout.endswith(b"}\n")
    assert len(done.stdout.splitlines()) > 5


@pytest.mark.parametrize(("closed", "code"), [(">&-", 141), ("2>&-", 0), ("<&-", 0), (">&- --out {place}/x", 0)])
def test_streams_that_are_closed_are_no_bug(tmp_path, closed: str, code: int) -> None:
    capture = ROOT / "captures/shop-default/pods/shop_sleep-0.any.pcap"
    command = f"{sys.executable} -m analyzer analyze {capture} -o csv {closed.format(place=tmp_path)}"

    done = subprocess.run(command, cwd=ROOT, shell=True, capture_output=True, check=False)

    assert (done.returncode, b"bug" in done.stderr, b"Traceback" in done.stderr) == (code, False, False)
