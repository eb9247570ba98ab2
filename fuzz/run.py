"""Runs targets one after the other by coverage, each for a time, and says how that went: python fuzz/run.py --help."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
NAMES = tuple(sorted(path.stem.removeprefix("fuzz_") for path in HERE.glob("fuzz_*.py")))
# Atheris keeps a part of what NumPy compares under its eyes, so that a process grows by some 50 KB a run of `link`.
RUNS_A_PROCESS = 20_000
_EXECUTED = re.compile(r"^stat::number_of_executed_units: +(\d+)", re.MULTILINE)
_WRITTEN = re.compile(r"Test unit written to (\S+)")


class Outcome(NamedTuple):
    """How a target went: its runs, the seconds they took, and the inputs that broke it."""

    name: str
    runs: int
    seconds: float
    crashes: tuple[str, ...]

    def __str__(self) -> str:
        rate = self.runs / max(self.seconds, 1e-9)
        return f"{self.name:10} {self.runs:>10,} runs {rate:>8,.0f} a second {len(self.crashes):>4} crashes"


def main(arguments: Sequence[str]) -> int:
    """Run what is asked; 1 where an input broke a target."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(NAMES)}; without: all")
    parser.add_argument("--seconds", type=int, default=60, help="for each target (default: 60)")
    parser.add_argument("--found", type=Path, default=Path("found"), help="folder of what it learns and of crashes")
    options = parser.parse_args(arguments)
    unknown = sorted({*options.targets} - {*NAMES})
    if unknown:
        parser.error(f"no such target: {', '.join(unknown)}")
    broken = False
    for name in options.targets or NAMES:
        outcome = fuzz(name, seconds=options.seconds, found=options.found)
        print(outcome, *outcome.crashes, sep="\n  ", flush=True)  # noqa: T201
        broken = broken or bool(outcome.crashes)
    return int(broken)


def fuzz(name: str, *, seconds: int, found: Path) -> Outcome:
    """Run one target in processes of ``RUNS_A_PROCESS`` until ``seconds`` are over, also past crashes."""
    learnt = found / name
    learnt.mkdir(parents=True, exist_ok=True)
    began, runs, crashes = time.monotonic(), 0, []
    while (left := began + seconds - time.monotonic()) > 0.5:
        limits = [f"-max_total_time={max(1, round(left))}", f"-runs={RUNS_A_PROCESS}", "-print_final_stats=1"]
        command = [sys.executable, str(HERE / f"fuzz_{name}.py"), str(learnt), f"-artifact_prefix={found}/{name}-"]
        done = subprocess.run([*command, *limits], capture_output=True, text=True, errors="replace", check=False)
        executed = _EXECUTED.search(done.stderr)
        if executed is None:
            sys.exit(f"{name}: did not run; is atheris installed?\n{done.stderr[-2000:]}")
        runs += int(executed[1])
        crashes += _WRITTEN.findall(done.stderr)
    return Outcome(name, runs, time.monotonic() - began, tuple(crashes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
