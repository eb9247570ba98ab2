"""``meshverdict whatif``: the same captures, another mesh."""

from __future__ import annotations

import json

import pytest

STRICT = """
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: a, namespace: shop}
spec: {mtls: {mode: STRICT}}
"""


@pytest.fixture
def strict(tmp_path, mesh):
    """The shop's mesh and a policy beside it."""
    (tmp_path / "strict.yaml").write_text(STRICT)
    return ("--mesh-new", mesh, "--mesh-new", tmp_path / "strict.yaml")


def test_the_same_mesh_moves_nothing(cli, naked, mesh) -> None:
    answer = cli("whatif", naked, "-m", mesh, "--mesh-new", mesh)

    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith("Nothing moves:")


def test_each_move_is_a_line_with_the_place_that_moved_it(cli, naked, mesh, strict) -> None:
    answer = cli("whatif", naked, "-m", mesh, *strict, "-o", "jsonl")

    assert answer.code == 1
    assert answer.records
    assert {record["kind"] for record in answer.records} == {"move"}
    assert {place for record in answer.records for place in record["yaml"]} == {"strict.yaml:5"}


def test_every_format_tells_the_same_moves(cli, naked, mesh, strict) -> None:
    lines = cli("whatif", naked, "-m", mesh, *strict, "-o", "jsonl").records
    whole = json.loads(cli("whatif", naked, "-m", mesh, *strict, "-o", "json").out)
    page = cli("whatif", naked, "-m", mesh, *strict)

    assert [{"kind": "move", **move} for move in whole["moves"]] == lines
    assert page.out.startswith(f"{len(lines)} of ")
    assert page.code == 1


def test_the_calls_keep_the_ids_of_analyze(cli, naked, mesh, strict) -> None:
    calls = {c["id"]: c for c in cli("analyze", naked, "-m", mesh, "-o", "jsonl").of("call")}

    for move in cli("whatif", naked, "-m", mesh, *strict, "-o", "jsonl").records:
        assert (move["client"], move["before"]["verdict"]) == (
            calls[move["id"]]["client"],
            calls[move["id"]]["verdict"],
        )


def test_a_preset_needs_no_other_mesh(cli, naked, mesh) -> None:
    answer = cli("whatif", naked, "-m", mesh, "--set", "mtls=STRICT", "-o", "jsonl")

    assert answer.code == 1
    assert {place for record in answer.records for place in record["yaml"]} == {"--set mtls=STRICT"}


def test_only_calls_of_the_interval_are_asked(cli, naked, mesh, strict) -> None:
    assert cli("whatif", naked, "-m", mesh, *strict, "--until", "1").out == "No calls were found.\n"


@pytest.mark.parametrize(
    ("fail_on", "code"),
    [("any", 1), ("none", 0), ("dropped", 1), ("passthrough", 0), ("passthrough,dropped", 1), ("undetermined", 0)],
)
def test_what_fails_can_be_chosen(cli, naked, mesh, strict, fail_on, code) -> None:
    assert cli("whatif", naked, "-m", mesh, *strict, "--fail-on", fail_on, "-o", "json").code == code


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--mesh-new", "M"), "no mesh"),
        (("-m", "M"), "no other mesh"),
        (("-m", "M", "--set", "a=b"), "expected NAME=VALUE"),
        (("-m", "M", "--mesh-new", "M", "--fail-on", "rain"), "--fail-on"),
    ],
)
def test_a_wrong_question_is_refused(cli, naked, mesh, options, message) -> None:
    answer = cli("whatif", naked, *(mesh if option == "M" else option for option in options))

    assert answer.code == 2
    assert message in answer.err


def test_what_cannot_be_read_is_said_and_counts_more_than_moves(
    cli, no_capture, naked, mesh, broken_mesh, strict
) -> None:
    captures = cli("whatif", naked, no_capture, "-m", mesh, *strict, "-o", "jsonl")
    meshes = cli("whatif", naked, "-m", mesh, "--mesh-new", broken_mesh, "-o", "jsonl")

    assert (captures.code, meshes.code) == (3, 4)
    assert captures.records
    assert "notes.pcap" in captures.err
    assert "broken.yaml" in meshes.err


def test_only_calls_that_fit_are_asked(cli, naked, mesh, strict) -> None:
    answer = cli("whatif", naked, "-m", mesh, *strict, "--where", "port == 9999")

    assert answer.out.startswith("1 of 1 call moves;")
