"""The kernels of a large run are told before it begins."""

from __future__ import annotations

import inspect
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import analyzer
from analyzer.base.kernel import run_kernel
from analyzer.base.machine_code import KNOWN, kinds_of
from analyzer.known_kernels import KERNELS
from analyzer.known_kernels import Known as KnownKernel
from made.lo_busy import busy
from made.lo_runs import apart, lines_of, read_bytes

NAMES = [f"{each.module}.{each.name}" for each in KERNELS]
SERVERS = [
    ("10.8.0.1:80", "http", "web"), ("10.8.0.1:443", "tls", "web.shop"), ("10.8.0.3:6379", "tcp", ""),
]  # fmt: skip

only_where_known = pytest.mark.skipif(not KNOWN, reason="numba runs kernels itself on this system")


@pytest.mark.parametrize("known", KERNELS, ids=NAMES)
def test_a_known_kernel_takes_as_many_arguments_as_are_told(known: KnownKernel) -> None:
    kernel = getattr(import_module(f"analyzer.{known.module}"), known.name)

    assert len(inspect.signature(kernel).parameters) == len(known.kinds)


@pytest.fixture
def called():
    """Every kernel that is called, with the kinds of its arguments."""
    found = set()

    def note(frame, event, _) -> None:
        if event == "call" and frame.f_code is run_kernel.__code__:
            function, arguments = frame.f_locals["function"], frame.f_locals["arguments"]
            found.add((function.__module__.removeprefix("analyzer."), function.__name__, kinds_of(arguments)))

    sys.setprofile(note)
    yield found
    sys.setprofile(None)


def test_a_run_in_lots_calls_its_kernels_as_they_are_told(called, town) -> None:
    town.pod("shop/a-0", "10.9.0.1").pod("shop/web-0").service("shop/web", "10.8.0.1")

    lines_of(apart(read_bytes(busy(["10.9.0.1"], SERVERS, seed=1).data), town.mesh(), lot=1000))

    assert {name for _, name, _ in called} >= {"follow_tuples", "walk_heads", "walk_hellos", "fill_lines", "tell_apart"}
    assert called <= {tuple(each) for each in KERNELS}


@pytest.fixture
def run(tmp_path: Path):
    """Runs a program by a copy of the package in which no kernel was made, and gives what it says."""
    own = Path(analyzer.__file__).parent
    shutil.copytree(own, tmp_path / "analyzer", ignore=shutil.ignore_patterns("__pycache__"))

    def run_program(program: str) -> list[str]:
        command = [sys.executable, "-B", "-c", f"from analyzer.known_kernels import *\n{program}"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert not done.stderr
        return done.stdout.split()

    return run_program


MISSING = "print(*[each.name for each in missing_kernels()])"
SMALL = "gather_acknowledgements", "find_waiting"


@only_where_known
def test_kernels_that_are_made_are_missing_no_more_and_run_without_numba(run) -> None:
    before = run(MISSING)
    run(f"make_kernels([each for each in missing_kernels() if each.name in {SMALL}], 2)")
    after = run(MISSING)
    used = run(
        "import sys, numpy as np\n"
        "from analyzer.flow.delivery import find_waiting\n"
        "from analyzer.base.kernel import run_kernel\n"
        "columns = np.zeros(2, np.int64), np.ones(2, np.int64)\n"
        "bounds, ends, waits = np.array([0, 2]), np.zeros(2, np.int64), np.zeros(2, np.uint8)\n"
        "run_kernel(find_waiting, 1, columns, bounds, ends, waits, compile_rows=0)\n"
        "print('numba' in sys.modules)"
    )

    assert before == [each.name for each in KERNELS]
    assert after == [name for name in before if name not in SMALL]
    assert used == ["False"]


@only_where_known
def test_where_no_code_can_be_kept_none_is_missing(run, tmp_path: Path) -> None:
    for folder in {tmp_path.joinpath("analyzer", *each.module.split(".")[:-1]) for each in KERNELS}:
        (folder / "__pycache__").write_text("no folder")

    assert run(MISSING) == []
