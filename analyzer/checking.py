"""The conductor of suites: finds them, runs them over their captures, and records what they should expect."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from analyzer.base.errors import CaptureError, MeshError, UsageError
from analyzer.base.fact import replace
from analyzer.base.watch import Progress
from analyzer.mesh.load import load_mesh
from analyzer.mesh.revision import is_revision
from analyzer.mesh.snapshot import MeshSnapshot
from analyzer.pipeline import Interval, analyze_paths, what_if_paths
from analyzer.report.as_expected import render_expected
from analyzer.verdict.check import SUITE_SUFFIXES
from analyzer.verdict.check.case import CheckResult
from analyzer.verdict.check.expected import RecordedCall, parse_recorded, record_ends
from analyzer.verdict.check.run import newest_day, run_suite, with_causes
from analyzer.verdict.check.suite import Suite, parse_suite
from analyzer.verdict.coverage import count_coverage, cover
from analyzer.verdict.lint.finding import LintFinding
from analyzer.verdict.record import Analysis

EXPECTED_SUFFIX = ".expected.yaml"
# Suites are written by hand, recorded ends by the program.
_MAX_SUITE_BYTES = 16 << 20


def find_suites(arguments: Sequence[str]) -> list[Path]:
    """The suites that files and folders name; of a folder (without arguments: this one) every ``*.verdict.yaml``.

    Raises ``UsageError`` where one is not there, or where there is none at all.
    """
    found: dict[str, Path] = {}
    for argument in arguments or (".",):
        for path in _expand(Path(argument)):
            found.setdefault(os.path.realpath(path), path)
    if not found:
        raise UsageError(f"check: found no suite in {', '.join(arguments) or 'this folder'}, expected *.verdict.yaml")
    return list(found.values())


def _expand(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for folder, subfolders, files in os.walk(path):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        yield from (Path(folder, file) for file in sorted(files) if file.endswith(SUITE_SUFFIXES))


def check_suite(
    path: Path,
    *,
    today: date | None = None,
    recorded_with: MeshSnapshot | None = None,
    coverage: bool = False,
    progress: Progress | None = None,
) -> CheckResult:
    """What holds of the suite in a file; ``today`` is the newest packet's day where it is not given.

    With the mesh that the captures were ``recorded_with``, failures name the lines that moved their calls. With
    ``coverage`` it also counts what of the mesh the calls touch. Raises ``UsageError`` where the suite is wrong,
    ``CaptureError`` and ``MeshError`` where it names nothing.
    """
    suite = load_suite(path)
    mesh = _mesh_of(suite, path.parent)
    analysis = _analyze(suite, path.parent, mesh, progress)
    recorded = _read_recorded(path, suite)
    found = _lint(mesh) if suite.lint or any(each.finding for each in suite.accepted) else ()
    result = run_suite(suite, analysis, today=today or newest_day(analysis), recorded=recorded, findings=found)
    if recorded_with is not None and result.failures:
        what = what_if_paths(_captures(suite, path.parent), recorded_with, mesh, interval=_interval(suite))
        result = with_causes(result, analysis.calls, what.moves)
    return replace(result, coverage=count_coverage(cover(mesh, analysis.calls))) if coverage else result


def update_suite(path: Path, *, progress: Progress | None = None) -> Path:
    """Writes how the calls of a suite end now into the file that it expects; gives that file.

    Raises ``UsageError`` where a capture cannot be read to its end: its other calls would be missing from then on.
    """
    suite = parse_suite(_read(path), file=_shown(path))
    analysis = analyze_suite(suite, path.parent, progress=progress)
    unread = next((capture.error for capture in analysis.captures if capture.error), None)
    if unread is not None:
        raise UsageError(f"check --update: a capture cannot be read: {unread}")
    target = expected_path(path, suite)
    try:
        target.write_bytes(b"".join(render_expected(record_ends(analysis.calls))))
    except OSError as error:
        raise UsageError(f"{target}: cannot be written: {error.strerror}") from None
    return target


def load_suite(path: Path) -> Suite:
    """The suite in a file; one that expects nothing at all is refused, since it would always pass."""
    suite = parse_suite(_read(path), file=_shown(path))
    asked = suite.budgets or suite.expectations or suite.lint or suite.expected
    if not (asked or expected_path(path, suite).is_file()):
        raise UsageError(f"{path}: checks nothing; give budgets or expectations, or run check --update")
    return suite


def analyze_suite(suite: Suite, folder: Path, *, progress: Progress | None = None) -> Analysis:
    """The run that a suite is about; its paths are relative to ``folder``."""
    return _analyze(suite, folder, _mesh_of(suite, folder), progress)


def _mesh_of(suite: Suite, folder: Path) -> MeshSnapshot:
    config = suite.mesh_config
    sources = [_in(folder, source) for source in suite.mesh]
    with _asked_by(suite):
        return load_mesh(sources, mesh_config=_in(folder, config) if config is not None else None)


def _analyze(suite: Suite, folder: Path, mesh: MeshSnapshot, progress: Progress | None) -> Analysis:
    captures = _captures(suite, folder)
    with _asked_by(suite):
        return analyze_paths(captures, mesh, interval=_interval(suite), where=suite.where, progress=progress)


@contextmanager
def _asked_by(suite: Suite) -> Iterator[None]:
    """What a suite names and is not there is told with the suite: a folder may hold many of them."""
    try:
        yield
    except CaptureError as error:
        raise CaptureError(f"{suite.file}: {error}") from None
    except MeshError as error:
        raise MeshError(f"{suite.file}: {error}") from None


def _lint(mesh: MeshSnapshot) -> Sequence[LintFinding]:
    """What lint says; few suites ask, so its analysers are imported here."""
    from analyzer.verdict.lint.analysers import lint

    return lint(mesh)


def _captures(suite: Suite, folder: Path) -> list[str]:
    return [_in(folder, source) for source in suite.captures]


def _interval(suite: Suite) -> Interval:
    return Interval(suite.since, suite.until)


def expected_path(path: Path, suite: Suite) -> Path:
    """The file of recorded ends: the one that the suite names, else ``NAME.expected.yaml`` beside it."""
    if suite.expected is not None:
        return path.parent / suite.expected
    stem = next((path.name.removesuffix(suffix) for suffix in SUITE_SUFFIXES if path.name.endswith(suffix)), path.stem)
    return path.with_name(f"{stem}{EXPECTED_SUFFIX}")


def _in(folder: Path, source: str) -> str:
    return source if is_revision(source) else (folder / source).as_posix()


def _read_recorded(path: Path, suite: Suite) -> tuple[RecordedCall, ...] | None:
    target = expected_path(path, suite)
    if not target.is_file():
        if suite.expected is None:
            return None
        raise UsageError(
            f"{suite.file}: expected: {_shown(target)} is no file; write it with `meshverdict check --update`"
        )
    return parse_recorded(_read(target), file=_shown(target))


def _shown(path: Path) -> str:
    """A file as the user gave it; of an absolute path only the last part, so that output is the same anywhere."""
    return path.name if path.is_absolute() else path.as_posix()


def _read(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    if len(data) > _MAX_SUITE_BYTES:
        raise UsageError(f"{path}: larger than {_MAX_SUITE_BYTES} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: byte {error.start} is not UTF-8") from None
