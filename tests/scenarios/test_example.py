"""The example page in ``reports/`` is what the program writes today."""

from __future__ import annotations

import os
from pathlib import Path

from analyzer.cli.program import run

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "reports" / "example.html"


def test_the_example_page_is_what_the_program_writes(monkeypatch, tmp_path) -> None:
    monkeypatch.chdir(ROOT)
    page = tmp_path / "page.html"

    assert run(["analyze", "captures/shop-strict/pods", "-m", "captures/shop-strict/mesh", "--html", str(page)]) == 0

    if os.environ.get("UPDATE_GOLDEN"):
        EXAMPLE.write_bytes(page.read_bytes())
    assert EXAMPLE.read_bytes() == page.read_bytes()
