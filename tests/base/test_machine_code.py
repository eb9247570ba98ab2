"""Kernels that stand alone: made once, then run without numba."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analyzer.base.kernel import run_kernel
from analyzer.base.machine_code import KNOWN, CodeFile, count_parts, kinds_of

only_where_known = pytest.mark.skipif(not KNOWN, reason="numba runs kernels itself on this system")

KERNEL = """
import sys
import numpy as np
from analyzer.base.kernel import run_kernel

STEP = 3

def add_up(columns, table, sums, start):
    total = start
    small, large = columns
    for i in range(len(small)):
        total += small[i] * STEP + (large[i] & 0xFFFF) + table[1, i]
        sums[i] = total
    return total
"""
RUN = """
columns = np.arange(4, dtype=np.uint8), np.arange(4) << 20 | 5
sums = np.zeros(4, np.int64)
found = run_kernel(add_up, 0, columns, np.arange(8).reshape(2, 4) * 2, sums, 100, compile_rows=0)
print(found, sums.tolist(), "numba" in sys.modules)
"""
SUMS = "182 [113, 131, 154, 182]"


@pytest.fixture
def run(tmp_path: Path):
    """Runs a program with a kernel, all in one folder, and gives what it says."""

    def run_program(run: str = RUN, *, kernel: str = KERNEL) -> str:
        (tmp_path / "adding.py").write_text(kernel)
        (tmp_path / "program.py").write_text("from adding import *\n" + run)
        # Bytecode that Python keeps is told from its source by seconds and size, which a test may not change.
        command = [sys.executable, "-B", str(tmp_path / "program.py")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stdout.strip() or done.stderr

    return run_program


@only_where_known
def test_what_numba_made_is_run_without_it_from_then_on(run) -> None:
    assert [run(), run()] == [f"{SUMS} True", f"{SUMS} False"]


@only_where_known
def test_a_constant_that_changes_makes_a_kernel_anew(run) -> None:
    run()

    assert run(kernel=KERNEL.replace("STEP = 3", "STEP = 4")) == "188 [113, 132, 157, 188] True"


@only_where_known
def test_arguments_of_other_types_have_a_kernel_of_their_own(run) -> None:
    run()

    assert run(RUN.replace("np.uint8", "np.uint16")) == f"{SUMS} True"


@only_where_known
def test_code_that_was_damaged_is_made_anew(run, tmp_path: Path) -> None:
    run()
    (path,) = (tmp_path / "__pycache__").glob("*.code")
    path.write_bytes(path.read_bytes()[:-1] + b"?")

    assert [run(), run()] == [f"{SUMS} True", f"{SUMS} False"]


@only_where_known
def test_where_nothing_can_be_kept_numba_runs_the_kernel(run, tmp_path: Path) -> None:
    (tmp_path / "__pycache__").write_text("no folder")

    assert run() == f"{SUMS} True"


@only_where_known
def test_a_kernel_that_needs_memory_of_numba_is_run_by_it(run) -> None:
    kernel = KERNEL.replace("total = start", "total = start\n    own = np.zeros(len(sums), np.int64)")
    kernel = kernel.replace("total += ", "own[i] = i\n        total += own[-1] - len(own) + 1 + ")

    assert [run(kernel=kernel), run(kernel=kernel)] == ["173 [110, 125, 145, 173] True"] * 2


@only_where_known
def test_a_kernel_with_a_part_that_numba_makes_by_itself_is_kept_whole(run) -> None:
    kernel = KERNEL.replace("return total", "return sums[len(sums) - 1 :].sum()")

    assert [run(kernel=kernel), run(kernel=kernel)] == [f"{SUMS} True", f"{SUMS} False"]


SHARING = KERNEL.replace("def add_up", "def step(value):\n    return value * STEP\n\n\ndef add_up").replace(
    "small[i] * STEP", "step(small[i])"
)


@only_where_known
def test_a_kernel_that_calls_a_function_is_kept_whole(run) -> None:
    assert [run(kernel=SHARING), run(kernel=SHARING)] == [f"{SUMS} True", f"{SUMS} False"]


@only_where_known
@pytest.mark.parametrize("change", [("STEP = 3", "STEP = 4"), ("value * STEP", "value * 4")])
def test_a_function_that_changes_makes_a_kernel_that_calls_it_anew(run, change: tuple[str, str]) -> None:
    run(kernel=SHARING)

    assert run(kernel=SHARING.replace(*change)) == "188 [113, 132, 157, 188] True"


@only_where_known
def test_where_nothing_can_be_kept_numba_runs_a_kernel_that_calls_a_function(run, tmp_path: Path) -> None:
    (tmp_path / "__pycache__").write_text("no folder")

    assert run(kernel=SHARING) == f"{SUMS} True"


PLAIN = f"{SUMS} False"
FEWER_ROWS = (
    RUN.replace("add_up, 0", "add_up, ROWS").replace("compile_rows=0", "compile_rows=KEPT_PAYS * 100")
    + """
