"""Pages in roff, made from the commands, that man shows without a word of complaint."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from pathlib import Path

import click
import pytest

from analyzer.cli.manual import manual_pages
from analyzer.cli.program import COMMANDS, program

ROOT = Path(__file__).resolve().parents[2]
PAGES = dict(manual_pages(program))


def shown(page: str) -> str:
    groff = shutil.which("groff")
    if groff is None:
        pytest.skip("no groff here")
    command = [groff, "-man", "-Tascii", "-ww", "-P-c", "-P-b", "-P-u", "-rLL=100n"]
    done = subprocess.run(command, input=page, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_there_is_a_page_for_the_program_and_for_each_command() -> None:
    assert set(PAGES) == {"meshverdict.1", *(f"meshverdict-{name}.1" for name in COMMANDS)}


@pytest.mark.parametrize("name", sorted(PAGES))
def test_roff_shows_a_page_without_complaint(name) -> None:
    text = shown(PAGES[name])

    sections = [line for line in text.splitlines() if line and line == line.lstrip()]
    assert [each for each in ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "SEE ALSO") if each not in sections] == []


def test_man_shows_a_page(tmp_path) -> None:
    if shutil.which("man") is None or shutil.which("groff") is None:
        pytest.skip("no man here")
    page = tmp_path / "meshverdict-explain.1"
    page.write_text(PAGES[page.name])

    done = subprocess.run(["man", "-l", "-P", "cat", str(page)], capture_output=True, text=True, check=False)

    assert done.returncode == 0
    assert "meshverdict-explain - " in done.stdout


def test_the_wheel_brings_the_pages_to_where_man_looks() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())

    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"] == {"man": "share/man"}
    assert {page.name for page in (ROOT / "man" / "man1").iterdir()} == set(PAGES)


def test_every_option_of_a_command_is_on_its_page() -> None:
    above = click.Context(program, info_name="meshverdict", **program.context_settings)
    command = program.get_command(above, "analyze")
    options = {name for each in command.params for name in each.opts if name.startswith("--")}

    text = shown(PAGES["meshverdict-analyze.1"])

    assert {name for name in options if name not in text} == set()


def test_what_roff_would_read_as_a_request_is_text() -> None:
    @click.group()
    def odd() -> None:
        pass

    @odd.command("odd")
    @click.option("--back", help=".so back\\slash")
    def _odd(back: str) -> None:
        """'quoted -x. Second sentence."""

    text = shown(dict(manual_pages(odd))["meshverdict-odd.1"])

    assert "meshverdict-odd - 'quoted -x\n" in text
    assert ".so back\\slash" in text
