"""Mapped files that become shorter while they are read. Whoever is killed by that is a process of its own."""

from __future__ import annotations

import mmap
import subprocess
import sys
from pathlib import Path

import pytest

from analyzer.base.shrinking import has_shrunk, survive_shrinking

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux is known that well")

ROOT = Path(__file__).resolve().parents[2]
LEN = 1 << 20
READ_AFTER_CUT = """
import faulthandler, mmap, os, sys
import numpy as np
from analyzer.base.shrinking import has_shrunk, survive_shrinking

path = sys.argv[1]
file = open(path, "rb")
mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
if sys.argv[2] == "guarded again":
    # As a test runner does that was run inside of another one.
    faulthandler.enable()
    survive_shrinking(mapped)
    faulthandler.disable()
if sys.argv[2].startswith("guarded"):
    survive_shrinking(mapped)
view = memoryview(mapped)
assert not has_shrunk(view)
os.truncate(path, 5000)
print(bytes(view[4990:5010]).hex(), np.frombuffer(view, np.uint8).sum(), bytes(view[-3:]).hex(), has_shrunk(view))
"""


@pytest.fixture
def path(tmp_path) -> Path:
    file = tmp_path / "a.pcap"
    file.write_bytes(b"\x01" * LEN)
    return file


def read_after_cut(path: Path, how: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", READ_AFTER_CUT, str(path), how]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("how", ["guarded", "guarded again"])
def test_what_a_file_has_lost_is_zeros(path, how) -> None:
    done = read_after_cut(path, how)

    assert done.stdout.split() == ["01" * 10 + "00" * 10, "5000", "000000", "True"], done.stderr


def test_without_the_guard_the_system_ends_it(path) -> None:
    assert read_after_cut(path, "unguarded").returncode < 0


def test_a_bus_error_elsewhere_is_fatal_as_ever(path, tmp_path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"\x01" * LEN)
    program = (
        "import mmap, os, sys\n"
        "from analyzer.base.shrinking import survive_shrinking\n"
        "files = [open(p, 'rb') for p in sys.argv[1:]]\n"
        "a, b = (mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) for file in files)\n"
        "survive_shrinking(a)\n"
        "os.truncate(sys.argv[2], 0)\n"
        "b[5]\n"
    )

    done = subprocess.run([sys.executable, "-c", program, str(path), str(other)], cwd=ROOT, check=False)

    assert done.returncode < 0


def test_a_file_that_grows_has_not_shrunk(path) -> None:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        survive_shrinking(mapped)
        path.open("ab").close()

        with memoryview(mapped) as view:
            assert not has_shrunk(view)


def test_what_is_not_mapped_cannot_shrink() -> None:
    assert not has_shrunk(memoryview(b"abc"))
