"""A capture that grows tells the calls that the finished one has."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.base.errors import CaptureError
from analyzer.base.fact import replace
from analyzer.capture.sources import find_captures
from analyzer.flow import aging
from analyzer.following import Follower, lasting_id, with_lasting_ids
from analyzer.mesh.load import load_mesh
from analyzer.pipeline import analyze_paths

ROOT = Path(__file__).resolve().parents[1]
SHOP = ROOT / "captures" / "shop-default"
SLEEP = SHOP / "pods" / "shop_sleep-0.any.pcap"
CAPTURES = sorted((SHOP / "pods").glob("*.pcap"))


@pytest.fixture(scope="module")
def mesh():
    return load_mesh([SHOP / "mesh"])


@pytest.fixture
def follower(mesh):
    def of(path: Path = SLEEP, **how) -> Follower:
        (source,) = find_captures([str(path)])
        return Follower(source.name, mesh, pod_hint=source.pod_hint, **how)

    return of


def in_steps(follower: Follower, data: bytes, steps: int) -> list:
    """What looks told, one after each part of the data."""
    size = len(data) // steps + 1
    told = []
    for at in range(0, len(data), size):
        follower.feed(data[at : at + size])
        told += follower.look()
    return told


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.name)
def test_the_end_is_that_of_a_plain_run(follower, mesh, path) -> None:
    growing = follower(path)
    in_steps(growing, path.read_bytes(), 7)

    assert growing.finish() == analyze_paths([str(path)], mesh)


def test_calls_are_told_once_and_as_the_end_has_them(follower) -> None:
    growing = follower()

    told = in_steps(growing, SLEEP.read_bytes(), 7) + growing.look(quiet=True)

    final = {call.id: call for call in with_lasting_ids(growing.finish()).calls}
    assert len(told) == len({call.id for call in told}) > 0
    assert [call.decision.verdict for call in told] == [final[call.id].decision.verdict for call in told]


def test_calls_are_told_before_the_end(follower) -> None:
    data = SLEEP.read_bytes()

    assert len(in_steps(follower(), data[: len(data) // 2], 3)) > 10


def test_a_call_without_an_answer_is_not_told_before_the_end(follower) -> None:
    growing = follower()
    told = in_steps(growing, SLEEP.read_bytes(), 2) + growing.look(quiet=True)

    waiting = {lasting_id(c) for c in growing.finish().calls if c.observed.outcome in ("open", "no-answer")}

    assert not waiting & {call.id for call in told}


def test_only_chosen_calls_are_told(follower) -> None:
    growing = follower(where=lambda call: call.decision.verdict == "dropped")

    told = in_steps(growing, SLEEP.read_bytes(), 2) + growing.look(quiet=True)

    assert {call.decision.verdict for call in told} == {"dropped"}


def test_packets_of_what_is_over_are_let_go(follower, mesh, monkeypatch) -> None:
    monkeypatch.setattr(aging, "SETTLE_NS", 500_000_000)
    growing = follower()
    in_steps(growing, SLEEP.read_bytes(), 20)

    kept = sum(len(record) for section in growing._sections for record in section.records)

    assert kept < SLEEP.stat().st_size / 2
    assert growing.finish() == analyze_paths([str(SLEEP)], mesh)


def test_a_capture_that_goes_on_in_another_file_is_one(follower, mesh) -> None:
    data = SLEEP.read_bytes()
    header, plain = data[:24], analyze_paths([str(SLEEP)], mesh)
    cut = plain.calls[20].packets[0][2]
    at = _offset_of(data, cut)
    growing = follower()

    growing.feed(data[:at])
    growing.look()
    growing.restart()
    growing.feed(header + data[at:])
    end = growing.finish()

    assert end.calls == plain.calls


def test_what_was_cut_is_told(follower) -> None:
    growing = follower()
    growing.feed(SLEEP.read_bytes()[:-5])

    (capture,) = growing.finish().captures

    assert not capture.complete
    assert "record is cut" in capture.error


def test_more_than_may_be_kept_is_cut_and_told(follower) -> None:
    growing = follower(max_kept=1000)
    in_steps(growing, SLEEP.read_bytes(), 4)

    end = growing.finish()

    assert any("follow-limit" in line or "their packets take more than 1000 bytes" in line for line in end.limits)
    assert sum(len(section.records) for section in growing._sections) < 200


def test_nothing_at_all_is_a_capture_without_packets(follower) -> None:
    growing = follower()

    assert growing.look() == []
    assert growing.finish().captures[0].records == 0


def test_what_is_no_capture_is_an_error(follower) -> None:
    with pytest.raises(CaptureError, match="not a capture"):
        follower().feed(b"no capture")


def test_ids_outlast_what_comes_before(mesh) -> None:
    run = analyze_paths([str(SLEEP)], mesh)

    lasting = with_lasting_ids(run)

    assert len({call.id for call in lasting.calls}) == len(run.calls)
    assert [replace(call, id="") for call in lasting.calls] == [replace(call, id="") for call in run.calls]
    assert {name for finding in lasting.findings for name in finding.calls} <= {call.id for call in lasting.calls}


def _offset_of(data: bytes, packet: int) -> int:
    """Where the record of a packet begins."""
    at = 24
    for _ in range(packet - 1):
        at += 16 + int.from_bytes(data[at + 8 : at + 12], "little")
    return at
