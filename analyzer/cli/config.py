"""``meshverdict config``: what files and the environment set, and where."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from analyzer.base.errors import UsageError
from analyzer.base.escape import visible
from analyzer.base.spelling import hint
from analyzer.cli.options import color_option, output
from analyzer.cli.settings import (
    Options,
    Setting,
    SettingsFile,
    default_map,
    environment,
    options_of,
    unknown_variables,
    variables_of,
)
from analyzer.cli.terminal import colour, width

# Where the program keeps what it has read, in the context of click.
SETTINGS, OPTIONS = f"{__name__}.settings", f"{__name__}.options"
_DEFAULT = "default"


@click.group("config")
def command() -> None:
    """Look at the settings: flags, then MESHVERDICT_* variables, then the file, then defaults.

    The file is meshverdict.toml, or else [tool.meshverdict] in pyproject.toml, of this folder or of the nearest one
    above it in the repository.
    """


@command.command("show")
@click.argument("of", metavar="[COMMAND]", required=False)
@click.option("--origin", is_flag=True, help="Also say where each value comes from.")
@click.option(
    "-o", "--output", "output_format", type=click.Choice(["text", "json"]), default="text", help="The format."
)
@color_option
@click.pass_context
def show(context: click.Context, of: str | None, origin: bool, output_format: str, color: str) -> int:
    """Show what is set; of COMMAND every option, as it is without flags."""
    from analyzer.report.as_settings import render_settings, settings_json

    options: Options = context.meta[OPTIONS]()
    file: SettingsFile = context.meta[SETTINGS] or SettingsFile(Path(), ())
    rows = _given(file, options) if of is None else list(_effective(context, of, file, options))
    for wrong in unknown_variables(options):
        click.echo(f"meshverdict: {visible(wrong)}", err=True)
    with output(None) as sink:
        if output_format == "json":
            sink.write(settings_json(rows))
        else:
            text = render_settings(rows, origin=origin, width=width(None), colour=colour(color, None))
            sink.write(text.encode())
    return 0


def _given(file: SettingsFile, options: Options) -> list[tuple[str, Any, str, bool]]:
    """Name, value, origin, and whether a variable goes before it: of everything that is set."""
    variables = environment(options)
    over = {setting.key for setting in variables}
    rows = [(s.name, s.value, s.origin, s.key in over or s.key[-1:] in over) for s in file.settings]
    rows += [(s.name, s.value, s.origin, False) for s in variables]
    return sorted(rows, key=lambda row: (row[0], row[2]))


def _effective(
    context: click.Context, name: str, file: SettingsFile, options: Options
) -> Iterator[tuple[str, Any, str, bool]]:
    """Every option of a command, as click itself finds it."""
    root = context.find_root().command
    found = root.get_command(context, name) if isinstance(root, click.Group) else None
    if found is None or name not in options:
        meant = hint(name, options) or f", expected one of {', '.join(options)}"
        raise UsageError(f"config show: found {name!r}, which is no command{meant}")
    defaults = default_map(file, name, options)
    asked = found.make_context(name, [], parent=None, resilient_parsing=True, default_map=defaults)
    for long, option in sorted(options_of(found).items()):
        source = asked.get_parameter_source(str(option.name))
        yield long, asked.params.get(str(option.name)), _origin(long, name, source, file.settings), False


def _origin(option: str, command: str, source: ParameterSource | None, settings: Sequence[Setting]) -> str:
    if source is ParameterSource.ENVIRONMENT:
        return next(name for name in variables_of(command, option) if os.environ.get(name))
    if source is ParameterSource.DEFAULT_MAP:
        keys = ((command, option), (option,))
        return next(s.origin for key in keys for s in settings if s.key == key)
    return _DEFAULT
