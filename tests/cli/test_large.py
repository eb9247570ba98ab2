"""A large capture's lines are those of a small one's run, and so is the exit code."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from analyzer.cli.large import run_if_large

ROOT = Path(__file__).resolve().parents[2]
LO = ROOT / "captures" / "shop-default" / "interfaces" / "shop_sleep-0.lo.pcap"
MESH = ROOT / "captures" / "shop-default" / "mesh"


@pytest.fixture
def all_large(monkeypatch):
    """A function from which on every capture is large."""

    def begin() -> None:
        monkeypatch.setattr("analyzer.cli.large._LEAST_LEN", 1)
        monkeypatch.setattr("analyzer.large.LARGE_RECORDS", 1)

    return begin


@pytest.mark.parametrize(
    "options", [(), ("--redact", "off"), ("--where", "verdict == 'dropped'"), ("--fail-on", "dropped"), ("--jobs", "2")]
)
def test_a_large_capture_is_told_as_a_small_one(cli, all_large, options) -> None:
    arguments = ("analyze", LO, "-m", MESH, "-o", "jsonl", *options)
    small = cli(*arguments)

    all_large()

    assert cli(*arguments) == small


def test_what_is_asked_for_beside_the_lines_is_for_runs_in_memory(cli, all_large, tmp_path) -> None:
    all_large()

    answer = cli("analyze", LO, "-m", MESH, "-o", "jsonl", "--save", tmp_path / "run.db")

    assert (answer.code, (tmp_path / "run.db").exists()) == (0, True)


def test_a_disk_without_room_for_temporary_files_is_one_line(cli, all_large, monkeypatch) -> None:
    def no_room(*_) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    all_large()
    monkeypatch.setattr("os.write", no_room)

    answer = cli("analyze", LO, "-m", MESH, "-o", "jsonl", "--jobs", "1")

    assert answer.code == 6
    assert (
        answer.err == "meshverdict: temporary files: No space left on device: set TMPDIR to a folder with more room\n"
    )


def test_a_capture_that_cannot_be_read_is_left_to_a_run_in_memory(all_large, tmp_path) -> None:
    all_large()
    path = tmp_path / "none.pcap"
    path.write_bytes(b"no capture")

    found = run_if_large(
        [str(path)], None, keep=bool, failures=(), redact=True, jobs=1, progress=None, stop=lambda: 0
    )  # fmt: skip

    assert found is None
