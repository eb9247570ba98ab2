"""The conductor of suites: found, run, recorded."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from analyzer.base.errors import CaptureError, MeshError, UsageError
from analyzer.checking import check_suite, expected_path, find_suites, load_suite, update_suite
from analyzer.mesh.load import load_mesh

ROOT = Path(__file__).resolve().parents[1]
SHOP = ROOT / "captures" / "shop-default"


@pytest.fixture
def folder(tmp_path) -> Path:
    """A small capture, its mesh, and a suite that expects little."""
    shutil.copy(SHOP / "pods" / "legacy_naked-0.any.pcap", tmp_path)
    shutil.copytree(SHOP / "mesh", tmp_path / "mesh")
    (tmp_path / "a.verdict.yaml").write_text(
        "captures: legacy_naked-0.any.pcap\nmesh: mesh\nbudgets: {dropped: 100%}\n"
        "accepted: [{where: port == 1, owner: me, reason: r, until: 2026-11-30}]\n"
    )
    return tmp_path


def test_suites_are_found_in_folders_and_each_once(folder, monkeypatch) -> None:
    (folder / "deep").mkdir()
    (folder / ".hidden").mkdir()
    for name in ("deep/b.verdict.yml", ".hidden/c.verdict.yaml", "notes.yaml"):
        (folder / name).write_text("")
    monkeypatch.chdir(folder)

    assert [path.name for path in find_suites(())] == ["a.verdict.yaml", "b.verdict.yml"]
    assert len(find_suites([str(folder), "a.verdict.yaml"])) == 2
    assert find_suites(["notes.yaml"]) == [Path("notes.yaml")]


def test_no_suite_at_all_is_a_matter_of_usage(tmp_path) -> None:
    with pytest.raises(UsageError, match=r"found no suite .* expected \*\.verdict\.yaml"):
        find_suites([str(tmp_path)])


def test_a_suite_is_run_over_the_captures_beside_it(folder) -> None:
    result = check_suite(folder / "a.verdict.yaml")

    assert result.failures == ()
    assert result.calls > 0


def test_the_day_is_that_of_the_recording_unless_it_is_given(folder) -> None:
    suite = folder / "a.verdict.yaml"

    assert [case.kind for case in check_suite(suite, today=date(2027, 1, 1)).failures] == ["acceptance"]


def test_what_is_recorded_holds_until_the_mesh_changes(folder) -> None:
    suite = folder / "a.verdict.yaml"
    strict = "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: a, namespace: shop}\n"

    target = update_suite(suite)
    before = check_suite(suite)
    (folder / "mesh" / "strict.yaml").write_text(f"{strict}spec: {{mtls: {{mode: STRICT}}}}\n")
    after = check_suite(suite)

    assert target == folder / "a.expected.yaml"
    assert (before.failures, {case.kind for case in after.failures}) == ((), {"recorded"})
    assert after.failures[0].blame.yaml[0].file_line.endswith("strict.yaml:4")


def test_with_the_mesh_of_the_recording_the_line_that_moved_a_call_is_named(folder) -> None:
    suite = folder / "a.verdict.yaml"
    old = load_mesh([folder / "mesh"])
    update_suite(suite)
    policy = (
        "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: a, namespace: istio-system}\n"
    )
    (folder / "mesh" / "strict.yaml").write_text(f"{policy}spec:\n  mtls:\n    mode: STRICT\n")

    failures = check_suite(suite, recorded_with=old).failures

    assert failures
    assert {place.file_line.rpartition("/")[2] for case in failures for place in case.blame.yaml} == {"strict.yaml:6"}


def test_the_file_of_recorded_ends_may_be_named(folder) -> None:
    suite = folder / "a.verdict.yaml"
    suite.write_text("captures: legacy_naked-0.any.pcap\nmesh: mesh\nexpected: ends.yaml\n")

    assert update_suite(suite) == folder / "ends.yaml"
    assert expected_path(Path("plain.yaml"), load_suite(suite)).name == "ends.yaml"


def test_a_suite_of_any_name_has_its_ends_beside_it(folder) -> None:
    suite = load_suite(folder / "a.verdict.yaml")

    assert expected_path(Path("x/plain.yaml"), suite) == Path("x/plain.expected.yaml")


def test_a_suite_that_checks_nothing_is_refused(folder) -> None:
    suite = folder / "a.verdict.yaml"
    suite.write_text("captures: c\nmesh: m\n")

    with pytest.raises(UsageError, match="checks nothing"):
        check_suite(suite)


def test_a_new_suite_may_begin_with_recorded_ends_only(folder) -> None:
    suite = folder / "a.verdict.yaml"
    suite.write_text("captures: legacy_naked-0.any.pcap\nmesh: mesh\n")

    update_suite(suite)

    assert check_suite(suite).cases


def test_what_cannot_be_read_or_written_is_told(folder, monkeypatch) -> None:
    suite = folder / "a.verdict.yaml"
    with pytest.raises(UsageError, match="No such file"):
        load_suite(folder / "ghost.yaml")
    suite.write_text("captures: c\nmesh: ghost\nbudgets: {dropped: 0}\n")
    with pytest.raises(MeshError, match=r"a.verdict.yaml: .*ghost: no such file or folder"):
        check_suite(suite)
    suite.write_text("captures: ghost\nmesh: mesh\nbudgets: {dropped: 0}\n")
    with pytest.raises(CaptureError, match=r"a.verdict.yaml: .*ghost: no such file"):
        check_suite(suite)
    suite.write_text("captures: legacy_naked-0.any.pcap\nmesh: mesh\nexpected: ends.yaml\n")
    with pytest.raises(UsageError, match=r"a.verdict.yaml: expected: ends.yaml is no file; write it with"):
        check_suite(suite)
    (folder / "latin.yaml").write_bytes(b"captures: \xff")
    with pytest.raises(UsageError, match="byte 10 is not UTF-8"):
        load_suite(folder / "latin.yaml")
    monkeypatch.setattr("analyzer.checking._MAX_SUITE_BYTES", 5)
    with pytest.raises(UsageError, match="larger than 5 bytes"):
        load_suite(suite)


def test_recorded_ends_that_cannot_be_written_are_told(folder) -> None:
    (folder / "a.expected.yaml").mkdir()

    with pytest.raises(UsageError, match="cannot be written"):
        update_suite(folder / "a.verdict.yaml")


def test_a_capture_that_cannot_be_read_records_nothing(folder) -> None:
    (folder / "legacy_naked-0.any.pcap").write_bytes(b"no capture")

    with pytest.raises(UsageError, match="cannot be read"):
        update_suite(folder / "a.verdict.yaml")


def test_the_interval_and_the_filter_of_a_suite_hold(folder) -> None:
    suite = folder / "a.verdict.yaml"
    suite.write_text(suite.read_text() + "until: 1\nwhere: port == 9999\nmesh_config: mesh/manifests.yaml\n")

    assert check_suite(suite).calls == 0
