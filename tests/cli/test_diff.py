"""``meshverdict diff``: run against run."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def saved(cli, tmp_path, naked, mesh):
    """A function that saves a run with more YAML than the shop's and gives its file."""

    def save(name, *, yaml="", form="jsonl"):
        extra = tmp_path / f"{name}.yaml"
        extra.write_text(yaml)
        run = tmp_path / f"{name}.{form}"
        cli("analyze", naked, "-m", mesh, "-m", extra, "-o", form, "--out", run)
        return run

    return save


STRICT = """
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: a, namespace: shop}
spec: {mtls: {mode: STRICT}}
"""


def test_a_run_is_not_different_from_itself_in_either_form(cli, saved) -> None:
    answer = cli("diff", saved("a"), saved("b", form="json"))

    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith("Nothing is different;")


def test_what_moved_between_two_saved_runs_is_named(cli, saved) -> None:
    answer = cli("diff", saved("a"), saved("b", yaml=STRICT), "-o", "jsonl")

    assert answer.code == 1
    assert {(r["kind"], r["change"], r["after"]["verdict"]) for r in answer.records} == {("move", "moved", "dropped")}


def test_captures_are_analysed_with_their_meshes(cli, naked, mesh, tmp_path) -> None:
    (tmp_path / "strict.yaml").write_text(STRICT)
    new = ("--mesh-new", mesh, "--mesh-new", tmp_path / "strict.yaml")

    answer = cli("diff", naked, naked, "-m", mesh, *new, "-o", "json")

    assert answer.code == 1
    moves = json.loads(answer.out)["moves"]
    assert {place for move in moves for place in move["yaml"]} == {"strict.yaml:5"}


def test_a_saved_run_can_be_held_against_captures(cli, saved, naked, mesh) -> None:
    assert cli("diff", saved("a"), naked, "-m", mesh).code == 0


def test_with_both_meshes_the_line_that_moved_a_call_is_named(cli, saved, naked, mesh, tmp_path) -> None:
    (tmp_path / "strict.yaml").write_text(STRICT)

    answer = cli(
        "diff", saved("a"), naked, "-m", mesh, "--mesh-new", mesh, "--mesh-new", tmp_path / "strict.yaml", "-o", "jsonl"
    )

    assert {place for move in answer.records for place in move["yaml"]} == {"strict.yaml:5"}


def test_a_recording_can_be_split_at_a_moment(cli, naked, mesh) -> None:
    answer = cli("diff", naked.parent, naked.parent, "-m", mesh, "--split", "1", "-o", "jsonl")

    assert {record["change"] for record in answer.records} == {"new"}


def test_the_interval_holds_for_saved_runs_too(cli, saved) -> None:
    answer = cli("diff", saved("a"), saved("b", yaml=STRICT), "--until", "1")

    assert "0 calls before, 0 after" in answer.out


@pytest.mark.parametrize(
    ("fail_on", "code"), [("none", 0), ("moved", 1), ("new", 0), ("dropped", 1), ("gone,moved", 1)]
)
def test_what_fails_can_be_chosen(cli, saved, fail_on, code) -> None:
    assert cli("diff", saved("a"), saved("b", yaml=STRICT), "--fail-on", fail_on).code == code


def test_a_wrong_question_is_refused(cli, saved, naked, tmp_path) -> None:
    run = saved("a")

    assert "give its YAML with -m" in cli("diff", run, naked).err
    assert "No such file" in cli("diff", run, tmp_path / "ghost.json").err
    assert "--fail-on" in cli("diff", run, run, "--fail-on", "rain").err
    assert cli("diff", run, naked).code == 2


def test_what_cannot_be_read_is_said(cli, saved, no_capture, mesh, broken_mesh, naked) -> None:
    assert cli("diff", saved("a"), no_capture, "-m", mesh).code == 3
    assert cli("diff", naked, naked, "-m", mesh, "--mesh-new", broken_mesh).code == 4


def test_only_calls_that_fit_are_held_against_each_other(cli, saved) -> None:
    answer = cli("diff", saved("a"), saved("b", yaml=STRICT), "--where", "port == 9999", "-o", "jsonl")

    assert {record["server"]["port"] for record in answer.records} <= {9999}
