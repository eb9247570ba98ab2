"""A small job feels instant: nothing heavy is imported for it, and no class compiled that need not be."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

# They hide, derive or keep something, refer back, or are a page of the documentation. Others are facts.
FROZEN_DATACLASSES = {"Capture", "Traffic", "HttpRequest", "Resource", "MeshSnapshot", "Run", "_End"}
HEAVY = {"pandas", "scapy", "numba", "llvmlite", "pyarrow", "cryptography", "dpkt", "jinja2", "dask", "distributed"}


def imported_by(*arguments: str, cwd: Path) -> set[str]:
    """The first names of every module that a run of the interpreter imports, as it reports them itself."""
    command = [sys.executable, "-X", "importtime", *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return set(re.findall(r"^import time:[ \d|]+\|\s+(\w+)", done.stderr, flags=re.MULTILINE))


def test_the_command_line_imports_nothing_heavy(root: Path) -> None:
    imported = imported_by("-c", "import analyzer.cli", cwd=root)

    assert "analyzer" in imported
    assert imported & HEAVY == set()


def test_the_help_imports_nothing_heavy(root: Path) -> None:
    imported = imported_by("-m", "analyzer", "--help", cwd=root)

    assert imported & (HEAVY | {"numpy"}) == set()


def test_a_small_capture_imports_nothing_heavy(root: Path) -> None:
    shop = "captures/shop-default"
    capture = f"{shop}/pods/shop_sleep-0.any.pcap"

    imported = imported_by("-m", "analyzer", "analyze", capture, "-m", f"{shop}/mesh", "-o", "jsonl", cwd=root)

    assert "numpy" in imported
    assert imported & HEAVY == set()


def test_a_small_capture_needs_no_masked_arrays(root: Path) -> None:
    """NumPy imports them for some of its functions on sets, which takes as long as all else does with some packets."""
    shop = "captures/shop-default"
    arguments = ["analyze", f"{shop}/pods/shop_sleep-0.any.pcap", "-m", f"{shop}/mesh", "-o", "jsonl"]
    program = f"import sys; from analyzer.cli.program import run; run({arguments}); print('numpy.ma' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)

    assert done.stdout.endswith("False\n")


def test_a_question_without_a_capture_needs_no_arrays_of_packets(root: Path) -> None:
    """``route`` answers from YAML: what reads captures stays outside."""
    program = (
        "import json, sys\n"
        "import analyzer.mesh\n"
        "import analyzer.verdict.question\n"
        "print(json.dumps(sorted(name for name in sys.modules if name.startswith('analyzer.capture'))))\n"
    )

    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)

    assert json.loads(done.stdout) == []


def test_values_are_facts_unless_they_need_a_dataclass(sources) -> None:
    """Making the class of a dataclass takes forty times as long: its methods are compiled each time it is imported."""
    classes = [node for source in sources for node in ast.walk(source.tree) if isinstance(node, ast.ClassDef)]

    frozen = {each.name for each in classes for how in each.decorator_list if "frozen=True" in ast.unparse(how)}

    assert frozen == FROZEN_DATACLASSES
