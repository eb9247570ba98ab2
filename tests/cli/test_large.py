"""A large capture's lines are those of a small one's run, and so is the exit code."""

from __future__ import annotations

import errno
import gzip
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from analyzer.base.watch import UNWATCHED
from analyzer.capture.reader import read_capture
from analyzer.capture.sources import find_captures
from analyzer.cli.large import InLots, reading_ahead, run_in_lots
from analyzer.opening import open_capture
from analyzer.report.record_form import LINES
from made.lo import Lo, calls_over_lo, get, ok
from made.rings import write_ring

SHOP = Path(__file__).resolve().parents[2] / "captures" / "shop-default"
LO, MESH = SHOP / "interfaces" / "shop_sleep-0.lo.pcap", SHOP / "mesh"
OPTIONS = [
    (), ("--redact", "off"), ("--where", "verdict == 'dropped'"), ("--fail-on", "dropped,passthrough"), ("--jobs", "2"),
    ("--since", "2026-11-21T00:24:38Z"), ("--fail-on", "undetermined"),
]  # fmt: skip


@pytest.fixture
def looked_into(monkeypatch):
    """A function from which on every capture has many bytes."""
    return lambda: monkeypatch.setattr("analyzer.cli.large._LEAST_LEN", 1)


@pytest.fixture
def all_large(looked_into, monkeypatch):
    """A function from which on every capture is too large for memory."""

    def begin() -> None:
        looked_into()
        monkeypatch.setattr("analyzer.cli.large._LEAST_LARGE_LEN", 1)
        monkeypatch.setattr("analyzer.counting.LARGE_RECORDS", 1)

    return begin


@pytest.fixture
def calls(tmp_path) -> Path:
    """A capture of nothing but applications' connections."""
    path = tmp_path / "calls.lo.pcap"
    path.write_bytes(calls_over_lo(sorted((SHOP / "pods").glob("*.any.pcap"))))
    return path


@pytest.fixture
def mapped(looked_into, monkeypatch):
    """A function from which on every capture is mapped, so that it can be read ahead."""

    def begin() -> None:
        looked_into()
        monkeypatch.setattr("analyzer.capture.reader.MAPPED_FROM", 1)

    return begin


@pytest.fixture
def standard_input(monkeypatch):
    """A function that gives a file on standard input."""
    return lambda path: monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(path.read_bytes())))


def in_lots(path: Path):
    return run_in_lots(
        [str(path)], None, keep=None, failures=(), redact=True, jobs=1, form=LINES, progress=None, stop=lambda: 0
    )  # fmt: skip


def opened_by(found: InLots, path: Path):
    """What a run that is not made in lots goes on with."""
    assert found.open_captures is not None
    return found.open_captures(find_captures([str(path)]), None, UNWATCHED)


@pytest.mark.parametrize("output", ["jsonl", "text"])
def test_a_large_capture_on_standard_input_is_told_as_a_small_one(cli, all_large, standard_input, output) -> None:
    standard_input(LO)
    small = cli("analyze", "-", "-m", MESH, "-o", output)

    all_large()

    standard_input(LO)
    assert in_lots(Path("-")).run is not None
    standard_input(LO)
    assert cli("analyze", "-", "-m", MESH, "-o", output) == small


def test_a_small_capture_on_standard_input_is_read_once(standard_input) -> None:
    standard_input(LO)
    found = in_lots(Path("-"))

    (opened,) = opened_by(found, Path("-"))

    assert found.run is None
    assert opened.record.records == len(read_capture(LO, name="x").records)


@pytest.mark.parametrize("output", ["jsonl", "text"])
def test_what_is_large_when_it_is_expanded_is_told_as_what_is_small(
    cli, looked_into, monkeypatch, tmp_path, output
) -> None:
    path = tmp_path / "sleep.lo.pcap.gz"
    path.write_bytes(gzip.compress(LO.read_bytes()))
    small = cli("analyze", path, "-m", MESH, "-o", output)

    looked_into()
    monkeypatch.setattr("analyzer.counting.LARGE_RECORDS", 1)
    monkeypatch.setattr("analyzer.base.spool.IN_MEMORY_LEN", 1000)

    assert in_lots(path).run is not None
    assert cli("analyze", path, "-m", MESH, "-o", output) == small


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("output", ["jsonl", "json", "text", "csv"])
def test_a_large_capture_is_told_as_a_small_one(cli, all_large, options, output) -> None:
    arguments = ("analyze", LO, "-m", MESH, "-o", output, *options)
    small = cli(*arguments)

    all_large()

    assert cli(*arguments) == small


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("output", ["jsonl", "json", "text", "csv"])
def test_calls_that_meet_no_others_are_told_as_any(cli, looked_into, calls, options, output) -> None:
    arguments = ("analyze", calls, "-m", MESH, "-o", output, *options)
    small = cli(*arguments)

    looked_into()

    assert cli(*arguments) == small


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("output", ["jsonl", "json", "text", "csv"])
def test_calls_that_may_meet_others_are_told_as_any(cli, looked_into, options, output) -> None:
    arguments = ("analyze", LO, "-m", MESH, "-o", output, *options)
    small = cli(*arguments)

    looked_into()

    assert cli(*arguments) == small


