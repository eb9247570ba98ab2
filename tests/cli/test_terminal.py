"""What text may assume of the terminal: its width, and whether it wants colours."""

from __future__ import annotations

import os
import sys

import pytest

from analyzer.cli.terminal import PIPED_WIDTH, colour, width


class Terminal:
    """A standard output that says it is a terminal."""

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        raise OSError


@pytest.fixture
def terminal(monkeypatch):
    """A function that makes standard output a terminal, in an environment of these names only."""

    def become(*, stdout=None, **environment):
        for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "stdout", stdout or Terminal())
        monkeypatch.setattr(sys, "__stdout__", stdout or Terminal())

    return become


def test_text_in_a_pipe_has_a_fixed_width(monkeypatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)

    assert width(None) == PIPED_WIDTH


def test_a_pipe_may_be_told_its_width(monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "72")

    assert width(None) == 72


def test_a_file_has_a_fixed_width_whatever_the_terminal_is(terminal) -> None:
    terminal(COLUMNS="72")

    assert width("report.txt") == PIPED_WIDTH


def test_a_terminal_is_filled(terminal, monkeypatch) -> None:
    monkeypatch.setattr(os, "get_terminal_size", lambda *_: os.terminal_size((132, 50)))
    terminal(stdout=type("Screen", (Terminal,), {"fileno": lambda _: 1})())

    assert width(None) == 132


def test_a_terminal_that_does_not_say_its_width_has_the_usual_one(terminal) -> None:
    terminal()

    assert width(None) == PIPED_WIDTH


@pytest.mark.parametrize("environment", [{}, {"NO_COLOR": "1"}, {"FORCE_COLOR": "1"}])
@pytest.mark.parametrize(("choice", "coloured"), [("always", True), ("never", False)])
def test_the_option_has_the_last_word(terminal, environment, choice, coloured) -> None:
    terminal(**environment)

    assert colour(choice, None) is coloured


@pytest.mark.parametrize(
    ("environment", "out", "coloured"),
    [
        ({}, None, True),
        ({}, "report.txt", False),
        ({"NO_COLOR": "1"}, None, False),
        ({"NO_COLOR": ""}, None, True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, None, False),
        ({"FORCE_COLOR": "1"}, "report.txt", True),
    ],
)
def test_by_itself_the_terminal_decides_unless_the_environment_does(terminal, environment, out, coloured) -> None:
    terminal(**environment)

    assert colour("auto", out) is coloured


def test_a_pipe_wants_no_colours(monkeypatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)

    assert colour("auto", None) is False
