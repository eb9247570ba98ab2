"""Captures cut to what their verdicts need."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import pytest

from analyzer import trimming
from analyzer.capture.reader import read_capture_bytes
from analyzer.flow.cut import LEFT_OUT
from analyzer.mesh.load import load_mesh
from analyzer.pipeline import analyze_paths
from analyzer.trimming import trim_paths

ROOT = Path(__file__).resolve().parents[1]
WORLDS = sorted(path.parent for path in (ROOT / "captures").glob("shop-*/mesh"))
# What a team is promised: of the shop's captures so much is left.
MOST_LEFT = 0.35


@pytest.fixture(scope="module")
def mesh():
    return load_mesh([ROOT / "captures/shop-default/mesh"])


@pytest.fixture
def naked(tmp_path) -> Path:
    return Path(shutil.copy(ROOT / "captures/shop-default/pods/legacy_naked-0.any.pcap", tmp_path))


@pytest.mark.parametrize("world", WORLDS, ids=lambda path: path.name)
def test_all_verdicts_stay_and_a_third_of_the_bytes(world: Path, tmp_path) -> None:
    mesh = load_mesh([world / "mesh"])

    found = trim_paths([str(world / "pods")], mesh)
    for each in found.captures:
        (tmp_path / each.file).write_bytes(each.data)

    assert (found.differing, found.errors, found.limits) == ((), (), ())
    assert sum(len(e.data) for e in found.captures) <= MOST_LEFT * sum(e.before_len for e in found.captures)
    before, after = (analyze_paths([str(each)], mesh).calls for each in (world / "pods", tmp_path))
    assert [told(call) for call in after] == [told(call) for call in before]


def told(call):
    decision = call.decision
    sides = (decision.verdict, decision.reason, decision.outbound, decision.gateway, decision.inbound, call.observed)
    return (call.id, call.client, call.request, call.host, call.path, call.sni, len(call.legs), *sides)


def test_the_files_are_the_same_bytes_each_time(naked, mesh) -> None:
    one, other = (trim_paths([str(naked)], mesh).captures[0] for _ in range(2))

    assert one.data == other.data
    assert one.file == "legacy_naked-0.any.pcap.gz"


def test_a_plain_capture_keeps_its_name_and_loses_its_compression(naked, mesh, tmp_path) -> None:
    squeezed = tmp_path / f"{naked.name}.gz"
    squeezed.write_bytes(gzip.compress(naked.read_bytes()))

    (found,) = trim_paths([str(squeezed)], mesh, compress=False).captures

    assert found.file == naked.name
    assert found.before_len == naked.stat().st_size
    assert len(read_capture_bytes(found.data, name="a").records) == found.packets < found.before_packets


def test_progress_is_told(naked, mesh) -> None:
    told = []

    trim_paths([str(naked)], mesh, progress=lambda *each: told.append(each))

    assert told == [("cutting", 0.0, naked.stat().st_size)]


def test_what_cannot_be_read_is_told_and_the_rest_is_cut(naked, mesh, tmp_path) -> None:
    (tmp_path / "notes.pcap").write_text("no capture at all")
    naked.write_bytes(naked.read_bytes()[:-7])

    found = trim_paths([str(tmp_path)], mesh)

    assert [each.source.name for each in found.captures] == [naked.name]
    assert [line.partition(":")[0] for line in found.errors] == ["notes.pcap", naked.name]


def test_connections_that_come_out_otherwise_are_kept_whole(naked, mesh, monkeypatch) -> None:
    """A rule that cuts too much costs size, not verdicts."""
    monkeypatch.setattr(trimming, "fact_spans", lambda *_: ((), ()))

    found = trim_paths([str(naked)], mesh)

    assert (found.differing, found.calls) == ((), 8)


def test_it_says_which_calls_would_change_where_nothing_helps(naked, mesh, monkeypatch) -> None:
    def nothing(traffic, *_):
        return trimming.np.full(len(traffic.records), LEFT_OUT)

    monkeypatch.setattr(trimming, "kept_lengths", nothing)

    found = trim_paths([str(naked)], mesh)

    assert len(found.differing) == found.calls > 0