import gc
from analyzer.base.object_code import ObjectCode
print(any(isinstance(each, ObjectCode) for each in gc.get_objects()), "llvmlite" in sys.modules)
"""
)
IMPORTED = KERNEL.replace("import run_kernel", "import KEPT_PAYS, run_kernel")


@only_where_known
@pytest.mark.parametrize(("rows", "read"), [(99, False), (100, True)])
def test_code_that_is_kept_pays_for_fewer_rows_than_a_compile(run, rows: int, read: bool) -> None:
    program = FEWER_ROWS.replace("ROWS", str(rows), 1)

    before, _, after = run(program, kernel=IMPORTED), run(kernel=IMPORTED), run(program, kernel=IMPORTED)

    assert [before, after] == [f"{PLAIN}\nFalse False", f"{PLAIN}\n{read} False"]


@only_where_known
def test_code_of_a_kernel_that_has_changed_is_not_looked_at(run) -> None:
    run(kernel=IMPORTED)

    found = run(FEWER_ROWS.replace("ROWS", "100", 1), kernel=IMPORTED.replace("STEP = 3", "STEP = 4"))

    assert found == "188 [113, 132, 157, 188] False\nFalse False"


@only_where_known
def test_code_for_other_arguments_is_none(run) -> None:
    run(kernel=IMPORTED)

    found = run(FEWER_ROWS.replace("ROWS", "100", 1).replace("np.uint8", "np.uint16"), kernel=IMPORTED)

    assert found == f"{PLAIN}\nFalse False"


@only_where_known
def test_a_kernel_that_raises_is_an_error(run) -> None:
    kernel = KERNEL.replace("        sums[i] = total", "        sums[i] = total // (i - 3)")

    assert "RuntimeError: kernel raised an exception" in run(kernel=kernel)


def every_second(values, start):  # type: ignore[no-untyped-def]
    return values[1] + start


def test_arrays_that_are_not_laid_out_in_one_piece_are_read_right() -> None:
    assert run_kernel(every_second, 0, np.arange(10)[::2], 100, compile_rows=0) == 102


def test_kinds_are_those_of_elements_and_dimensions() -> None:
    arguments = np.zeros(1, np.uint8), (np.zeros((2, 3), np.int64), np.zeros(0, np.uint16)), 5

    kinds = kinds_of(arguments)

    assert kinds == (("|u1", 1), ("", (("<i8", 2), ("<u2", 1))), None)
    assert count_parts(kinds) == 7 + (9 + 7) + 1


@pytest.mark.parametrize("argument", [np.arange(4)[::2], np.zeros(2, ">u4"), 1.5, (1, "text")])
def test_arguments_of_no_kind_are_known(argument) -> None:
    assert kinds_of((argument,)) is None


def test_a_function_that_came_from_no_file_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    known: dict[str, Any] = {}
    exec("def one(): return 1", known)

    assert (CodeFile(known["one"], ()).write(b"code"), list(tmp_path.iterdir())) == (False, [])


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path: Path) -> None:
    file = CodeFile(every_second, (("<i8", 1), None))
    file.path = tmp_path / "a file" / "x.code"
    (tmp_path / "a file").write_text("")

    assert (file.write(b"code"), file.read()) == (False, None)
