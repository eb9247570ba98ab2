"""Ctrl-C while a run is on."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from analyzer.base.workers import run_in_workers
from analyzer.cli.interrupt import interruptible


def test_twice_it_is_counted_and_told(capsys) -> None:
    with interruptible() as asked:
        assert asked() == 0
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        assert asked() == 2

    assert capsys.readouterr().err == "meshverdict: interrupted: telling what is known so far\n" * 2


@pytest.mark.usefixtures("capsys")
def test_the_third_time_it_ends_everything() -> None:
    with pytest.raises(KeyboardInterrupt), interruptible():  # noqa: PT012
        for _ in range(3):
            signal.raise_signal(signal.SIGINT)


def test_afterwards_it_is_what_it_was() -> None:
    before = signal.getsignal(signal.SIGINT)

    with interruptible():
        assert signal.getsignal(signal.SIGINT) is not before

    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no forks")
def test_forks_are_told_what_this_process_hears_and_hear_nothing_themselves(capfd) -> None:
    def heard_in_a_fork() -> int:
        signal.raise_signal(signal.SIGINT)
        return asked()

    with interruptible() as asked:
        signal.raise_signal(signal.SIGINT)
        found = run_in_workers([lambda: 0, heard_in_a_fork])

    assert found == [0, 1]
    assert capfd.readouterr().err.count("interrupted") == 1


def test_in_another_thread_nothing_changes() -> None:
    heard = []

    def listen() -> None:
        with interruptible() as asked:
            heard.append(asked())

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()

    assert heard == [0]
