"""``meshverdict info``: what captures are, before anyone asks about calls."""

from __future__ import annotations

import json


def test_a_capture_is_told_with_its_format_pod_and_vantage(cli, sleep, mesh) -> None:
    answer = cli("info", sleep, "-m", mesh)

    assert (answer.code, answer.err) == (0, "")
    assert all(word in answer.out for word in ("shop_sleep-0.any.pcap", "shop/sleep-0", "lo and eth0", "pcap"))


def test_the_same_is_there_for_programs(cli, sleep, mesh) -> None:
    answer = cli("info", sleep, "-m", mesh, "-o", "json")

    (capture,) = json.loads(answer.out)["captures"]
    assert (capture["name"], capture["pod"], capture["complete"]) == ("shop_sleep-0.any.pcap", "shop/sleep-0", True)


def test_the_name_of_a_capture_tells_its_pod_where_no_mesh_does(cli, sleep) -> None:
    assert "shop/sleep-0" in cli("info", sleep).out


def test_a_capture_that_breaks_off_is_told_as_such(cli, cut, naked) -> None:
    answer = cli("info", naked, cut)

    assert answer.code == 3
    assert "legacy_naked-0.any.pcap" in answer.out
    assert answer.err.startswith("meshverdict: cut.pcap: packet ")


def test_a_file_that_is_no_capture_is_told_as_such(cli, no_capture) -> None:
    answer = cli("info", no_capture)

    assert answer.code == 3
    assert "notes.pcap" in answer.err


def test_nothing_to_look_at_is_an_error(cli, tmp_path) -> None:
    assert cli("info", tmp_path).code == 3


def test_the_page_may_go_to_a_file(cli, naked, tmp_path) -> None:
    path = tmp_path / "info.txt"

    assert cli("info", naked, "--out", path).out == ""
    assert "legacy_naked-0" in path.read_text()
