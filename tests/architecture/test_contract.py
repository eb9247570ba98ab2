"""The import contract of pyproject.toml holds, and notices when it does not."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter over the package in ``folder``, which ``python -c`` puts first on the path."""
    command = [sys.executable, "-c", LINT, "--config", "pyproject.toml", "--no-cache", "--no-logo"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def copied(root: Path, tmp_path: Path) -> Path:
    """A copy of the package and its contract, free to be broken."""
    shutil.copytree(root / "analyzer", tmp_path / "analyzer", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "pyproject.toml", tmp_path)
    return tmp_path


def test_imports_look_one_way_through_the_rooms(root: Path) -> None:
    done = lint_imports(root)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("module", "planted"),
    [
        ("base/place.py", "import analyzer.capture"),
        ("base/place.py", "from analyzer.cli import main"),
        ("protocol/facts.py", "import analyzer.mesh"),
        ("protocol/facts.py", "from analyzer.flow.connection import Connection"),
        ("mesh/__init__.py", "import analyzer.flow.connection"),
        ("mesh/__init__.py", "import analyzer.capture"),
        ("capture/__init__.py", "import analyzer.flow.connection"),
        ("flow/connection.py", "import analyzer.verdict.decision"),
        ("verdict/decision.py", "import analyzer.report"),
        ("report/__init__.py", "import analyzer.cli"),
    ],
)
def test_a_planted_violation_breaks_the_contract(copied: Path, module: str, planted: str) -> None:
    path = copied / "analyzer" / module
    path.write_text(f"{path.read_text(encoding='utf-8')}\n{planted}\n", encoding="utf-8")

    done = lint_imports(copied)

    assert done.returncode == 1
    assert "BROKEN" in done.stdout


def test_the_copy_without_a_violation_keeps_the_contract(copied: Path) -> None:
    assert lint_imports(copied).returncode == 0
