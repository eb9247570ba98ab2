import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.base.kernel import COMPILE_ROWS, run_kernel


def running_sum(values, sums, start):  # type: ignore[no-untyped-def]
    """A sample kernel: prefix sums with an early wrap, so that it has a loop, a branch and state."""
    total = start
    wraps = 0
    for i in range(len(values)):
        total += values[i]
        if total > 1000:
            total -= 1000
            wraps += 1
        sums[i] = total
    return wraps


def run(values: list[int], *, compile_rows: int) -> tuple[int, bytes]:
    column = np.array(values, dtype=np.int64)
    sums = np.zeros(len(values), dtype=np.int64)
    wraps = run_kernel(running_sum, len(values), column, sums, 7, compile_rows=compile_rows)
    return wraps, sums.tobytes()


@given(values=st.lists(st.integers(-500, 900), max_size=50))
@settings(max_examples=100, deadline=None)
def test_the_compiled_kernel_leaves_the_same_bytes_as_the_plain_one(values: list[int]) -> None:
    assert run(values, compile_rows=0) == run(values, compile_rows=len(values) + 1)


def test_a_plain_kernel_sees_python_integers() -> None:
    seen = []

    def first(values: memoryview) -> int:
        seen.append(type(values[0]))
        return 0

    run_kernel(first, 1, np.array([255], dtype=np.uint8))

    assert seen == [int]


def test_a_plain_kernel_writes_into_the_arrays_it_was_given() -> None:
    wraps, sums = run([1, 2, 3], compile_rows=COMPILE_ROWS)

    assert (wraps, np.frombuffer(sums, dtype=np.int64).tolist()) == (0, [8, 10, 13])


@pytest.mark.parametrize(("rows", "compiled"), [(COMPILE_ROWS - 1, False), (COMPILE_ROWS, True)])
def test_numba_is_imported_only_when_the_rows_make_it_pay(tmp_path: Path, rows: int, compiled: bool) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import sys\n"
        "from analyzer.base.kernel import run_kernel\n"
        "def nothing(rows):\n"
        "    return rows\n"
        f"run_kernel(nothing, {rows}, {rows})\n"
        "print('numba' in sys.modules)\n"
    )

    done = subprocess.run([sys.executable, program], capture_output=True, text=True, check=False)

    assert done.stdout.strip() == str(compiled), done.stderr


@pytest.mark.parametrize(("rows", "compiled"), [(1_000, False), (COMPILE_ROWS - 1, True)])
def test_fewer_rows_pay_where_a_kernel_was_compiled_before(tmp_path: Path, rows: int, compiled: bool) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import numpy as np\n"
        "from analyzer.base.kernel import COMPILE_ROWS, run_kernel\n"
        "def transposed_len(values):\n"
        "    return len(values.T)\n"
        "def nothing(rows):\n"
        "    return rows\n"
        "run_kernel(nothing, COMPILE_ROWS, 0)\n"
        "try:\n"
        f"    print(run_kernel(transposed_len, {rows}, np.zeros(1, np.int64)) == 1)\n"
        "except AttributeError:\n"
        "    print(False)\n"
    )

    done = subprocess.run([sys.executable, program], capture_output=True, text=True, check=False)

    # A plain kernel is given memoryviews, which have no transpose.
    assert done.stdout.strip() == str(compiled), done.stderr
