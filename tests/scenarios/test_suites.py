"""The suites beside the recordings hold: what a team would keep in its repository."""

from pathlib import Path

import pytest

from analyzer.checking import analyze_suite, check_suite, expected_path, load_suite
from analyzer.report.as_expected import render_expected
from analyzer.verdict.check.expected import parse_recorded, record_ends

ROOT = Path(__file__).resolve().parents[2]
SUITES = sorted((ROOT / "captures").glob("*/*.verdict.yaml"))


@pytest.mark.parametrize("path", SUITES, ids=lambda path: path.parent.name)
def test_every_case_of_a_suite_holds_with_evidence_enough(path: Path) -> None:
    result = check_suite(path)

    assert [f"{case.name}: expected {case.expected}, got {case.got}" for case in result.failures] == []
    assert (result.lacking, result.notes) == ((), ())


@pytest.mark.parametrize("path", SUITES, ids=lambda path: path.parent.name)
def test_recorded_ends_are_what_update_would_write(path: Path) -> None:
    suite = load_suite(path)
    target = expected_path(path, suite)

    written = b"".join(render_expected(record_ends(analyze_suite(suite, path.parent).calls)))

    assert target.read_bytes() == written
    assert parse_recorded(written.decode(), file=target.name)
