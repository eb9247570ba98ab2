"""docs/not-modelled.md is true: what it names exists, and what it calls left out is left out."""

import re
from pathlib import Path

import pytest

from analyzer.mesh.dump.proxy_dump import DUMP_UNUSED
from analyzer.mesh.extension.patches import HARMLESS_FIELDS, HARMLESS_FILTERS
from analyzer.mesh.kinds import KINDS
from analyzer.verdict.codes import CODES
from analyzer.verdict.findings import FINDING_CODES

READ = {kind for _, kind in KINDS}
KIND = r"`([A-Z][A-Za-z]+)`"


@pytest.fixture
def page(root: Path) -> dict[str, str]:
    """The sections of the page by their headings."""
    text = (root / "docs" / "not-modelled.md").read_text(encoding="utf-8")
    return {section.partition("\n")[0]: section for section in text.split("\n## ")[1:]}


def column(section: str, number: int) -> str:
    """One column of a section's table, without its head."""
    rows = [line.split("|") for line in section.splitlines() if line.startswith("|")]
    return "\n".join(row[number] for row in rows[2:])


def codes_in(text: str) -> set[str]:
    return set(re.findall(r"`([a-z]+(?:-[a-z]+)*)`", text))


def test_every_code_of_the_table_exists(page: dict[str, str]) -> None:
    named = codes_in(column(page["Null where it could change the verdict"], 2))

    assert {"envoy-filter", "wasm-plugin", "ambient"} <= named
    assert named - CODES.keys() == set()


@pytest.mark.parametrize("heading", ["With a configuration dump", "Outside any input"])
def test_every_other_code_on_the_page_exists(page: dict[str, str], heading: str) -> None:
    known = CODES.keys() | {code.name for code in (*FINDING_CODES, DUMP_UNUSED)}

    assert codes_in(page[heading]) - known == set()


@pytest.mark.parametrize("heading", ["Null where it could change the verdict", "Named, without weight for the verdict"])
def test_kinds_that_are_spoken_of_are_read(page: dict[str, str], heading: str) -> None:
    named = set(re.findall(KIND, column(page[heading], 1)))

    assert named
    assert named - READ == set()


def test_kinds_that_are_left_out_are_not_read(page: dict[str, str]) -> None:
    named = set(re.findall(KIND, column(page["Counted, and left out"], 1)))

    assert named
    assert named & READ == set()


def test_the_harmless_filters_are_those_of_the_code(page: dict[str, str]) -> None:
    named = set(re.findall(r"`((?:istio|envoy\.filters)\.[\w.-]+)`", page["Null where it could change the verdict"]))

    assert named - {"istio.io"} == HARMLESS_FILTERS


def test_the_lists_that_the_page_points_to_are_there(page: dict[str, str], root: Path) -> None:
    (name, path) = re.findall(r"`([A-Z_]+)` in `([\w/.]+)`", page["Null where it could change the verdict"])[0]

    assert f"\n{name}:" in (root / path).read_text(encoding="utf-8")
    assert HARMLESS_FIELDS
