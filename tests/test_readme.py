"""What the README shows is what the program says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from analyzer.cli.program import run

ROOT = Path(__file__).resolve().parent.parent
BLOCKS = re.findall(r"^```console\n\$ (.*?)\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
SHOWN = [(command.rpartition("meshverdict ")[2], output) for command, output in BLOCKS if "meshverdict " in command]


@pytest.mark.parametrize(("command", "output"), SHOWN, ids=[command.split()[0] for command, _ in SHOWN])
def test_every_line_of_output_in_the_readme_is_said_in_that_order(
    command: str, output: str, monkeypatch, tmp_path, capfdbinary
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("COLUMNS", raising=False)
    arguments = shlex.split(command.replace("reports/", f"{tmp_path}/"))

    assert run(arguments) == 0
    said = iter(capfdbinary.readouterr().out.decode().splitlines())

    shown = [line for line in output.splitlines() if line.strip() != "…"]
    assert shown
    assert [line for line in shown if line not in said] == []


def test_the_library_of_the_readme_works_as_written(monkeypatch, tmp_path) -> None:
    monkeypatch.chdir(ROOT)
    (code,) = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)

    exec(code.replace("reports/", f"{tmp_path}/"), {})

    assert (tmp_path / "shop.html").stat().st_size > 10_000
