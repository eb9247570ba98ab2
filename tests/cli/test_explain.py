"""``meshverdict explain``: the chain of reasons of one call."""

from __future__ import annotations

import struct

import pytest


def test_the_chain_of_a_call_is_told_from_its_request_to_its_answer(cli, sleep, mesh) -> None:
    answer = cli("explain", sleep, "-m", mesh, "--call", "1")

    assert (answer.code, answer.err) == (0, "")
    assert "shop/sleep-0" in answer.out
    assert "outbound|9080||frontend.shop.svc.cluster.local" in answer.out
    assert "manifests.yaml:" in answer.out


def test_the_packets_of_request_and_reply_are_a_ladder(cli, sleep, mesh) -> None:
    ladder = cli("explain", sleep, "-m", mesh, "--call", "1").out.partition("PACKETS\n")[2].splitlines()

    assert ladder[0].split() == ["+0.000", "ms", "app-to-sidecar", "request", "shop_sleep-0.any.pcap", "5"]
    assert any("reply" in line for line in ladder)


def test_without_a_mesh_the_chain_has_the_packets(cli, naked) -> None:
    answer = cli("explain", naked, "--call", "1")

    assert answer.code == 0
    assert "no-mesh" in answer.out


@pytest.mark.parametrize("wrong", ["0", "999", "first", ""])
def test_a_call_that_there_is_not_is_a_matter_of_usage(cli, naked, wrong) -> None:
    answer = cli("explain", naked, "--call", wrong)

    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(f"meshverdict: --call: found {wrong!r}, expected an id from 1 to ")


def test_where_nothing_could_be_read_that_is_what_is_wrong(cli, no_capture) -> None:
    answer = cli("explain", no_capture, "--call", "1")

    assert answer.code == 3
    assert "notes.pcap" in answer.err


def test_where_there_are_no_calls_that_is_said(cli, tmp_path) -> None:
    empty = tmp_path / "empty.pcap"
    empty.write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 101))

    answer = cli("explain", empty, "--call", "1")

    assert answer.code == 2
    assert "expected a capture with calls" in answer.err


def test_a_call_must_be_named(cli, naked) -> None:
    assert cli("explain", naked).code == 2


def test_a_packet_is_taken_apart_where_it_is_asked_for(cli, sleep, mesh) -> None:
    plain = cli("explain", sleep, "-m", mesh, "--call", "1").out

    dissected = cli("explain", sleep, "-m", mesh, "--call", "1", "--packet", "5").out

    assert dissected.startswith(plain)
    assert "TCP" in dissected.removeprefix(plain)


@pytest.mark.parametrize("packet", ["0", "999999"])
def test_a_packet_that_there_is_not_is_a_matter_of_usage(cli, naked, packet) -> None:
    answer = cli("explain", naked, "--call", "1", "--packet", packet)

    assert (answer.code, answer.out) == (2, "")


def test_a_capture_from_standard_input_can_be_explained(spawn, naked) -> None:
    answer = spawn("explain", "-", "--call", "1", stdin=naked.read_bytes())

    assert (answer.code, answer.err) == (0, "")
    assert answer.out


def test_a_capture_from_standard_input_is_gone_when_a_packet_is_to_be_taken_apart(cli) -> None:
    answer = cli("explain", "-", "--call", "1", "--packet", "5")

    assert (answer.code, answer.out) == (2, "")
    assert "cannot be read twice" in answer.err


def test_a_capture_that_breaks_off_is_explained_and_told(cli, cut) -> None:
    answer = cli("explain", cut, "--call", "1")

    assert answer.code == 3
    assert answer.out
    assert answer.err.startswith("meshverdict: cut.pcap: packet ")


def test_yaml_that_does_not_parse_is_told(cli, naked, broken_mesh) -> None:
    answer = cli("explain", naked, "-m", broken_mesh, "--call", "1")

    assert answer.code == 4
    assert answer.out
    assert "broken.yaml:" in answer.err


def test_the_chain_may_go_to_a_file_in_colour_or_not(cli, naked, tmp_path) -> None:
    path = tmp_path / "chain.txt"

    assert cli("explain", naked, "--call", "1", "--out", path, "--color", "always").out == ""
    assert "\x1b[" in path.read_text()


def test_secrets_are_kept_unless_they_are_asked_for(cli, secret_capture) -> None:
    assert "hunter2" not in cli("explain", secret_capture, "--call", "1").out
    assert "hunter2" in cli("explain", secret_capture, "--call", "1", "--redact", "off").out


def test_a_packet_that_is_taken_apart_keeps_its_secrets_too(cli, secret_capture) -> None:
    assert "hunter2" not in cli("explain", secret_capture, "--call", "1", "--packet", "3").out


def test_calls_can_be_chosen_by_a_filter(cli, naked, mesh) -> None:
    answer = cli("explain", naked, "-m", mesh, "--where", "request >= 1", "--most", "2")

    assert answer.code == 0
    assert answer.out.count("CHAIN") == 2
    assert "more calls" in answer.out


def test_a_filter_that_no_call_fits_is_told(cli, naked, mesh) -> None:
    assert "no call fits" in cli("explain", naked, "-m", mesh, "--where", "request == 99").err


def test_either_an_id_or_a_filter_is_given(cli, naked, mesh) -> None:
    assert cli("explain", naked, "-m", mesh).code == 2
    assert cli("explain", naked, "-m", mesh, "--call", "1", "--where", "port == 1").code == 2


def test_what_would_have_ended_better_is_told(cli, sleep, mesh) -> None:
    answer = cli("explain", sleep, "-m", mesh, "--where", 'reason == "no-route"')

    assert "NEAREST MISS\n  would be service-matched if " in answer.out
    assert "  would be service-matched if the header x-user were beta" in answer.out