def test_a_large_capture_is_the_same_parquet_as_a_small_one(cli, all_large, tmp_path) -> None:
    pytest.importorskip("pyarrow")
    small, large = tmp_path / "small.parquet", tmp_path / "large.parquet"
    arguments = ("analyze", LO, "-m", MESH, "-o", "parquet", "--out")
    cli(*arguments, small)

    all_large()

    cli(*arguments, large)
    assert large.read_bytes() == small.read_bytes()


@pytest.fixture
def lone_answer(tmp_path) -> Path:
    """A capture in which the last of an answer is all that there is of a connection."""
    lo = Lo()
    lo.talk("10.9.0.1:40000", "10.8.0.1:80").answer(ok())
    lo.wait(60)
    for port in range(41_000, 41_020):
        lo.talk(f"10.9.0.1:{port}", "10.8.0.1:80").open().ask(get()).answer(ok()).close()
    return lo.write(tmp_path / "app.lo.pcap")


@pytest.mark.parametrize("output", ["jsonl", "json", "text", "csv"])
def test_calls_of_which_few_may_meet_others_are_told_as_any(cli, looked_into, lone_answer, output) -> None:
    arguments = ("analyze", lone_answer, "-m", MESH, "-o", output)
    small = cli(*arguments)

    looked_into()

    assert in_lots(lone_answer).run is not None
    assert cli(*arguments) == small


def test_what_comes_to_a_limit_is_judged_as_a_whole(looked_into, lone_answer, monkeypatch) -> None:
    looked_into()
    monkeypatch.setattr("analyzer.apart.comes_to_limits", lambda _: True)

    found = in_lots(lone_answer)

    assert found.run is None
    assert found.open_captures is not None


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("capture", ["calls", "meeting", "large"])
def test_a_ring_is_told_as_one_file(cli, mapped, all_large, calls, tmp_path, capture, jobs) -> None:
    file = calls if capture == "calls" else LO
    ring = write_ring(tmp_path / "ring.lo.pcap", file.read_bytes(), 3)
    how = ("-m", MESH, "-o", "jsonl", "--jobs", str(jobs))
    one = cli("analyze", file, *how)

    mapped()
    if capture == "large":
        all_large()
    found = cli("analyze", *ring, *how)

    assert found.out.replace("ring.lo.pcap1+2", file.name) == one.out
    assert (found.code, found.err) == (one.code, one.err)


def test_a_ring_is_read_ahead(mapped, calls, tmp_path) -> None:
    ring = write_ring(tmp_path / "ring.lo.pcap", calls.read_bytes(), 3)
    mapped()

    with reading_ahead([str(path) for path in ring], jobs=2) as ahead:
        assert ahead is not None
        assert ahead.source.ring
        assert ahead.read().decoded is not None


def test_a_capture_that_is_too_large_for_memory_is_counted_while_it_is_read(all_large, mapped) -> None:
    mapped()
    all_large()

    with reading_ahead([str(LO)], jobs=2) as ahead:
        assert ahead is not None
        assert ahead.counting is not None
        capture, counted = ahead.counting()

    assert counted is not None
    assert counted.packets.rows == len(capture.records)


def test_a_file_with_few_bytes_is_not_looked_into(calls) -> None:
    assert in_lots(calls) == InLots(None)


def test_who_judges_calls_that_may_meet_others_reads_no_packet_again(looked_into) -> None:
    looked_into()

    found = in_lots(LO)

    assert found.run is None
    assert found.open_captures is not None
    (opened,) = found.open_captures(find_captures([str(LO)]), None, UNWATCHED)
    assert opened.connections == open_capture(read_capture(LO, name=LO.name), None, None).connections


def test_of_two_captures_none_is_judged_in_lots(looked_into, calls) -> None:
    looked_into()

    found = run_in_lots(
        [str(calls), str(LO)], None, keep=None, failures=(), redact=True, jobs=1, form=LINES, progress=None,
        stop=lambda: 0,
    )  # fmt: skip

    assert found == InLots(None)


