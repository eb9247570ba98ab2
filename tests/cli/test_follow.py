"""``analyze --follow``: a capture that is still written, told call by call."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def by_place(records: list[dict]) -> dict:
    """The last line of each call, by its connection and its place there, without the id."""
    return {(r["uid"], r["request"]): {k: v for k, v in r.items() if k != "id"} for r in records if r["kind"] == "call"}


def test_a_finished_file_gives_the_calls_of_a_plain_run(cli, sleep, mesh) -> None:
    plain = cli("analyze", sleep, "-m", mesh, "-o", "jsonl")

    followed = cli("analyze", sleep, "--follow", "--idle", "0", "-m", mesh, "-o", "jsonl")

    assert (followed.code, followed.err) == (0, "")
    assert by_place(followed.records) == by_place(plain.records)
    assert {r["kind"] for r in followed.records} == {r["kind"] for r in plain.records}


def test_standard_input_is_followed_until_its_writer_is_gone(spawn, sleep, mesh) -> None:
    followed = spawn("analyze", "--follow", "-", "-m", mesh, "-o", "jsonl", stdin=sleep.read_bytes())

    assert followed.code == 0
    assert len(by_place(followed.records)) == len(by_place(spawn("analyze", sleep, "-m", mesh, "-o", "jsonl").records))


def test_text_has_a_line_for_each_call_and_then_the_report(cli, sleep, mesh) -> None:
    report = cli("analyze", sleep, "-m", mesh).out

    lines, _, rest = cli("analyze", sleep, "--follow", "--idle", "0", "-m", mesh).out.partition("\n\n")

    assert rest == report
    assert len(lines.splitlines()) > 50
    assert all(" > " in line for line in lines.splitlines())


@pytest.fixture
def interruptible():
    """Children heed Control-C: those of a job in the background inherit that it is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_control_c_gives_what_is_known_so_far(sleep, mesh) -> None:
    command = [sys.executable, "-m", "analyzer", "analyze", "--follow", "-", "-m", str(mesh), "-o", "jsonl"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        process.stdin.write(sleep.read_bytes())
        process.stdin.flush()
        first = process.stdout.readline()
        os.kill(process.pid, signal.SIGINT)
        rest = process.stdout.read().splitlines()

        assert process.wait() == 130
    assert json.loads(first)["kind"] == "call"
    assert {json.loads(line)["kind"] for line in rest} >= {"run", "capture", "flow"}


def test_a_cut_capture_is_told_as_ever(cli, cut, mesh) -> None:
    followed = cli("analyze", cut, "--follow", "--idle", "0", "-m", mesh)

    assert followed.code == 3
    assert "record is cut" in followed.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-o", "csv"), "found -o csv, expected text or jsonl"),
        (("--save", "run.mvz"), "found --save too"),
        (("--redact", "strict"), "found --redact strict"),
        (("captures/shop-default/pods/shop_sleep-0.any.pcap",), "found 2 captures, expected one file"),
    ],
)
def test_what_a_growing_capture_cannot_give_is_a_matter_of_usage(cli, naked, monkeypatch, arguments, said) -> None:
    monkeypatch.chdir(ROOT)

    answer = cli("analyze", naked, "--follow", *arguments)

    assert answer.code == 2
    assert said in answer.err


def test_what_is_no_capture_is_told_as_ever(cli, no_capture) -> None:
    answer = cli("analyze", no_capture, "--follow", "--idle", "0")

    assert (answer.code, answer.err.count("\n")) == (3, 1)
