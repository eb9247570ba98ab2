"""The program: which commands there are, and what becomes of an error."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click
from click.core import ParameterSource

from analyzer.base.errors import AnalyzerError
from analyzer.base.escape import visible
from analyzer.base.spelling import hint
from analyzer.cli.config import OPTIONS, SETTINGS
from analyzer.cli.outcome import EXIT_INTERRUPTED
from analyzer.cli.settings import CONFIG_VARIABLE, default_map, find_file, options_of, read_file, with_variables

# The commands and their one-line help: a command's module, with the rooms that it needs, is imported when it is called.
COMMANDS = {
    "analyze": "Say of every call in captures where the mesh sent it and why.",
    "check": "Hold recorded calls against what a suite expects of them.",
    "codes": "Explain reasons, findings and oddities.",
    "config": "Show what files and the environment set, and where.",
    "coverage": "Say what of the mesh recorded calls never touch.",
    "diff": "Say what is different between two runs, by who calls what.",
    "explain": "Show the chain of reasons of one call.",
    "extract": "Write the packets of chosen calls as pcapng, with verdicts as comments.",
    "graph": "Draw who calls whom, coloured by verdict.",
    "info": "Show what captures are: format, vantage, health.",
    "journey": "Follow one request across captures and both sidecars.",
    "lint": "Say what in the mesh is surprising, without any traffic.",
    "mtls": "Show which connections between pods were mutual TLS.",
    "names": "Name what calls went to that no Service took.",
    "record": "Print the kubectl lines that record what answers a question.",
    "redact": "Write captures and YAML under pseudonyms, and prove verdicts unchanged.",
    "report": "Write a saved run once more, in any format.",
    "route": "Say where an invented call would go.",
    "timeline": "Tell what failed since when, and where the evidence has gaps.",
    "trim": "Cut captures to what their verdicts need, and prove these unchanged.",
    "whatif": "Say which recorded calls would end elsewhere with another mesh.",
}
EXIT_BUG = 70
EXIT_CLOSED_PIPE = 141


class _Commands(click.Group):
    """A group whose commands live in modules of their own, imported on demand."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"analyzer.cli.{cmd_name}")
        command: click.Command = module.command
        return command if isinstance(command, click.Group) else with_variables(command, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-") and not ctx.resilient_parsing:
            ctx.fail(f"no such command {args[0]!r}{hint(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name]) for name in sorted(COMMANDS)])


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 findings at --fail-on, 2 usage, 3 a capture could not be read to its end, "
    "4 mesh input unusable, 5 too little evidence, 6 a limit was hit, 70 a bug here, 130 interrupted, 141 closed pipe. "
    "Any option may also be set by MESHVERDICT_OPTION or in a file: meshverdict config -h. "
    "Completion: _MESHVERDICT_COMPLETE=bash_source meshverdict (or zsh_source, fish_source) prints the script.",
)
@click.version_option(package_name="meshverdict", message="%(prog)s %(version)s")
@click.option("--config", type=click.Path(), envvar=CONFIG_VARIABLE, metavar="FILE",
              help="A settings file, instead of the nearest meshverdict.toml or pyproject.toml.")  # fmt: skip
@click.pass_context
def program(context: click.Context, config: str | None) -> None:
    """Says of every call in a packet capture where the Istio mesh sent it and why.

    Begin with: meshverdict analyze CAPTURE... -m MESH
    """
    context.meta[OPTIONS] = partial(_all_options, context)
    context.meta[SETTINGS] = None
    name = context.invoked_subcommand or ""
    path = Path(config) if config else find_file(Path.cwd())
    if path is not None:
        options = _all_options(context)
        context.meta[SETTINGS] = found = read_file(path, options)
        context.default_map = {name: default_map(found, name, options)}


def _all_options(context: click.Context) -> dict[str, dict[str, click.Option]]:
    """The options of every command, which settings may name."""
    group = context.command
    commands = {name: group.get_command(context, name) for name in COMMANDS} if isinstance(group, click.Group) else {}
    return {name: options_of(each) for name, each in commands.items() if each and not isinstance(each, click.Group)}


def run(arguments: Sequence[str], kept: list[object] | None = None) -> int:
    """Run the command line; gives the exit code. Nothing but our own errors and bugs end it early.

    Into ``kept`` goes what is large and lives until the process ends.
    """
    stdout, stderr = sys.stdout, sys.stderr
    try:
        code = program.main(list(arguments), prog_name="meshverdict", standalone_mode=False, obj=kept)
        return int(code or 0)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.ClickException as error:
        click.echo(_told(error), err=True)
        return 2
    except (click.Abort, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    except AnalyzerError as error:
        click.echo(f"meshverdict: {visible(str(error))}", err=True)
        return error.exit_code
    except SystemExit as leaving:
        # click meets a closed pipe before we do: it replaces the streams and leaves. Completion leaves without that.
        if sys.stdout is stdout:
            return int(leaving.code or 0)
        sys.stdout, sys.stderr = stdout, stderr
        return _closed_pipe()
    except Exception as error:
        return _bug(error)


def _told(error: click.ClickException) -> str:
    """What click says is wrong in one line: the command first, then where a value that is wrong was set.

    A group without a command is told with its help, which is the message.
    """
    message = error.format_message()
    if message.startswith("Usage:"):
        return message
    message = visible(" ".join(message.split())).removesuffix(".")
    context = getattr(error, "ctx", None)
    if context is None:
        return f"meshverdict: {message}"
    parameter = getattr(error, "param", None)
    if parameter is not None and context.get_parameter_source(parameter.name) is ParameterSource.ENVIRONMENT:
        variable = next(each for each in parameter.envvar if os.environ.get(each))
        message = f"{variable}: {message}"
    return f"{context.command_path}: {message} (see {context.command_path} --help)"


def _closed_pipe() -> int:
    """Leave quietly: nobody reads on, and the interpreter must not complain about it while it exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return EXIT_CLOSED_PIPE


def _bug(error: Exception) -> int:
    """One line that says where it broke, without anything from the input."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}" if trace else "?"
    click.echo(f"meshverdict: a bug here, sorry: {type(error).__name__} at {where}; please report it", err=True)
    return EXIT_BUG
