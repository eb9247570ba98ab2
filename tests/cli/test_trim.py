"""``meshverdict trim``: captures small enough to commit."""

from __future__ import annotations

import json
import shutil

import pytest

from analyzer import trimming
from analyzer.flow.cut import LEFT_OUT


def verdicts(cli, capture, mesh):
    calls = cli("analyze", capture, "-m", mesh, "-o", "jsonl").of("call")
    return [(c["client"], c["request"], c["verdict"], c["reason"], c["observed"], c["outbound"]) for c in calls]


def test_captures_are_written_with_the_verdicts_that_they_had(cli, naked, mesh, tmp_path) -> None:
    answer = cli("trim", naked, "-m", mesh, "--out", tmp_path / "small")

    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith("8 calls, each with the question")
    (written,) = (tmp_path / "small").iterdir()
    assert written.stat().st_size < 0.35 * naked.stat().st_size
    assert verdicts(cli, written, mesh) == verdicts(cli, naked, mesh)


def test_json_has_the_sizes_and_plain_captures_their_names(cli, naked, mesh, tmp_path) -> None:
    answer = cli("trim", naked, "-m", mesh, "--out", tmp_path, "--plain", "-o", "json")

    (capture,) = json.loads(answer.out)["captures"]
    assert capture["file"] == naked.name
    assert (tmp_path / naked.name).stat().st_size == capture["new_bytes"] < capture["bytes"] == naked.stat().st_size


def test_a_capture_is_not_written_over(cli, naked, mesh, tmp_path) -> None:
    copy = shutil.copy(naked, tmp_path)

    answer = cli("trim", copy, "-m", mesh, "--out", tmp_path, "--plain")

    assert answer.code == 2
    assert "over the capture itself" in answer.err


@pytest.mark.parametrize("out", [".", "cut"])
def test_nothing_is_written_into_the_folder_that_is_read(cli, naked, mesh, tmp_path, out) -> None:
    shutil.copy(naked, tmp_path)

    answer = cli("trim", tmp_path, "-m", mesh, "--out", tmp_path / out)

    assert answer.code == 2
    assert "is where the captures are" in answer.err
    assert [path.name for path in tmp_path.iterdir()] == [naked.name]


def test_nothing_is_written_where_a_verdict_would_change(cli, naked, mesh, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(trimming, "kept_lengths", lambda t, *_: trimming.np.full(len(t.records), LEFT_OUT))

    answer = cli("trim", naked, "-m", mesh, "--out", tmp_path / "small")

    assert (answer.code, answer.out) == (1, "")
    assert "calls that would come out otherwise: 1, 2, 3, 4, 5, 6, 7, 8; nothing was written" in answer.err
    assert not (tmp_path / "small").exists()


def test_a_mesh_is_needed(cli, naked, tmp_path) -> None:
    answer = cli("trim", naked, "--out", tmp_path)

    assert answer.code == 2
    assert "no mesh" in answer.err


def test_a_folder_that_cannot_be_made_is_told(cli, naked, mesh, tmp_path) -> None:
    (tmp_path / "file").write_text("")

    answer = cli("trim", naked, "-m", mesh, "--out", tmp_path / "file" / "small")

    assert answer.code == 2
    assert "cannot be made" in answer.err


@pytest.mark.parametrize("output", ["text", "json"])
def test_what_could_not_be_read_is_told_and_the_rest_is_written(cli, cut, broken_mesh, mesh, tmp_path, output) -> None:
    answer = cli("trim", cut, "-m", mesh, "--out", tmp_path / "a", "-o", output)
    broken = cli("trim", cut, "-m", broken_mesh, "--out", tmp_path / "b", "-o", output)

    assert (answer.code, broken.code) == (3, 4)
    assert "cut.pcap" in answer.err
    assert (tmp_path / "a" / "cut.pcap.gz").is_file()
