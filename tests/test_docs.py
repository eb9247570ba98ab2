"""The site: what it shows is what the program says, and its map is complete."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
import yaml

from analyzer.cli.program import run

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
BLOCK = re.compile(r"^```console\n\$ meshverdict (.*?)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SHOWN = [
    pytest.param(command, output, id=f"{page.stem}-{command.split()[0]}")
    for page in sorted([DOCS / "index.md", *DOCS.glob("tutorial/*.md")])
    for command, output in BLOCK.findall(page.read_text())
]


@pytest.mark.parametrize(("command", "output"), SHOWN)
def test_every_line_of_output_in_the_tutorial_is_said_in_that_order(
    command: str, output: str, monkeypatch, capfdbinary
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("COLUMNS", raising=False)

    assert run(shlex.split(command)) == 0
    said = iter(capfdbinary.readouterr().out.decode().splitlines())

    assert [line for line in output.splitlines() if line.strip() != "…" and line not in said] == []


def pages(nav) -> list[str]:
    if isinstance(nav, str):
        return [nav]
    values = nav.values() if isinstance(nav, dict) else nav
    return [page for each in values for page in pages(each)]


def test_the_map_of_the_site_has_every_page() -> None:
    listed = pages(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"])

    assert sorted(listed) == sorted(str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md"))


def test_the_notebook_runs(monkeypatch) -> None:
    pytest.importorskip("matplotlib").use("agg")
    monkeypatch.chdir(DOCS)
    cells = json.loads((DOCS / "query.ipynb").read_text())["cells"]
    space: dict[str, object] = {}

    for cell in cells:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), space)

    assert space["run"]


def test_the_notebook_without_its_plots_runs(monkeypatch) -> None:
    monkeypatch.chdir(DOCS)
    cells = json.loads((DOCS / "query.ipynb").read_text())["cells"]
    space: dict[str, object] = {}

    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and "plot" not in source:
            exec(source, space)

    assert space["run"]
