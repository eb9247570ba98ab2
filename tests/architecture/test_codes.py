"""Codes are data: each has one name, one meaning, and a place in docs/codes.md."""

import importlib
import os
import pkgutil
import re
import string
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

import analyzer
from analyzer.base.oddity import Code


@pytest.fixture(scope="module")
def codes() -> dict[str, set[Code]]:
    """Every ``Code`` that a module of the package holds under a name in capitals, by its own name."""
    found = defaultdict(set)
    for info in pkgutil.walk_packages(analyzer.__path__, "analyzer."):
        if not info.name.endswith("__main__"):
            module = importlib.import_module(info.name)
            for value in vars(module).values():
                if isinstance(value, Code):
                    found[value.name].add(value)
    return dict(found)


def test_a_name_means_one_thing(codes: dict[str, set[Code]]) -> None:
    assert [name for name, meanings in codes.items() if len(meanings) > 1] == []


def test_names_are_kebab_case(codes: dict[str, set[Code]]) -> None:
    assert [name for name in codes if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name)] == []


def test_every_code_explains_itself(codes: dict[str, set[Code]]) -> None:
    silent = [code.name for meanings in codes.values() for code in meanings if not (code.summary and code.explanation)]

    assert silent == []


def test_a_summary_is_one_line_of_plain_fields(codes: dict[str, set[Code]]) -> None:
    """A field is a bare name, so that a value can never be walked into."""
    odd = [
        code.name
        for meanings in codes.values()
        for code in meanings
        for _, field, _, _ in string.Formatter().parse(code.summary)
        if "\n" in code.summary or (field is not None and not field.isidentifier())
    ]

    assert odd == []


def test_the_page_of_codes_is_what_the_program_writes(root: Path) -> None:
    """``UPDATE_GOLDEN=1 pytest tests/architecture`` writes the page again."""
    page = root / "docs" / "codes.md"
    command = [sys.executable, "-m", "analyzer", "codes", "-o", "markdown"]

    written = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    if os.environ.get("UPDATE_GOLDEN"):
        page.write_text(written, encoding="utf-8")

    assert page.read_text(encoding="utf-8") == written


def test_the_page_of_codes_names_them_all(codes: dict[str, set[Code]], root: Path) -> None:
    page = (root / "docs" / "codes.md").read_text(encoding="utf-8")

    assert [name for name in sorted(codes) if f"### `{name}`" not in page] == []
