"""The manual: a page in roff for the program and for each command, made from what ``--help`` is made of (man(7))."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import click

MANUAL = "meshverdict manual"
# What roff would read as a request at the beginning of a line, and inside a line.
_REQUEST = re.compile(r"^([.'])", re.MULTILINE)
_ESCAPES = str.maketrans({"\\": r"\e", "-": r"\-"})


def manual_pages(program: click.Group) -> Iterator[tuple[str, str]]:
    """Names of files, such as ``meshverdict-analyze.1``, with their pages; the program's own comes first."""
    above = click.Context(program, info_name="meshverdict", **program.context_settings)
    commands = {name: program.get_command(above, name) for name in program.list_commands(above)}
    titles = [f"meshverdict-{name}" for name in commands]
    yield "meshverdict.1", _page(program, above, see=titles)
    for name, command in commands.items():
        if command is not None:
            context = click.Context(command, info_name=name, parent=above)
            yield f"meshverdict-{name}.1", _page(command, context, see=["meshverdict"])


def _page(command: click.Command, context: click.Context, *, see: Sequence[str]) -> str:
    title = context.command_path.replace(" ", "-")
    paragraphs = _paragraphs(command.help or "")
    lines = [f'.TH "{_plain(title.upper())}" 1 "" "meshverdict" "{MANUAL}"', ".nh", ".ad l", ".SH NAME"]
    lines.append(f"{_plain(title)} \\- {_plain(_first_sentence(paragraphs))}")
    lines += [".SH SYNOPSIS", f"\\fB{_plain(context.command_path)}\\fR {_usage(command, context)}"]
    lines.append(".SH DESCRIPTION")
    for paragraph in paragraphs:
        lines += [".PP", _plain(paragraph)]
    lines += _section("OPTIONS", _options(command, context))
    if isinstance(command, click.Group):
        lines += _section("COMMANDS", _subcommands(command, context))
    if command.epilog:
        lines += [".SH NOTES", _plain(command.epilog)]
    lines.append(".SH SEE ALSO")
    lines += [f".BR {_plain(name)} (1){',' if name != see[-1] else ''}" for name in see]
    return "\n".join(lines) + "\n"


def _section(title: str, entries: Sequence[tuple[str, str]]) -> list[str]:
    """A section of terms with their explanations, or nothing where there are none."""
    if not entries:
        return []
    lines = [f".SH {title}"]
    for term, explanation in entries:
        lines += [".TP", term, _plain(explanation) or "\\&"]
    return lines


def _options(command: click.Command, context: click.Context) -> list[tuple[str, str]]:
    records = (parameter.get_help_record(context) for parameter in command.get_params(context))
    return [(_term(names), explanation) for names, explanation in filter(None, records) if explanation]


def _subcommands(group: click.Group, context: click.Context) -> list[tuple[str, str]]:
    commands = ((name, group.get_command(context, name)) for name in group.list_commands(context))
    return [
        (f"\\fB{_plain(name)}\\fR", _first_sentence(_paragraphs(each.help or ""))) for name, each in commands if each
    ]


def _term(names: str) -> str:
    """``-m, --mesh PATH`` with what is typed in bold and what stands for something in italics."""
    words = []
    for word in names.split(" "):
        bare = word.rstrip(",")
        style = "B" if bare.startswith("-") else "I"
        words.append(f"\\f{style}{_plain(bare)}\\fR{word[len(bare) :]}" if bare else word)
    return " ".join(words)


def _usage(command: click.Command, context: click.Context) -> str:
    return " ".join(f"\\fI{_plain(piece)}\\fR" for piece in command.collect_usage_pieces(context))


def _paragraphs(text: str) -> list[str]:
    """The paragraphs of a help text, each on one line."""
    pieces = re.split(r"\n\s*\n", text.replace("\b", "").strip())
    return [" ".join(piece.split()) for piece in pieces if piece.strip()]


def _first_sentence(paragraphs: Sequence[str]) -> str:
    first = paragraphs[0] if paragraphs else ""
    return re.split(r"(?<=[^.])\.(?:\s|$)", first, maxsplit=1)[0]


def _plain(text: str) -> str:
    """Text that roff shows as it is."""
    return _REQUEST.sub(r"\\&\1", text.translate(_ESCAPES))
