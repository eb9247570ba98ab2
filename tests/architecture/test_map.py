"""ARCHITECTURE.md is true: what it names is there, and no room is left out."""

import re
from pathlib import Path

import pytest


@pytest.fixture
def page(root: Path) -> str:
    return (root / "ARCHITECTURE.md").read_text(encoding="utf-8")


def mentioned(page: str) -> set[str]:
    """The paths with a folder that the page names in backticks, but for those with a placeholder."""
    paths = set(re.findall(r"`([\w.-]+(?:/[\w.-]+)*/[\w.-]*)`", page))
    return {path for path in paths if not re.search(r"NAME|ROOM|MODULE", path)}


def test_every_path_that_the_page_names_exists(page: str, root: Path) -> None:
    missing = [
        path for path in sorted(mentioned(page)) if not ((root / path).exists() or (root / "analyzer" / path).exists())
    ]

    assert missing == []


def test_every_file_that_the_page_names_alone_exists(page: str, root: Path) -> None:
    files = {path.name for path in (root / "analyzer").rglob("*.py")}

    assert {name for name in re.findall(r"`([a-z0-9_]+\.py)`", page) if name not in files} == set()


def test_every_room_is_on_the_page(page: str, root: Path) -> None:
    rooms = [path.parent.name for path in (root / "analyzer").glob("*/__init__.py")]

    assert [room for room in rooms if f"`{room}/" not in page] == []


def test_every_conductor_is_on_the_page(page: str, root: Path) -> None:
    modules = [path.name for path in (root / "analyzer").glob("*.py") if not path.name.startswith("_")]

    assert [module for module in modules if f"`{module}`" not in page] == []


def test_every_noun_is_where_the_page_says(page: str, root: Path) -> None:
    """The table of nouns: names in the first column, files in the second."""
    wrong = []
    for names, files in re.findall(r"^\| (`[A-Z].*?) \| (`\w+/.*?) \|", page, flags=re.MULTILINE):
        texts = [(root / "analyzer" / file).read_text(encoding="utf-8") for file in re.findall(r"`(.*?)`", files)]
        wrong += [name for name in re.findall(r"`(\w+)`", names) if not any(f"class {name}" in text for text in texts)]

    assert wrong == []


def test_every_list_that_a_newcomer_adds_to_is_there(page: str, sources) -> None:
    lists = set(re.findall(r"`([A-Z]{4,})`", page))

    assert {name for name in lists if not any(f"\n{name}" in source.text for source in sources)} == set()