def test_what_is_asked_for_beside_the_lines_is_for_runs_in_memory(cli, all_large, tmp_path) -> None:
    all_large()

    answer = cli("analyze", LO, "-m", MESH, "-o", "jsonl", "--save", tmp_path / "run.db")

    assert (answer.code, (tmp_path / "run.db").exists()) == (0, True)


@pytest.mark.parametrize("in_file_from", [1, 1 << 30])
def test_a_disk_without_room_for_temporary_files_is_one_line(cli, all_large, monkeypatch, in_file_from) -> None:
    def no_room(*_) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    all_large()
    monkeypatch.setattr("analyzer.capture.pcap.IN_FILE_FROM", in_file_from)
    monkeypatch.setattr("os.write", no_room)

    answer = cli("analyze", LO, "-m", MESH, "-o", "jsonl", "--jobs", "1")

    assert answer.code == 6
    assert (
        answer.err == "meshverdict: temporary files: No space left on device: set TMPDIR to a folder with more room\n"
    )


def test_an_error_of_the_disk_that_is_not_about_room_is_not_told_as_if_it_were(all_large, monkeypatch) -> None:
    def broken(*_) -> int:
        raise OSError(errno.EBADF, "Bad file descriptor")

    all_large()
    monkeypatch.setattr("os.write", broken)

    with pytest.raises(OSError, match="Bad file"):
        in_lots(LO)


def test_a_capture_that_cannot_be_read_is_left_to_a_run_in_memory(all_large, tmp_path) -> None:
    all_large()
    path = tmp_path / "none.pcap"
    path.write_bytes(b"no capture")

    found = in_lots(path)

    assert found.run is None
    (opened,) = opened_by(found, path)
    assert opened.record.error == ("none.pcap: not a capture: it begins with 6e 6f 20 63; expected pcap or pcapng")


@pytest.mark.parametrize("capture", ["calls", "meeting"])
def test_a_capture_that_is_read_ahead_is_told_as_any(cli, mapped, calls, capture) -> None:
    arguments = ("analyze", calls if capture == "calls" else LO, "-m", MESH, "-o", "jsonl", "--jobs", "2")
    small = cli(*arguments)

    mapped()

    assert cli(*arguments) == small


@pytest.mark.parametrize("jobs", [1, 2])
def test_with_one_job_nothing_is_done_beside(mapped, calls, jobs) -> None:
    mapped()

    with reading_ahead([str(calls)], jobs=jobs) as ahead:
        assert (ahead is not None) == (jobs == 2)


def test_small_captures_and_none_are_not_read_ahead(calls, tmp_path) -> None:
    for captures in ([str(calls)], [str(calls)] * 2, [str(tmp_path / "none")], ["-"], []):
        with reading_ahead(captures, jobs=2) as ahead:
            assert ahead is None


def test_of_several_captures_none_is_read_ahead(mapped, calls) -> None:
    mapped()

    with reading_ahead([str(calls), str(LO)], jobs=2) as ahead:
        assert ahead is None


def test_of_a_mesh_and_a_capture_that_are_both_bad_the_mesh_is_told(cli, mapped, tmp_path) -> None:
    mapped()
    (tmp_path / "bad.pcap").write_bytes(b"no capture")

    answer = cli("analyze", tmp_path / "bad.pcap", "-m", tmp_path / "none", "-o", "jsonl", "--jobs", "2")

    assert answer.code == 4
    assert answer.err == "meshverdict: none: no such file or folder\n"


def test_a_capture_that_cannot_be_read_ahead_is_told_as_ever(cli, mapped, tmp_path) -> None:
    (tmp_path / "bad.pcap").write_bytes(calls_over_lo([])[:10])
    arguments = ("analyze", tmp_path / "bad.pcap", "-m", MESH, "-o", "jsonl", "--jobs", "2")
    before = cli(*arguments)

    mapped()

    assert cli(*arguments) == before


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "options", [("--where", "verdict == 'dropped'"), ("--fail-on", "dropped", "--redact", "off"), ("-o", "text")]
)
def test_a_large_capture_that_others_judge_is_told_as_a_small_one(cli, all_large, workers, options) -> None:
    arguments = ("analyze", LO, "-m", MESH, "-o", "jsonl", *options)
    small = cli(*arguments)

    all_large()

    assert cli(*arguments, "--cluster", workers.scheduler.address) == small


@pytest.mark.filterwarnings("ignore")
def test_a_small_capture_is_opened_by_others(cli, looked_into, workers, calls) -> None:
    arguments = ("analyze", calls, "-m", MESH, "-o", "jsonl")
    small = cli(*arguments)

    looked_into()

    assert cli(*arguments, "--cluster", workers.scheduler.address) == small
