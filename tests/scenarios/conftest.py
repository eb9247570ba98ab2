"""Scenario folders: captures, a mesh, and what must come out. A new one needs no code."""

import json
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from analyzer.mesh.load import load_mesh
from analyzer.pipeline import analyze_paths
from analyzer.report.as_json import render_jsonl

ROOT = Path(__file__).resolve().parents[2]

Record = dict[str, Any]
# A call as people find it: the client's own address and port, and the place on that connection.
CallKey = tuple[str, int]


@dataclass(frozen=True)
class Scenario:
    """A folder with ``expected.json``: globs of ``captures``, paths of ``mesh``, and the ``calls``."""

    folder: Path

    @property
    def expected(self) -> Record:
        return json.loads((self.folder / "expected.json").read_text(encoding="utf-8"))

    def run(self, captures: tuple[str, ...] = ()) -> dict[CallKey, list[Record]]:
        """The calls that an analysis finds, as ``-o jsonl`` would print them."""
        globs = captures or tuple(self.expected["captures"])
        return analyzed(self.folder, globs, tuple(self.expected["mesh"]))


@cache
def analyzed(folder: Path, globs: tuple[str, ...], mesh: tuple[str, ...]) -> dict[CallKey, list[Record]]:
    """One analysis for all the tests that ask about it."""
    paths = sorted(str(path) for glob in globs for path in folder.glob(glob))
    run = analyze_paths(paths, load_mesh([folder / each for each in mesh]))
    found = defaultdict(list)
    for line in b"".join(render_jsonl(run)).splitlines():
        record = json.loads(line)
        if record["kind"] == "call":
            found[f"{record['client']['ip']}:{record['client']['port']}", record["request"]].append(record)
    return dict(found)


def scenarios() -> list[Scenario]:
    """Every folder in ``captures/`` and beside this file that says what is expected."""
    places = sorted([*(ROOT / "captures").glob("*/expected.json"), *Path(__file__).parent.glob("*/expected.json")])
    return [Scenario(place.parent) for place in places]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "scenario" in metafunc.fixturenames:
        found = scenarios()
        metafunc.parametrize("scenario", found, ids=[each.folder.name for each in found])


@pytest.fixture
def shop() -> Scenario:
    """The scenario that was recorded on ``any``, ``eth0`` and ``lo``."""
    return Scenario(ROOT / "captures" / "shop-default")
