"""Options from files and from the environment, in one order: flag, ``MESHVERDICT_*``, file, default.

The file is ``meshverdict.toml``, or else the table ``[tool.meshverdict]`` of ``pyproject.toml``. Keys are the long
names of options; those at the top are for every command that has the option, those in the table of a command for it
alone.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from analyzer.base.errors import UsageError
from analyzer.base.fact import Fact
from analyzer.base.spelling import hint
from analyzer.cli.toml_lines import KeyPath, key_lines

PREFIX = "MESHVERDICT"
CONFIG_VARIABLE = f"{PREFIX}_CONFIG"
FILE, PROJECT_FILE = "meshverdict.toml", "pyproject.toml"
PROJECT_TABLE = ("tool", "meshverdict")

# The options of each command, by their long names.
Options = Mapping[str, Mapping[str, click.Option]]


class Setting(Fact, frozen=True):
    """A value that a file or the environment gives: ``key`` is an option, or a command and an option.

    ``origin`` is ``file:line``, or the variable's name.
    """

    key: KeyPath
    value: Any
    origin: str

    @property
    def name(self) -> str:
        """The key as the file has it: ``color``, ``analyze.fail-on``."""
        return ".".join(self.key)


class SettingsFile(Fact, frozen=True):
    """What a file sets; paths in it are relative to ``folder``."""

    folder: Path
    settings: tuple[Setting, ...]


def options_of(command: click.Command) -> dict[str, click.Option]:
    """The options of a command by their long names, without the dashes before them."""
    options = (each for each in command.params if isinstance(each, click.Option))
    named = ((name, each) for each in options for name in each.opts if name.startswith("--"))
    return {name.removeprefix("--"): each for name, each in named}


def variables_of(command: str, option: str) -> tuple[str, str]:
    """The variables that set an option: the command's own before the one for all commands."""
    name = option.upper().replace("-", "_")
    return f"{PREFIX}_{command.upper()}_{name}", f"{PREFIX}_{name}"


def with_variables(command: click.Command, name: str) -> click.Command:
    """The command with its options open to the environment."""
    names = {id(option): variables_of(name, long) for long, option in options_of(command).items()}
    twin = copy.copy(command)
    twin.params = [_with_variable(each, names.get(id(each))) for each in command.params]
    return twin


def _with_variable(parameter: click.Parameter, names: tuple[str, str] | None) -> click.Parameter:
    if names is None:
        return parameter
    twin = copy.copy(parameter)
    twin.envvar = list(names)
    return twin


def find_file(start: Path) -> Path | None:
    """The settings file of the nearest folder that has one, from ``start`` upwards to the top of its repository."""
    for folder in (start, *start.parents):
        if (folder / FILE).is_file():
            return folder / FILE
        if (folder / PROJECT_FILE).is_file() and _table_of(folder / PROJECT_FILE, FILE) is not None:
            return folder / PROJECT_FILE
        if (folder / ".git").exists():
            return None
    return None


def read_file(path: Path, options: Options) -> SettingsFile:
    """What a settings file says. Raises ``UsageError``, with the line, where a key is no option."""
    shown = os.path.relpath(path)
    table = _table_of(path, shown) or {}
    lines = key_lines(_text_of(path, shown))
    above: KeyPath = PROJECT_TABLE if path.name == PROJECT_FILE else ()
    found = []
    for key, value in _flat(table, options):
        line = lines.get((*above, *key)) or lines.get((*above, *key[:1]))
        origin = f"{shown}:{line}" if line else shown
        _check_key(key, origin, options)
        found.append(Setting(key, value, origin))
    return SettingsFile(path.parent, tuple(found))


def environment(options: Options) -> tuple[Setting, ...]:
    """What the environment sets, by variable."""
    found: dict[str, Setting] = {}
    for command, named in sorted(options.items()):
        for option in sorted(named):
            own, common = variables_of(command, option)
            for variable, key in ((own, (command, option)), (common, (option,))):
                if variable in os.environ:
                    found[variable] = Setting(key, os.environ[variable], variable)
    return tuple(found[variable] for variable in sorted(found))


