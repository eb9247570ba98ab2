"""A saved run is the run, without its secrets and without its captures."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.base.errors import OutputError, UsageError
from analyzer.base.fact import replace
from analyzer.mesh.load import load_mesh
from analyzer.pipeline import analyze_and_ask
from analyzer.report.saved_run import MAGIC, is_saved_run, read_saved_run, write_saved_run
from analyzer.verdict.judge import Asked

SHOP = Path(__file__).resolve().parents[2] / "captures" / "shop-default"


@pytest.fixture(scope="module")
def run():
    return analyze_and_ask([str(SHOP / "pods")], load_mesh([SHOP / "mesh"]))[:2]


@pytest.fixture(scope="module")
def saved(run, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("runs") / "run.mvz"
    write_saved_run(path, *run)
    return path


def with_question(run, **changes):
    """The run with its first call's question changed."""
    analysis, asked = run
    at = next(n for n, each in enumerate(asked) if each.question)
    changed = replace(asked[at], question=replace(asked[at].question, **changes))
    return at, analysis, [*asked[:at], changed, *asked[at + 1 :]]


def test_everything_comes_back(run, saved) -> None:
    analysis, asked = run

    found = read_saved_run(saved)

    assert found.analysis == analysis
    assert list(found.questions) == [each.question for each in asked]
    assert [each.record for each in found.asked] == list(analysis.calls)


def test_the_same_run_is_the_same_bytes(run, saved, tmp_path) -> None:
    write_saved_run(tmp_path / "again.mvz", *run)

    assert (tmp_path / "again.mvz").read_bytes() == saved.read_bytes()


def test_an_older_file_is_replaced(run, saved, tmp_path) -> None:
    path = tmp_path / "run.mvz"
    path.write_text("notes")

    write_saved_run(path, *run)

    assert path.read_bytes() == saved.read_bytes()


def test_calls_can_be_queried_by_other_programs(run, saved) -> None:
    with sqlite3.connect(saved) as database:
        (dropped,) = database.execute("SELECT count(*) FROM calls WHERE verdict = 'dropped'").fetchone()

    assert dropped == sum(call.decision.verdict == "dropped" for call in run[0].calls) > 0


def test_a_saved_run_is_known_by_its_first_bytes(saved, tmp_path) -> None:
    assert is_saved_run(saved)
    assert not is_saved_run(tmp_path)
    assert not is_saved_run(SHOP / "pods" / "legacy_naked-0.any.pcap")


@pytest.mark.parametrize("header", ["authorization", "cookie"])
def test_a_header_that_is_a_secret_is_not_saved_but_may_have_been_sent(run, tmp_path, header) -> None:
    at, *changed = with_question(run, headers=((header, "Bearer hunter2"), ("x-user", "jason")))

    write_saved_run(tmp_path / "run.mvz", *changed)

    question = read_saved_run(tmp_path / "run.mvz").questions[at]
    assert (question.headers, question.head_cut) == ((("x-user", "jason"),), True)
    assert b"hunter2" not in (tmp_path / "run.mvz").read_bytes()


def test_a_path_with_a_secret_is_no_question(run, tmp_path) -> None:
    at, *changed = with_question(run, path="/orders?access_token=hunter2")

    write_saved_run(tmp_path / "run.mvz", *changed)

    assert read_saved_run(tmp_path / "run.mvz").questions[at] is None


def test_a_user_may_save_all(run, tmp_path) -> None:
    at, *changed = with_question(run, path="/orders?access_token=hunter2")

    write_saved_run(tmp_path / "run.mvz", *changed, redact=False)

    assert read_saved_run(tmp_path / "run.mvz").questions[at].path == "/orders?access_token=hunter2"


def test_another_version_is_named(saved, tmp_path) -> None:
    path = tmp_path / "run.mvz"
    path.write_bytes(saved.read_bytes())
    with sqlite3.connect(path) as database:
        database.execute("UPDATE run SET version = 2")

    with pytest.raises(UsageError, match=r"run\.mvz: found a saved run of version 2, expected 1"):
        read_saved_run(path)


def test_an_empty_database_is_no_run(tmp_path) -> None:
    with sqlite3.connect(tmp_path / "run.mvz") as database:
        database.execute("CREATE TABLE run (version INTEGER, record TEXT)")
        database.execute("CREATE TABLE calls (number INTEGER, record TEXT, question TEXT)")

    with pytest.raises(UsageError, match=r"run\.mvz: found no saved run"):
        read_saved_run(tmp_path / "run.mvz")


def test_a_run_that_is_not_there_is_told_with_what_is(tmp_path) -> None:
    (tmp_path / "monday.run").write_bytes(b"")

    with pytest.raises(UsageError, match=r"mondy\.run: no such file; is it 'monday\.run'\?"):
        read_saved_run(tmp_path / "mondy.run")


@pytest.mark.parametrize("record", ["{", "[]", '{"calls": 1}', "[" * 100_000])
def test_records_that_are_none_are_no_run(tmp_path, record) -> None:
    with sqlite3.connect(tmp_path / "run.mvz") as database:
        database.execute("CREATE TABLE run (version INTEGER, record TEXT)")
        database.execute("CREATE TABLE calls (number INTEGER, record TEXT, question TEXT)")
        database.execute("INSERT INTO run VALUES (1, ?)", (record,))

    with pytest.raises(UsageError, match=r"run\.mvz: found no saved run"):
        read_saved_run(tmp_path / "run.mvz")


@given(noise=st.binary(max_size=300))
def test_any_bytes_are_a_run_or_a_usage_error(tmp_path_factory, noise) -> None:
    path = tmp_path_factory.mktemp("noise") / "run.mvz"
    path.write_bytes(MAGIC + noise)

    with pytest.raises(UsageError):
        read_saved_run(path)


def test_a_file_that_cannot_be_written_is_named(run, tmp_path) -> None:
    with pytest.raises(UsageError, match=r"run\.mvz"):
        write_saved_run(tmp_path / "missing" / "run.mvz", *run)


def test_what_is_no_file_is_not_taken_away(run, tmp_path) -> None:
    """As a device would be, by someone with the right to."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    with pytest.raises(UsageError, match="pipe: cannot be written: it is no file"):
        write_saved_run(pipe, *run)

    assert pipe.is_fifo()


def test_a_run_that_breaks_off_leaves_what_was_there(shop, tmp_path) -> None:
    path = tmp_path / "run.mvz"
    path.write_bytes(b"before")

    with pytest.raises(UsageError):
        write_saved_run(path, shop, [])

    assert path.read_bytes() == b"before"
    assert (tmp_path / "run.mvz.partial").exists()


def test_a_disk_that_fills_leaves_what_was_there(shop, tmp_path) -> None:
    resource = pytest.importorskip("resource")
    path = tmp_path / "run.mvz"
    path.write_bytes(b"before")
    asked = [Asked(call, None, None) for call in shop.calls]
    ours = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, ours[1]))

    try:
        with pytest.raises(OutputError, match=r"run\.mvz\.partial: .*: what was written is not all of it"):
            write_saved_run(path, shop, asked)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, ours)

    assert path.read_bytes() == b"before"
