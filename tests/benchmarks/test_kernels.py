"""The steps that are measured by themselves can be."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_every_step_can_be_measured() -> None:
    pytest.importorskip("pytest_benchmark")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--benchmark-disable"]

    done = subprocess.run([*command, "benchmarks/kernels.py"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout
    assert "6 passed" in done.stdout


def test_they_are_not_of_the_ordinary_tests() -> None:
    assert 'testpaths = ["tests"]' in (ROOT / "pyproject.toml").read_text()
