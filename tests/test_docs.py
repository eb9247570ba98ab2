"""The site: what it shows is what the program says, its map is complete, and its reference is made from the code."""

from __future__ import annotations

import json
import os
import re
import shlex
from pathlib import Path

import click
import pytest
import yaml

from analyzer.cli.program import COMMANDS, program, run

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


def reference() -> str:
    """The page of commands: each with its help, as a terminal of 100 columns shows it."""
    parts = ["# Commands\n\nMade from the program; `meshverdict COMMAND --help` says the same.\n"]
    above = click.Context(program, info_name="meshverdict", terminal_width=100, **program.context_settings)
    for name in sorted(COMMANDS):
        command = program.get_command(above, name)
        context = click.Context(command, info_name=name, parent=above)
        parts.append(f"## `{name}`\n\n```text\n{command.get_help(context)}\n```\n")
    return "\n".join(parts)


def test_the_page_of_commands_is_what_the_program_says() -> None:
    page = DOCS / "cli.md"
    if os.environ.get("UPDATE_GOLDEN"):
        page.write_text(reference())

    assert page.read_text() == reference()


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
