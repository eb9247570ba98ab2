"""pytest: suites (``*.verdict.yaml``) as test items, and the fixture ``meshverdict``.

pytest finds it by its entry point; nothing has to be imported. A suite is an item for each budget, expectation and
acceptance, one for its recorded ends, one for lint where it asks for that, and one for its evidence; it is run once,
when the first of them is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from analyzer.base.errors import AnalyzerError
from analyzer.verdict.check import SUITE_SUFFIXES

if TYPE_CHECKING:
    from analyzer.mesh.snapshot import MeshSnapshot
    from analyzer.notebook import Run
    from analyzer.verdict.check.case import Case, CheckResult

_MESH_OLD: pytest.StashKey[MeshSnapshot] = pytest.StashKey()
_EVIDENCE, _RECORDED, _LINT = "evidence", "recorded ends", "lint"


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--meshverdict-today`` and ``--meshverdict-mesh-old``."""
    group = parser.getgroup("meshverdict", "recorded calls of a service mesh")
    group.addoption("--meshverdict-today", metavar="DAY", help="The day by which acceptances expire, as 2026-12-31.")
    group.addoption("--meshverdict-mesh-old", metavar="PATH", action="append", default=[],
                    help="The mesh of the recording, as git:main...:deploy/: failures then name the lines that moved "
                    "their calls; repeatable.")  # fmt: skip


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> SuiteFile | None:
    """A suite where a file is one."""
    if not file_path.name.endswith(SUITE_SUFFIXES):
        return None
    found: SuiteFile = SuiteFile.from_parent(parent, path=file_path)
    return found


class SuiteFile(pytest.File):
    """A suite as a collection of items."""

    def collect(self) -> Iterator[CaseItem]:
        """The items that the file names, before any capture is read."""
        from analyzer.checking import expected_path, load_suite

        suite = load_suite(self.path)
        names = [budget.name for budget in suite.budgets]
        names += [expectation.name for expectation in suite.expectations]
        names += [acceptance.name for acceptance in suite.accepted]
        if expected_path(self.path, suite).is_file() or suite.expected:
            names.append(_RECORDED)
        if suite.lint:
            names.append(_LINT)
        for name in (*names, _EVIDENCE):
            yield CaseItem.from_parent(self, name=name)

    @cached_property
    def result(self) -> CheckResult:
        """What holds of it; made once."""
        from analyzer.checking import check_suite

        return check_suite(self.path, today=_day(self.config), recorded_with=_mesh_old(self.config))

    def failures(self, name: str) -> Sequence[Case]:
        """The failed cases of an item."""
        from analyzer.verdict.check.case import FINDING, RECORDED

        kind = {_RECORDED: RECORDED, _LINT: FINDING}.get(name)
        failed = self.result.failures
        return [case for case in failed if (case.kind == kind if kind else case.name == name)]

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:  # noqa: ARG002
        """A suite that is wrong, in one line."""
        return str(excinfo.value) if isinstance(excinfo.value, AnalyzerError) else super().repr_failure(excinfo)


class CaseItem(pytest.Item):
    """One thing that a suite asks."""

    parent: SuiteFile

    def runtest(self) -> None:
        """Fails with what was expected, what was found, why and where."""
        result = self.parent.result
        unread = next((capture.error for capture in result.captures if capture.error), None)
        if self.name == _EVIDENCE:
            lacking = [*([unread] if unread else []), *result.lacking]
            if lacking:
                raise CaseFailedError("; ".join(lacking))
        elif failed := self.parent.failures(self.name):
            raise CaseFailedError("\n\n".join(map(failure_text, failed)))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The failure's own text; a traceback only for a bug of ours."""
        if isinstance(excinfo.value, CaseFailedError | AnalyzerError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """The file and what it asks."""
        return self.path, None, f"{self.path.name}: {self.name}"


class CaseFailedError(AssertionError):
    """A case that does not hold."""


def failure_text(case: Case) -> str:
    """A failed case in lines."""
    rows = [("expected", case.expected), ("got", case.got), ("why", case.blame.why), ("asked in", case.place.file_line)]
    rows += [("where", place.file_line) for place in case.blame.yaml]
    rows += [("where", str(place)) for place in case.blame.packets]
    return "\n".join([case.name, *(f"  {name:<9} {_visible(value)}" for name, value in rows if value)])


def _visible(text: str) -> str:
    from analyzer.base.escape import visible
    from analyzer.base.secret import redact_text

    return visible(redact_text(text))


def _day(config: pytest.Config) -> date | None:
    text = config.getoption("--meshverdict-today")
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise pytest.UsageError(f"--meshverdict-today: found {text!r}, expected a day such as 2026-12-31") from None


def _mesh_old(config: pytest.Config) -> MeshSnapshot | None:
    """Read once for all suites."""
    paths = config.getoption("--meshverdict-mesh-old")
    if not paths:
        return None
    if _MESH_OLD not in config.stash:
        from analyzer.mesh.load import load_mesh

        config.stash[_MESH_OLD] = load_mesh(paths)
    return config.stash[_MESH_OLD]


class MeshVerdict:
    """The fixture: paths are relative to the folder of the test that uses it."""

    def __init__(self, folder: Path, today: date | None, mesh_old: MeshSnapshot | None = None) -> None:
        self._folder = folder
        self._today = today
        self._mesh_old = mesh_old

    def analyze(self, *captures: str, mesh: str | Sequence[str]) -> Run:
        """A run of captures, as ``analyzer.analyze`` gives it."""
        from analyzer.mesh.revision import is_revision
        from analyzer.notebook import analyze, load_mesh

        sources = [mesh] if isinstance(mesh, str) else mesh
        found = load_mesh(*(each if is_revision(each) else self._folder / each for each in sources))
        return analyze([self._folder / capture for capture in captures], found)

    def check(self, suite: str) -> CheckResult:
        """What holds of a suite; fails the test where something does not, or where there is too little evidence."""
        from analyzer.checking import check_suite

        __tracebackhide__ = True
        result = check_suite(self._folder / suite, today=self._today, recorded_with=self._mesh_old)
        if result.failures or result.lacking:
            raise CaseFailedError("\n\n".join([*map(failure_text, result.failures), *result.lacking]))
        return result


@pytest.fixture
def meshverdict(request: pytest.FixtureRequest) -> MeshVerdict:
    """Recorded calls of a mesh: ``meshverdict.check(SUITE)``, ``meshverdict.analyze(CAPTURES, mesh=...)``."""
    return MeshVerdict(request.path.parent, _day(request.config), _mesh_old(request.config))
