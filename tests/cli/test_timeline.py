"""``meshverdict timeline``: what failed since when."""

from __future__ import annotations


def test_first_failures_are_told(cli, sleep, mesh):
    answer = cli("timeline", sleep, "-m", mesh)

    assert (answer.code, answer.err) == (0, "")
    assert "first-failure  shop/sleep-0 → empty:80: dropped, no-healthy-upstream" in answer.out


def test_events_are_there_for_programs_in_their_order(cli, sleep, mesh):
    events = cli("timeline", sleep, "-m", mesh, "-o", "jsonl").of("event")

    times = [event["time_ns"] for event in events]
    assert times
    assert times == sorted(times)


def test_an_interval_may_be_chosen(cli, naked, tmp_path):
    path = tmp_path / "events.txt"

    assert cli("timeline", naked, "--until", "1", "--out", path).out == ""
    assert path.read_text().startswith("Nothing failed")


def test_a_capture_that_breaks_off_is_an_event(cli, cut):
    answer = cli("timeline", cut)

    assert answer.code == 3
    assert "cut.pcap breaks off here" in answer.out


def test_a_mesh_that_changes_is_given_with_its_time(cli, sleep, mesh):
    alone = cli("timeline", sleep, "-m", mesh)

    assert cli("timeline", sleep, "-m", mesh, "--mesh-at", f"2099-01-01T00:00:00Z={mesh}").out == alone.out
    assert cli("timeline", sleep, "--mesh-at", f"0={mesh}").out == alone.out


def test_a_mesh_without_its_time_is_refused(cli, sleep, mesh):
    assert cli("timeline", sleep, "--mesh-at", mesh).code == 2
    assert "expected TIME=PATH" in cli("timeline", sleep, "--mesh-at", mesh).err


def test_a_filter_chooses_the_calls(cli, sleep, mesh):
    assert cli("timeline", sleep, "-m", mesh, "--where", "hst == 1").code == 2
    assert len(cli("timeline", sleep, "-m", mesh, "--where", "port == 9000").out) < len(
        cli("timeline", sleep, "-m", mesh).out
    )
