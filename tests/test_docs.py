"""The site: what it shows is what the program says, and its map is complete."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from analyzer.cli.program import run

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
BLOCK = re.compile(r"^```console\n\$ meshverdict (.*?)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SHOWN = [
    pytest.param(command, output, id=f"{page.stem}-{command.split()[0]}")
    for page in sorted([DOCS / "index.md", DOCS / "how-to.md", *DOCS.glob("tutorial/*.md")])
    for command, output in BLOCK.findall(page.read_text())
]


@pytest.mark.parametrize(("command", "output"), SHOWN)
def test_every_line_of_output_in_the_tutorial_is_said_in_that_order(
    command: str, output: str, monkeypatch, tmp_path, capfdbinary
) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("COLUMNS", raising=False)

    arguments = shlex.split(command.replace("--out ", f"--out {tmp_path}/"))
    assert run(arguments) == (arguments[0] == "whatif")
    said = iter(capfdbinary.readouterr().out.decode().splitlines())

    assert [line for line in output.splitlines() if line.strip() != "…" and line not in said] == []


CHANGE = re.compile(r'^```yaml title="(.*?)"\n(.*?)^```', re.MULTILINE | re.DOTALL)
CHANGES = [change for page in sorted(DOCS.glob("tutorial/*.md")) for change in CHANGE.findall(page.read_text())]


def test_every_incident_ends_with_a_change_that_the_page_shows_as_it_is() -> None:
    assert [path for path, text in CHANGES if (ROOT / path).read_text() != text] == []
    assert len(CHANGES) == len(list(DOCS.glob("tutorial/*.md"))) == 5


def test_the_site_is_built_without_a_warning(tmp_path) -> None:
    pytest.importorskip("mkdocs")
    pytest.importorskip("material")

    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "tutorial" / "missing-subset" / "index.html").is_file()


def pages(nav) -> list[str]:
    if isinstance(nav, str):
        return [nav]
    values = nav.values() if isinstance(nav, dict) else nav
    return [page for each in values for page in pages(each)]


def test_the_map_of_the_site_has_every_page() -> None:
    listed = pages(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"])

    assert sorted(listed) == sorted(str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md"))


def cells_of(notebook: Path) -> list[str]:
    cells = json.loads(notebook.read_text())["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def test_the_notebook_runs_as_jupyter_runs_it(monkeypatch) -> None:
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    pytest.importorskip("matplotlib")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = nbformat.read(DOCS / "query.ipynb", as_version=4)
    nbformat.validate(notebook)

    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(DOCS)}}).execute()

    shown = {kind for cell in notebook.cells for each in cell.get("outputs", []) for kind in each.get("data", {})}
    assert {"text/html", "image/png"} <= shown
    failed = [each["evalue"] for cell in notebook.cells for each in cell.get("outputs", []) if "evalue" in each]
    assert failed == []


def test_the_cells_of_the_notebook_run_in_their_order(monkeypatch) -> None:
    pytest.importorskip("matplotlib").use("agg")
    monkeypatch.chdir(DOCS)
    space: dict[str, object] = {}

    for source in cells_of(DOCS / "query.ipynb"):
        exec(source, space)

    assert space["run"]


def test_what_the_notebook_asks_needs_no_plots(monkeypatch) -> None:
    monkeypatch.chdir(DOCS)
    space: dict[str, object] = {}

    for source in cells_of(DOCS / "query.ipynb"):
        if "plot" not in source:
            exec(source, space)

    assert space["run"]
