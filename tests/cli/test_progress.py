"""Progress is for people who watch, and only for them."""

from __future__ import annotations

import io
import sys

import pytest

from analyzer.cli.progress import showing_progress


class Screen(io.StringIO):
    """A standard error that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def screen(monkeypatch):
    """A function that makes standard error a terminal, and gives what is shown there."""

    def become() -> Screen:
        shown = Screen()
        monkeypatch.setattr(sys, "stderr", shown)
        return shown

    return become


def test_a_pipe_sees_no_progress(capsys) -> None:
    with showing_progress(enabled=True) as progress:
        assert progress is None

    assert capsys.readouterr().err == ""


def test_nobody_sees_progress_who_does_not_want_it(screen) -> None:
    shown = screen()

    with showing_progress(enabled=False) as progress:
        assert progress is None

    assert shown.getvalue() == ""


def test_a_terminal_sees_what_is_worked_on(screen) -> None:
    shown = screen()

    with showing_progress(enabled=True) as progress:
        progress("shop_sleep-0.pcap", 0.5, 4_000_000)

    assert "shop_sleep-0.pcap" in shown.getvalue()


def test_a_name_cannot_speak_to_the_terminal(screen) -> None:
    shown = screen()

    with showing_progress(enabled=True) as progress:
        progress("a\x1b]0;owned\x07[red]b[/red].pcap", 0.5, 1_000)

    assert "\x1b]0;owned" not in shown.getvalue()
    assert "[red]b[/red].pcap" in shown.getvalue()


def test_a_terminal_sees_the_rate_and_the_time_left(screen) -> None:
    shown = screen()

    with showing_progress(enabled=True) as progress:
        for done in range(1, 4):
            progress("shop_sleep-0.pcap", done / 4, 4_000_000)

    assert "B/s" in shown.getvalue()
    assert shown.getvalue().count(":") >= 4
