"""``meshverdict report``: a saved run once more."""

from __future__ import annotations

import re

import pytest


@pytest.fixture
def saved(cli, tmp_path, naked, mesh):
    """A run that was saved."""
    path = tmp_path / "run.mvz"
    assert cli("analyze", naked, "-m", mesh, "--save", path).code == 0
    return path


@pytest.mark.parametrize("form", ["text", "json", "jsonl", "csv", "markdown", "junit", "sarif", "github", "gitlab"])
def test_a_saved_run_is_written_as_analyze_would(cli, saved, naked, mesh, form) -> None:
    answer = cli("report", saved, "-o", form)

    assert (answer.code, answer.err) == (0, "")
    assert answer.out == cli("analyze", naked, "-m", mesh, "-o", form).out


def test_the_page_is_written_too(cli, saved, tmp_path) -> None:
    cli("report", saved, "--html", tmp_path / "page.html")

    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")


def test_only_chosen_calls_and_their_findings_are_written(cli, saved) -> None:
    answer = cli("report", saved, "--where", "verdict == 'service-matched'", "-o", "jsonl")

    assert {call["verdict"] for call in answer.of("call")} == {"service-matched"}
    assert answer.of("finding") == []


def test_what_fails_is_told_by_the_exit_code(cli, saved) -> None:
    assert cli("report", saved, "--fail-on", "passthrough").code == 1


def test_strict_redaction_holds_for_saved_runs(cli, tmp_path, secret_capture) -> None:
    cli("analyze", secret_capture, "--save", tmp_path / "run.mvz", "--redact", "off")

    answer = cli("report", tmp_path / "run.mvz", "-o", "jsonl", "--redact", "strict")

    assert answer.of("call")
    assert "access_token" not in answer.out


def test_a_run_cannot_be_saved_without_its_paths(cli, naked, tmp_path) -> None:
    answer = cli("analyze", naked, "--save", tmp_path / "run.mvz", "--redact", "strict")

    assert answer.code == 2
    assert "--save" in answer.err


def test_a_capture_is_no_saved_run(cli, naked) -> None:
    answer = cli("report", naked)

    assert answer.code == 2
    assert answer.err.startswith(f"meshverdict: {naked.name}: found no saved run")


def test_a_saved_run_is_explained_but_for_the_ladder_of_packets(cli, saved, naked, mesh) -> None:
    answer = cli("explain", saved, "-m", mesh, "--call", "1")

    of_captures = cli("explain", naked, "-m", mesh, "--call", "1").out
    assert answer.code == 0
    assert "\nPACKETS\n" in of_captures
    assert answer.out == re.sub(r"\nPACKETS\n(?:  .*\n)+", "", of_captures)


def test_a_saved_run_has_no_packets_to_dissect(cli, saved) -> None:
    answer = cli("explain", saved, "--call", "1", "--packet", "1")

    assert answer.code == 2
    assert "run.mvz: a saved run" in answer.err


def test_a_saved_run_is_not_different_from_its_captures(cli, saved, naked, mesh) -> None:
    assert cli("diff", saved, naked, "-m", mesh).code == 0


def test_another_mesh_moves_the_same_calls_of_a_saved_run(cli, saved, naked, mesh) -> None:
    changed = ("-m", mesh, "--set", "mtls=STRICT", "-o", "json")

    kept, fresh = (cli("whatif", source, *changed) for source in (saved, naked))

    assert kept.code == fresh.code == 1
    assert kept.out == fresh.out


def test_the_interval_chooses_among_the_calls_that_move(cli, saved, mesh) -> None:
    answer = cli("whatif", saved, "-m", mesh, "--set", "mtls=STRICT", "--until", "1", "-o", "jsonl")

    assert (answer.code, answer.of("move")) == (0, [])
