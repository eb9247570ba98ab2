"""A capture that is judged lot by lot has the bytes of one that is held in memory."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from analyzer.base.fact import replace
from analyzer.base.watch import UNWATCHED, Watch
from analyzer.capture.decode import decode_packets
from analyzer.capture.reader import read_capture_bytes
from analyzer.capture.sources import find_captures
from analyzer.counting import guess_records, is_large
from analyzer.judging import Judged, SpilledRun, judge_lots
from analyzer.large import run_large
from analyzer.lot import Plan
from analyzer.mesh.load import load_mesh
from analyzer.pipeline import analyze_paths, mesh_record
from analyzer.report.as_json import render_jsonl
from analyzer.verdict.parting import OTHER_CONFIGURATION
from made.lo import Lo, get, ok
from made.lo_sides import calls_that_fit
from made.rings import write_ring

ROOT = Path(__file__).resolve().parents[1]
SHOP = ROOT / "captures" / "shop-default"
CAPTURES = sorted(SHOP.glob("*/*.pcap"))
LO = SHOP / "interfaces" / "shop_sleep-0.lo.pcap"


@pytest.fixture(scope="module")
def mesh():
    return load_mesh([SHOP / "mesh"])


@pytest.fixture
def large(mesh):
    """A function that runs a capture in tiny windows and lots, however much of it belongs together."""

    def run(
        path: Path, *, with_mesh: bool = True, keep=None, jobs: int = 1, watch: Watch = UNWATCHED, **how
    ) -> SpilledRun | None:
        (source,) = find_captures([str(path)])
        hint = "/".join(part for part in source.pod_hint if part) if source.pod_hint else None
        known = mesh if with_mesh else None
        how = {"lot_packets": 20, "window_rows": 64, "most_together": 1.0} | how
        record = mesh_record(mesh) if with_mesh else None
        return run_large(source.read(), Plan(known, record, hint, keep, {}, jobs=jobs), watch, **how)

    return run


def lines_of(run: SpilledRun | None, *, redact: bool = True) -> list[bytes]:
    assert run is not None
    return b"".join(run.lines(redact=redact)).splitlines()


def plain_lines(*paths: Path, mesh=None, **how) -> list[bytes]:
    return b"".join(render_jsonl(analyze_paths([str(path) for path in paths], mesh, **how))).splitlines()


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.name)
def test_every_capture_has_the_bytes_of_a_plain_run(large, mesh, path) -> None:
    assert lines_of(large(path)) == plain_lines(path, mesh=mesh)


def test_without_a_mesh_too(large) -> None:
    assert lines_of(large(LO, with_mesh=False)) == plain_lines(LO)


@pytest.mark.parametrize("jobs", [2, 3])
def test_workers_change_no_byte(large, jobs) -> None:
    assert lines_of(large(LO, jobs=jobs)) == lines_of(large(LO))


def test_windows_that_a_lost_worker_counted_are_counted_again(large, monkeypatch) -> None:
    here, counted = os.getpid(), []

    def decode_until_lost(capture):
        counted.append(capture)
        if os.getpid() != here and len(counted) > 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return decode_packets(capture)

    monkeypatch.setattr("analyzer.counting.decode_packets", decode_until_lost)

    assert lines_of(large(LO, jobs=2)) == lines_of(large(LO))


def test_calls_that_do_not_count_keep_their_numbers(large, mesh) -> None:
    def asked_reviews(call) -> bool:
        return call.host is not None and call.host.startswith("reviews")

    assert lines_of(large(LO, keep=asked_reviews)) == plain_lines(LO, mesh=mesh, where=asked_reviews)


def test_what_is_watched_for_is_told(mesh) -> None:
    (source,) = find_captures([str(LO)])
    watched = {"dropped": lambda call: call.decision.verdict == "dropped", "never": lambda _: False}

    run = run_large(source.read(), Plan(mesh, None, None, None, watched), lot_packets=20, most_together=1.0)

    assert run is not None
    assert run.met == {"dropped"}
    assert run.verdicts["dropped"] > 0


def test_who_asks_for_the_end_while_packets_are_counted_gets_what_was_counted(large) -> None:
    assert lines_of(large(LO, watch=Watch(stop=lambda: 1))) == lines_of(large(LO))


def test_who_asks_for_the_end_twice_gets_what_is_known(large) -> None:
    run = large(LO, watch=Watch(stop=lambda: 2))

    assert run is not None
    assert run.verdicts == {}
    assert run.analysis.captures[0].records > 0


def test_who_asks_for_the_end_while_lots_are_judged_gets_those(large, tmp_path) -> None:
    # Most calls are the second pod's, but those that are judged by then are the first one's.
    lo = Lo()
    for port, client in enumerate(["10.244.1.10"] * 2 + ["10.244.3.10"] * 4, 40_000):
        lo.talk(f"{client}:{port}", "10.96.0.11:9080").open().ask(get()).answer(ok()).close()
    asked: list[int] = []

    def judge(task, _capture, _records, watch: Watch) -> Judged:
        judged = judge_lots(task, 1, watch)
        asked.append(1)
        return replace(judged, runs=judged.runs[:1])

    run = large(lo.write(tmp_path / "x.lo.pcap"), judge=judge, watch=Watch(stop=lambda: len(asked)))

    assert run is not None
    assert len(asked) == 1
    assert 0 < run.verdicts.total() < 6


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize(
    ("words", "parted"),
    [
        ("- - - - + + + + +", 1),
        ("+ + + + + - - - -", 1),
        ("-- - -+ ++ -+ + +", 0),
        ("-- - --+ ++ + + +", 1),
        ("- - - - -++", 1),
        ("- + - + - + - +", 0),
        ("- - - - - -", 0),
    ],
)
def test_calls_that_disagree_are_held_against_those_of_other_lots(large, mesh, tmp_path, words, parted, jobs) -> None:
    path = calls_that_fit(words).write(tmp_path / "x.lo.pcap")

    run = large(path, jobs=jobs)

    assert lines_of(run) == plain_lines(path, mesh=mesh)
    assert [finding.code for finding in run.analysis.findings].count(OTHER_CONFIGURATION) == parted


def test_what_belongs_together_is_not_parted_in_vain(large) -> None:
    assert large(SHOP / "pods" / "shop_sleep-0.any.pcap", most_together=0.5) is None


def test_fragments_that_lie_apart_are_left_to_a_plain_run(large, tmp_path) -> None:
    data = bytearray(LO.read_bytes())
    # "More fragments" in the IP header of the first record, behind the headers of file, record and Ethernet.
    data[24 + 16 + 14 + 6] |= 0x20
    path = tmp_path / "cut.pcap"
    path.write_bytes(data)

    assert large(path) is None


def test_a_small_capture_is_not_large() -> None:
    (source,) = find_captures([str(LO)])

    assert not is_large(source)


def test_a_capture_is_large_by_its_packets(monkeypatch) -> None:
    (source,) = find_captures([str(LO)])
    assert not is_large(source)

    monkeypatch.setattr("analyzer.counting.LARGE_RECORDS", 10)

    assert is_large(source)


def test_what_is_no_capture_is_not_large(tmp_path) -> None:
    path = tmp_path / "none.pcap"
    path.write_bytes(b"no capture")
    (source,) = find_captures([str(path)])

    assert not is_large(source)


def test_an_empty_capture_is_an_empty_run(mesh) -> None:
    capture = read_capture_bytes(LO.read_bytes()[:24], name="empty.pcap")

    run = run_large(capture, Plan(mesh, None, None, None, {}))

    assert run is not None
    assert len(lines_of(run)) == 2


def test_the_packets_of_a_ring_are_guessed_by_those_of_its_oldest_file(tmp_path) -> None:
    write_ring(tmp_path / "a.pcap", LO.read_bytes(), 3)
    (source,) = find_captures([str(tmp_path)])
    assert source.path is not None
    oldest = source.path.read_bytes()
    records = len(read_capture_bytes(oldest, name="a").records)

    assert guess_records(source) == records * source.size // len(oldest)


@pytest.mark.parametrize("mapped_from", [1, 1 << 30])
def test_a_ring_has_the_bytes_of_one_file(large, tmp_path, monkeypatch, mapped_from) -> None:
    files = write_ring(tmp_path / LO.name, LO.read_bytes(), 3)
    monkeypatch.setattr("analyzer.capture.reader.MAPPED_FROM", mapped_from)

    found = [line.replace(b".pcap1+2", b".pcap") for line in lines_of(large(tmp_path))]

    assert len(files) == 3
    assert found == lines_of(large(LO))


def test_a_capture_that_brings_keys_is_left_to_a_plain_run(large, tmp_path, with_secrets) -> None:
    path = tmp_path / "lo.pcap"
    path.write_bytes(LO.read_bytes())

    assert large(with_secrets(path, b"CLIENT_RANDOM 00 00\n")) is None