def unknown_variables(options: Options) -> Iterator[str]:
    """What is wrong with each variable of the environment that begins like ours and sets no option."""
    known = {CONFIG_VARIABLE}
    for command, named in options.items():
        known.update(variable for option in named for variable in variables_of(command, option))
    for variable in sorted(os.environ.keys() - known):
        if variable.startswith(f"{PREFIX}_"):
            yield f"{variable} sets no option{hint(variable, known)}"


def default_map(settings: SettingsFile, command: str, options: Options) -> dict[str, Any]:
    """Click's defaults for a command: by parameter, the command's own settings before those for all commands.

    Raises ``UsageError`` with the line of a value that the option does not take.
    """
    named = options.get(command, {})
    common = [s for s in settings.settings if len(s.key) == 1 and s.key[0] in named]
    own = [s for s in settings.settings if s.key[0] == command and len(s.key) > 1]
    found = {}
    for setting in (*common, *own):
        option = named[setting.key[-1]]
        found[str(option.name)] = _value_for(option, setting, settings.folder)
    return found


def _table_of(path: Path, shown: str) -> Mapping[str, Any] | None:
    """The table that is ours, None where the file has none."""
    import tomllib  # few runs have such a file

    try:
        found: Any = tomllib.loads(_text_of(path, shown))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{shown}: is not TOML: {error}") from None
    for name in PROJECT_TABLE if path.name == PROJECT_FILE else ():
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else None


def _text_of(path: Path, shown: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"{shown}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{shown}: byte {error.start} is not UTF-8") from None


def _flat(table: Mapping[str, Any], options: Options) -> Iterator[tuple[KeyPath, Any]]:
    for name, value in table.items():
        if name in options and isinstance(value, dict):
            yield from (((name, inner), each) for inner, each in value.items())
        else:
            yield (name,), value


def _check_key(key: KeyPath, origin: str, options: Options) -> None:
    commands = [options[key[0]]] if len(key) > 1 else list(options.values())
    known = {name for named in commands for name in named}
    if key[-1] in known:
        return
    where = f"an option of {key[0]}" if len(key) > 1 else "an option or a command"
    if len(key) == 1 and key[0] in options:
        raise UsageError(f"{origin}: {key[0]}: found a value, expected a table: [{key[0]}]")
    meant = hint(key[-1], known if len(key) > 1 else known | options.keys())
    raise UsageError(f"{origin}: unknown key {key[-1]!r}, expected {where}{meant}")


def _value_for(option: click.Option, setting: Setting, folder: Path) -> Any:
    """The value as click wants it from a default: texts, lists for what may be repeated, flags as they are."""
    value = setting.value
    if option.multiple and not isinstance(value, list):
        value = [value]
    plain = value if isinstance(value, list) else [value]
    wanted = bool if option.is_flag else (str, int, float)
    fits = all(isinstance(each, wanted) and (option.is_flag or not isinstance(each, bool)) for each in plain)
    if not fits or (isinstance(value, list) and not option.multiple):
        kind = "true or false" if option.is_flag else "a list of texts" if option.multiple else "one text or number"
        raise UsageError(f"{setting.origin}: {setting.name}: found {setting.value!r}, expected {kind}")
    if option.is_flag:
        return value
    texts = [_from_folder(str(each), option, folder) for each in plain]
    _check_values(option, texts, setting)
    return texts if option.multiple else texts[0]


def _check_values(option: click.Option, texts: Iterable[str], setting: Setting) -> None:
    for text in texts:
        try:
            option.type.convert(text, option, None)
        except click.BadParameter as error:
            raise UsageError(f"{setting.origin}: {setting.name}: {error.message}") from None


def _from_folder(text: str, option: click.Option, folder: Path) -> str:
    """A path of the file as seen from here; a revision's and standard input stay as they are."""
    from analyzer.mesh.revision import is_revision

    if not isinstance(option.type, click.Path) or text == "-" or is_revision(text):
        return text
    return os.path.relpath(folder / text) if not os.path.isabs(text) else text
