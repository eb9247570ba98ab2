"""Captures opened by a real scheduler and its workers, on the loopback interface."""

from __future__ import annotations

import shutil
import signal
import sys
from pathlib import Path

import pytest

from analyzer.base.errors import CaptureError, UsageError
from analyzer.base.packing import unpack
from analyzer.capture.sources import find_captures
from analyzer.cluster import LOCAL, VERSION, connected, open_on, open_packed
from analyzer.mesh.load import load_mesh
from analyzer.opening import open_all
from analyzer.pipeline import analyze_paths
from analyzer.report.as_json import render_jsonl

ROOT = Path(__file__).resolve().parents[1]
SHOP = ROOT / "captures" / "shop-default"
PODS = SHOP / "pods"

# dask tells old and new names of its own apart by warnings.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def mesh():
    return load_mesh([SHOP / "mesh"])


def jsonl(analysis) -> bytes:
    return b"".join(render_jsonl(analysis))


def test_many_machines_give_the_bytes_of_one(workers, mesh) -> None:
    shared = analyze_paths([str(PODS)], mesh, open_captures=open_on(workers))

    assert jsonl(shared) == jsonl(analyze_paths([str(PODS)], mesh))


def test_a_worker_that_is_killed_on_the_way_changes_nothing(workers, kill_worker, mesh) -> None:
    killed: list[bool] = []

    def kill_one(*_: object) -> None:
        if not killed:
            killed.append(True)
            kill_worker()

    shared = analyze_paths([str(PODS)], mesh, open_captures=open_on(workers), progress=kill_one)

    assert killed
    assert jsonl(shared) == jsonl(analyze_paths([str(PODS)], mesh))


def test_ctrl_c_ends_no_local_worker(workers) -> None:
    assert set(workers.run(signal.getsignal, signal.SIGINT).values()) == {signal.SIG_IGN}


def test_without_any_worker_left_the_work_is_done_here(begin_scheduler, mesh, monkeypatch) -> None:
    monkeypatch.setattr("analyzer.cluster.PATIENCE", 1)
    _, address = begin_scheduler(0)

    with connected(address) as client:
        shared = analyze_paths([str(PODS)], mesh, open_captures=open_on(client))

    assert jsonl(shared) == jsonl(analyze_paths([str(PODS)], mesh))


def test_what_no_machine_can_read_is_told_as_ever(workers, tmp_path) -> None:
    shutil.copy(PODS / "legacy_naked-0.any.pcap", tmp_path)
    (tmp_path / "notes.pcap").write_text("these are only notes\n")
    (tmp_path / "cut.pcap").write_bytes((PODS / "legacy_naked-0.any.pcap").read_bytes()[:-7])
    sources = find_captures([str(tmp_path)])

    shared = analyze_paths([str(tmp_path)], open_captures=open_on(workers))

    assert [capture.error for capture in shared.captures] == [each.record.error for each in open_all(sources, None)]


def test_a_scheduler_that_is_not_there_is_a_matter_of_usage(monkeypatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr("analyzer.cluster.ANSWER_SECONDS", 0.2)

    with (
        pytest.raises(UsageError, match=r"^--cluster: tcp://127.0.0.1:1: no scheduler answers: .*$"),
        connected("tcp://127.0.0.1:1"),
    ):
        pytest.fail("there is no scheduler")


def test_an_address_that_is_none_is_a_matter_of_usage() -> None:
    pytest.importorskip("distributed")

    with pytest.raises(UsageError, match="--cluster: somewhere: no scheduler answers"), connected("somewhere"):
        pytest.fail("there is no scheduler")


def test_without_dask_one_line_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)

    with pytest.raises(UsageError, match=r"pip install 'meshverdict\[cluster\]'"), connected(LOCAL):
        pytest.fail("there is no dask")


def test_a_worker_sends_connections_without_their_bytes() -> None:
    path = PODS / "shop_sleep-0.any.pcap"

    packed = open_packed(str(path), path.name, VERSION)

    assert len(packed) < path.stat().st_size
    assert [c.uid for c in unpack(packed).connections] == [
        c.uid for c in open_all(find_captures([str(path)]), None)[0].connections
    ]


def test_a_worker_of_another_release_says_so() -> None:
    with pytest.raises(UsageError, match=f"found a worker of version {VERSION}, expected 0"):
        open_packed("a.pcap", "a.pcap", 0)


def test_a_file_that_a_worker_does_not_have_is_an_error_there(tmp_path) -> None:
    with pytest.raises(CaptureError):
        open_packed(str(tmp_path / "gone.pcap"), "gone.pcap", VERSION)
