"""The reference is made from the code: ``UPDATE_GOLDEN=1 pytest tests/architecture`` writes it again."""

from __future__ import annotations

import os
from pathlib import Path

import click

from analyzer.cli.manual import manual_pages
from analyzer.cli.program import COMMANDS, program
from analyzer.report.record_fields import fields_page


def reference() -> str:
    """The page of commands: each with its help, as a terminal of 100 columns shows it."""
    parts = ["# Commands\n\nMade from the program; `meshverdict COMMAND --help` says the same.\n"]
    above = click.Context(program, info_name="meshverdict", terminal_width=100, **program.context_settings)
    for name in sorted(COMMANDS):
        command = program.get_command(above, name)
        context = click.Context(command, info_name=name, parent=above)
        parts.append(f"## `{name}`\n\n```text\n{command.get_help(context)}\n```\n")
    return "\n".join(parts)


def test_the_page_of_commands_is_what_the_program_says(root: Path) -> None:
    page = root / "docs" / "cli.md"
    if os.environ.get("UPDATE_GOLDEN"):
        page.write_text(reference())

    assert page.read_text() == reference()


def test_the_page_of_fields_is_what_the_code_says(root: Path) -> None:
    page = root / "docs" / "fields.md"
    told = "\n".join(fields_page()) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        page.write_text(told)

    assert page.read_text() == told


def test_the_manual_is_what_the_program_says(root: Path) -> None:
    told = dict(manual_pages(program))
    folder = root / "man" / "man1"
    if os.environ.get("UPDATE_GOLDEN"):
        for page in folder.glob("*.1"):
            page.unlink()
        for name, text in told.items():
            (folder / name).write_text(text)

    assert {page.name: page.read_text() for page in folder.glob("*.1")} == told
