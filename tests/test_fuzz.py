"""Every fuzz target holds on its corpus and on mutations of it, and what is fed is the same for a seed."""

from __future__ import annotations

import importlib.util
import random
import sys
from pathlib import Path

import pytest

from analyzer.base.pseudonym import Pseudonyms
from analyzer.base.stream import Stream
from analyzer.base.vocabulary import VOCABULARY
from analyzer.protocol.conversation import parse_conversation
from analyzer.protocol.scrub import scrub_conversation

FUZZ = Path(__file__).resolve().parents[1] / "fuzz"
NAMES = ("container", "http1", "http2", "link", "route", "tls", "yaml")
RUNS = 150


@pytest.fixture(scope="module")
def fuzz():
    """The modules of the folder, which is no package."""
    sys.path.insert(0, str(FUZZ))
    try:
        import harness
        import targets
    finally:
        sys.path.remove(str(FUZZ))
    return harness, targets


@pytest.fixture(scope="module")
def runner():
    """The program that runs targets one after the other."""
    spec = importlib.util.spec_from_file_location("fuzz_runner", FUZZ / "run.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", NAMES)
def test_a_target_holds(fuzz, name) -> None:
    harness, targets = fuzz

    for data in harness.inputs(name, RUNS, seed=1):
        targets.TARGETS[name](data)


@pytest.mark.parametrize("name", ["http1", "http2", "tls"])
def test_what_is_redacted_stays_as_long(fuzz, name) -> None:
    harness, targets = fuzz
    names = Pseudonyms(b"k" * 32, VOCABULARY)

    for data in harness.inputs(name, RUNS, seed=2):
        asked, _, answered = data.partition(targets.TURN)
        client, server = Stream.of(asked), Stream.of(answered)
        new = scrub_conversation(parse_conversation(client, server), client, server, names)
        assert (len(new[0]), len(new[1])) == (len(asked), len(answered))


def test_every_target_has_a_program_a_corpus_and_a_dictionary(fuzz) -> None:
    _, targets = fuzz

    assert sorted(targets.TARGETS) == sorted(NAMES)
    assert sorted(path.stem.removeprefix("fuzz_") for path in FUZZ.glob("fuzz_*.py")) == sorted(NAMES)
    assert sorted(path.name for path in (FUZZ / "corpus").iterdir()) == sorted(NAMES)
    assert sorted(path.stem for path in (FUZZ / "dictionaries").iterdir()) == sorted(NAMES)


def test_the_same_seed_gives_the_same_inputs(fuzz) -> None:
    harness, _ = fuzz

    assert list(harness.inputs("tls", 40, seed=3)) == list(harness.inputs("tls", 40, seed=3))
    assert list(harness.inputs("tls", 40, seed=3)) != list(harness.inputs("tls", 40, seed=4))


def test_the_words_of_a_dictionary_are_bytes(fuzz) -> None:
    harness, targets = fuzz

    assert targets.TURN in harness.dictionary_of("http1")
    assert b"Content-Length: " in harness.dictionary_of("http1")


def test_mutations_stay_within_the_largest_input(fuzz) -> None:
    harness, _ = fuzz

    assert len(harness.mutate(bytes(70_000), [b"x"], [], random.Random(1))) <= harness.MAX_INPUT_LEN


def test_what_breaks_a_target_is_kept_and_told(fuzz, tmp_path, monkeypatch, capsys) -> None:
    harness, _ = fuzz
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["fuzz_tls.py", "--runs", "3"])

    with pytest.raises(ZeroDivisionError):
        harness._run_plainly("tls", lambda data: 1 // (len(data) * 0))

    assert [path.name for path in tmp_path.iterdir()] == ["crash-tls-0-0"]
    assert "run 0 broke" in capsys.readouterr().err


def test_the_runner_knows_every_target_and_no_other(runner, capsys) -> None:
    with pytest.raises(SystemExit):
        runner.main(["tls", "sctp"])

    assert runner.NAMES == NAMES
    assert "no such target: sctp" in capsys.readouterr().err


def test_the_runner_says_how_a_target_went(runner) -> None:
    outcome = runner.Outcome("tls", 90_000, 60.0, ("found/tls-crash-1",))

    assert str(outcome).split() == ["tls", "90,000", "runs", "1,500", "a", "second", "1", "crashes"]


@pytest.mark.skipif(importlib.util.find_spec("atheris") is not None, reason="atheris is installed")
def test_the_runner_says_when_atheris_is_missing(runner, tmp_path) -> None:
    with pytest.raises(SystemExit, match="tls: did not run; is atheris installed"):
        runner.fuzz("tls", seconds=1, found=tmp_path)
