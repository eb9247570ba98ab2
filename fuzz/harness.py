"""Feeds a target with inputs: by coverage with atheris where it is installed, else by mutations of the corpus."""

from __future__ import annotations

import argparse
import random
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
MAX_INPUT_LEN = 65_536

Target = Callable[[bytes], object]


def run_target(name: str) -> None:
    """Run one target as a program until it breaks, or its time is over.

    With atheris all arguments are libFuzzer's. Any exception of the target's ends the run, and tells the input.
    """
    try:
        import atheris
    except ImportError:
        from targets import TARGETS

        _run_plainly(name, TARGETS[name])
        return
    with atheris.instrument_imports(include=["analyzer"]):
        from targets import TARGETS
    corpus = HERE / "corpus" / name
    dictionary = HERE / "dictionaries" / f"{name}.dict"
    known = [f"-dict={dictionary}"] if dictionary.is_file() else []
    options = [*known, f"-max_len={MAX_INPUT_LEN}", *sys.argv[1:], str(corpus)]
    atheris.Setup([sys.argv[0], *options], TARGETS[name])
    atheris.Fuzz()


def _run_plainly(name: str, target: Target) -> None:
    parser = argparse.ArgumentParser(description=f"Fuzz {name} by mutation of its corpus.")
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    began = time.monotonic()
    for count, data in enumerate(inputs(name, options.runs, options.seed)):
        try:
            target(data)
        except Exception:
            broken = Path(f"crash-{name}-{options.seed}-{count}")
            broken.write_bytes(data)
            print(f"{name}: run {count} broke; its input is {broken}", file=sys.stderr)  # noqa: T201
            raise
    took = time.monotonic() - began
    print(f"{name}: {options.runs} runs in {took:.1f} s, {options.runs / took:.0f} a second")  # noqa: T201


def inputs(name: str, runs: int, seed: int) -> Iterator[bytes]:
    """The corpus of a target, then mutations of it, the same ones for the same seed."""
    chance = random.Random(seed)
    corpus = [path.read_bytes() for path in sorted((HERE / "corpus" / name).iterdir())]
    words = dictionary_of(name)
    yield from corpus[:runs]
    for _ in range(runs - len(corpus)):
        yield mutate(chance.choice(corpus), corpus, words, chance)


def dictionary_of(name: str) -> list[bytes]:
    """The words of a target's dictionary, in libFuzzer's notation; none where there is no such file."""
    path = HERE / "dictionaries" / f"{name}.dict"
    text = path.read_text() if path.is_file() else ""
    quoted = re.findall(r'^[^#"\n]*"((?:[^"\\]|\\.)*)"', text, re.MULTILINE)
    return [word.encode("latin-1").decode("unicode_escape").encode("latin-1") for word in quoted]


def mutate(data: bytes, corpus: Sequence[bytes], words: Sequence[bytes], chance: random.Random) -> bytes:
    """An input after one to eight small changes."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(changed) + 1)
        end = min(len(changed), at + chance.choice((1, 2, 4, 16, 64)))
        match chance.randrange(6):
            case 0:
                changed[at:end] = chance.randbytes(end - at)
            case 1:
                del changed[at:end]
            case 2:
                changed[at:at] = changed[at:end]
            case 3:
                changed[at:at] = chance.choice(words) if words else chance.randbytes(2)
            case 4:
                changed[at:end] = chance.choice((0, 1, 0x7F, 0xFF)).to_bytes() * (end - at)
            case _:
                other = chance.choice(corpus)
                changed[at:] = other[chance.randrange(len(other) + 1) :]
    return bytes(changed[:MAX_INPUT_LEN])
