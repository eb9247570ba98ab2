"""The reference is made from the code: ``UPDATE_GOLDEN=1 pytest tests/architecture`` writes it again."""

from __future__ import annotations

import inspect
import os
import textwrap
from pathlib import Path

import click

import analyzer
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


def library() -> str:
    """The page of the library: each name with its signature and what its docstring says."""
    parts = [
        "# Library\n\nMade from the code: `import analyzer as az`. Everything is typed (`py.typed`). "
        "[The notebook](query.ipynb) uses most of it; [fields](fields.md) tells what the columns mean.\n"
    ]
    for name in analyzer.__all__:
        found = getattr(analyzer, name)
        parts.append(_told(f"az.{name}", found))
        if isinstance(found, type):
            members = ((key, value) for key, value in vars(found).items() if not key.startswith("_"))
            parts += [_told(f"{name}.{key}", value) for key, value in members if inspect.getdoc(value)]
    return "\n".join(parts)


def _told(name: str, found: object) -> str:
    is_property = isinstance(found, property)
    target = found.fget if is_property else found
    if inspect.isdatadescriptor(found) and not is_property:
        return ""
    signature = inspect.signature(target)
    if "self" in signature.parameters and not is_property:
        signature = signature.replace(parameters=list(signature.parameters.values())[1:])
    shown = f"{name}: {signature.return_annotation}" if is_property else f"{name}{signature}".replace("'", "")
    told = inspect.getdoc(found).replace("``", "`")
    return f"## `{name}`\n\n```text\n{textwrap.fill(shown, 100, subsequent_indent='    ')}\n```\n\n{told}\n"


def test_the_page_of_the_library_is_what_the_code_says(root: Path) -> None:
    page = root / "docs" / "library.md"
    if os.environ.get("UPDATE_GOLDEN"):
        page.write_text(library())

    assert page.read_text() == library()


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
