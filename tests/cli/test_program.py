"""The program as a whole: its commands, and what becomes of an error."""

from __future__ import annotations

import errno
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from analyzer.cli.program import COMMANDS, run

ROOT = Path(__file__).resolve().parents[2]


def test_help_names_every_command_and_the_exit_codes(cli) -> None:
    help_ = cli("--help")

    assert help_.code == 0
    assert all(name in help_.out for name in COMMANDS)
    assert "4 mesh input unusable" in " ".join(help_.out.split())


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help(cli, name) -> None:
    help_ = cli(name, "-h")

    assert (help_.code, help_.err) == (0, "")
    assert help_.out.startswith(f"Usage: meshverdict {name}")


def test_the_version_is_told(cli) -> None:
    version = cli("--version")

    assert version.code == 0
    assert version.out.startswith("meshverdict ")


@pytest.mark.parametrize("wrong", [("unheard-of",), ("--unheard-of",), ("analyze",), ("analyze", "x", "-o", "sgml")])
def test_a_wrong_command_line_is_a_matter_of_usage(cli, wrong) -> None:
    answer = cli(*wrong)

    assert (answer.code, answer.out) == (2, "")
    assert re.fullmatch(r"meshverdict.*: .* \(see meshverdict.* --help\)\n", answer.err)


def test_a_command_that_is_misspelled_is_told_with_the_one_that_may_be_meant(cli) -> None:
    assert cli("chekc").err == "meshverdict: no such command 'chekc'; is it 'check'? (see meshverdict --help)\n"


def test_a_wrong_value_of_the_environment_is_told_with_its_variable(cli, monkeypatch) -> None:
    monkeypatch.setenv("MESHVERDICT_CHECK_FAIL_UNDER", "all")

    answer = cli("check")

    assert answer.code == 2
    assert answer.err.startswith("meshverdict check: MESHVERDICT_CHECK_FAIL_UNDER: Invalid value for '--fail-under'")


def test_without_a_command_the_help_is_shown(cli) -> None:
    answer = cli()

    assert answer.code == 2
    assert "Commands:" in answer.err + answer.out


def test_an_error_of_ours_is_one_line(cli, tmp_path) -> None:
    answer = cli("analyze", tmp_path / "gone.pcap")

    assert (answer.code, answer.out) == (3, "")
    assert answer.err.count("\n") == 1
    assert answer.err.startswith("meshverdict: ")
    assert "gone.pcap: no such file" in answer.err


def test_a_name_with_control_characters_cannot_reach_the_terminal(cli, tmp_path) -> None:
    answer = cli("analyze", tmp_path / "a\x1b[31mred.pcap")

    assert answer.code == 3
    assert "\x1b" not in answer.err


def test_a_bug_of_ours_is_told_without_a_trace_of_the_input(capsys) -> None:
    code = run([["not", "a", "text"]])  # type: ignore[list-item]

    told = capsys.readouterr().err
    assert code == 70
    assert "a bug here" in told
    assert "not" not in told.partition("bug here")[2]


def test_an_interruption_leaves_quietly(cli, mesh, monkeypatch) -> None:
    class Interrupted:
        def read(self, _size):
            raise KeyboardInterrupt

    monkeypatch.setattr(sys, "stdin", type("Stdin", (), {"buffer": Interrupted()})())

    answer = cli("route", "--calls", "-", "-m", mesh)

    assert (answer.code, answer.out) == (130, "")
    assert "Traceback" not in answer.err


@pytest.mark.parametrize(
    "arguments", [["codes"], ["analyze", "pods/legacy_naked-0.any.pcap", "-o", "jsonl"], ["info", "pods"], ["--help"]]
)
def test_a_reader_that_goes_away_ends_it_quietly(shop, arguments) -> None:
    """As ``meshverdict ... | head -1``."""
    command = [sys.executable, "-m", "analyzer", *arguments]

    with subprocess.Popen(
        command, cwd=shop, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        told = process.stderr.read()

    assert (process.returncode, told) == (141, b"")


class Gone(io.StringIO):
    """A standard output whose reader has gone away; its descriptor is a file of no importance."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor

    def write(self, _text: str) -> int:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    def fileno(self) -> int:
        return self._descriptor


def test_what_the_interpreter_still_holds_for_a_reader_that_went_away_goes_nowhere(monkeypatch, tmp_path) -> None:
    path = tmp_path / "stdout"
    with path.open("wb") as file:
        monkeypatch.setattr(sys, "stdout", Gone(file.fileno()))

        assert run(["--help"]) == 141
        file.write(b"what was held back")

    assert path.read_bytes() == b""


def test_a_shell_is_given_its_script_of_completion(cli, monkeypatch) -> None:
    monkeypatch.setenv("_MESHVERDICT_COMPLETE", "zsh_source")

    answer = cli()

    assert answer.code == 0
    assert "compdef" in answer.out


def test_commands_are_completed(cli, monkeypatch) -> None:
    for name, value in (
        ("_MESHVERDICT_COMPLETE", "zsh_complete"),
        ("COMP_WORDS", "meshverdict ex"),
        ("COMP_CWORD", "1"),
    ):
        monkeypatch.setenv(name, value)

    answer = cli()

    assert answer.code == 0
    assert "explain" in answer.out
    assert "analyze" not in answer.out
