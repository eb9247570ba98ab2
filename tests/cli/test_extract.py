"""``meshverdict extract``: the packets of chosen calls, as a capture of their own."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from analyzer.capture.reader import read_capture
from analyzer.cli.extract import VERDICTS


def packets_of(path):
    capture = read_capture(path, name=path.name)
    records = capture.records
    return [
        bytes(capture.buffer[begin : begin + size])
        for begin, size in zip(records.data_off.tolist(), records.captured_len.tolist(), strict=True)
    ]


def told(call):
    return (call["client"], call["server"], call["request"], call["verdict"], call["reason"], call["observed"])


def test_the_packets_are_those_of_the_capture_byte_for_byte(cli, sleep, mesh, tmp_path):
    path = tmp_path / "dropped.pcapng"

    answer = cli("extract", sleep, "-m", mesh, "--verdict", "dropped", "--out", path)

    assert (answer.code, answer.out) == (0, "")
    found = packets_of(path)
    assert answer.err == f"meshverdict: {len(found)} packets of 7 calls\n"
    assert set(found) <= set(packets_of(sleep))


def test_extracted_calls_have_the_verdicts_that_they_had(cli, sleep, mesh, tmp_path):
    path = tmp_path / "shop_sleep-0.any.pcapng"
    before = cli("analyze", sleep, "-m", mesh, "-o", "jsonl").of("call")

    verdicts = [part for verdict in ("dropped", "passthrough", "service-matched") for part in ("--verdict", verdict)]
    cli("extract", sleep, "-m", mesh, *verdicts, "--out", path)

    after = cli("analyze", path, "-m", mesh, "-o", "jsonl").of("call")
    assert [told(call) for call in after] == [told(c) for c in before if c["verdict"] != "headless-matched"]


def test_the_legs_of_a_call_come_from_all_captures(cli, shop, mesh, tmp_path):
    path = tmp_path / "one.pcapng"

    cli("extract", shop / "pods", "-m", mesh, "--call", "1", "--out", path)

    capture = read_capture(path, name="one.pcapng")
    assert [(i.name, i.description) for i in capture.interfaces] == [
        ("shop/sleep-0 app-to-sidecar", "shop_sleep-0.any.pcap"),
        ("shop/sleep-0 sidecar-to-upstream", "shop_sleep-0.any.pcap"),
        ("shop/frontend-0 sidecar-to-upstream", "shop_frontend-0.any.pcap"),
        ("shop/frontend-0 sidecar-to-app", "shop_frontend-0.any.pcap"),
    ]
    assert (capture.records.time_ns[1:] >= capture.records.time_ns[:-1]).all()


def test_calls_of_all_pods_in_one_file_come_out_as_they_did(cli, shop, mesh, tmp_path):
    path = tmp_path / "all.pcapng"
    every = [part for verdict in VERDICTS for part in ("--verdict", verdict)]

    cli("extract", shop / "pods", "-m", mesh, *every, "--out", path)

    before, after = (cli("analyze", each, "-m", mesh, "-o", "jsonl").of("call") for each in (shop / "pods", path))
    assert [told(call) for call in after] == [told(call) for call in before]


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not here")
def test_wireshark_colours_every_packet_by_its_verdict(cli, sleep, mesh, tmp_path):
    path, profile = tmp_path / "some.pcapng", tmp_path / "profiles" / "mesh"
    asked = ("--verdict", "dropped", "--verdict", "service-matched")
    cli("extract", sleep, "-m", mesh, *asked, "--out", path, "--profile", profile)
    fields = ["-T", "fields", "-e", "frame.coloring_rule.name"]

    done = subprocess.run(
        ["tshark", "-C", "mesh", "--color", "-r", path, *fields],
        env={**os.environ, "WIRESHARK_CONFIG_DIR": str(tmp_path)}, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert set(done.stdout.split()) == {"dropped", "service-matched"}
    assert len(done.stdout.split()) == len(packets_of(path))


def test_a_profile_that_cannot_be_written_is_a_matter_of_usage(cli, naked, tmp_path):
    (tmp_path / "file").write_text("")

    answer = cli("extract", naked, "--call", "1", "--out", tmp_path / "x", "--profile", tmp_path / "file" / "profile")

    assert answer.code == 2


def test_no_call_of_that_kind_is_an_empty_capture(cli, naked, mesh, tmp_path):
    path = tmp_path / "none.pcapng"

    answer = cli("extract", naked, "-m", mesh, "--verdict", "dropped", "--out", path)

    assert answer.err == "meshverdict: 0 packets of 0 calls\n"
    assert packets_of(path) == []


@pytest.mark.parametrize("asked", [(), ("--call", "999"), ("--verdict", "bad"), ("--call", "1", "--call", "first")])
def test_calls_must_be_named_rightly(cli, naked, tmp_path, asked):
    assert cli("extract", naked, *asked, "--out", tmp_path / "x.pcapng").code == 2


def test_a_capture_without_calls_is_told(cli, no_capture, tmp_path):
    answer = cli("extract", no_capture, "--call", "1", "--out", tmp_path / "x.pcapng")

    assert answer.code == 2
    assert "expected a capture with calls" in answer.err


def test_standard_input_is_gone_after_the_first_reading(cli, tmp_path):
    assert cli("extract", "-", "--call", "1", "--out", tmp_path / "x.pcapng").code == 2


def test_without_a_mesh_packets_are_extracted_all_the_same(cli, naked, tmp_path):
    path = tmp_path / "x.pcapng"

    assert cli("extract", naked, "--call", "1", "--out", path).code == 0
    assert packets_of(path)


@pytest.mark.skipif(shutil.which("capinfos") is None, reason="capinfos is not here")
def test_capinfos_takes_the_file(cli, sleep, mesh, tmp_path):
    path = tmp_path / "dropped.pcapng"
    cli("extract", sleep, "-m", mesh, "--verdict", "dropped", "--out", path)

    done = subprocess.run(["capinfos", "-c", "-T", "-r", path], capture_output=True, text=True, check=True)

    assert done.stdout.split()[-1] == str(len(packets_of(path)))


def test_calls_may_be_chosen_by_a_filter(cli, sleep, mesh, tmp_path):
    dropped = 'verdict == "dropped"'

    all_dropped = cli("extract", sleep, "-m", mesh, "--where", dropped, "--out", tmp_path / "a.pcapng")
    named_too = cli("extract", sleep, "-m", mesh, "--where", dropped, "--call", "1", "--out", tmp_path / "b.pcapng")

    assert all_dropped.err.endswith(" of 7 calls\n")
    assert named_too.err == "meshverdict: 0 packets of 0 calls\n"
