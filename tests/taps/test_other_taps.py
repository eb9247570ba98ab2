"""Taps that see the same packets in another way give the same verdicts."""

import gzip
import json
import os
import shutil
import subprocess
import sys

import pytest

from analyzer.pipeline import analyze_paths
from analyzer.report.as_json import render_jsonl

ETHERNET, NULL, RAW, SLL, SLL2 = 1, 0, 101, 113, 276

WAYS = {
    "in segments of 100 bytes": lambda tap, packets: tap.in_segments(100)(packets),
    "in segments of 7 bytes": lambda tap, packets: tap.in_segments(7)(packets),
    "twice": lambda tap, packets: tap.twice(packets),
    "written out of order": lambda tap, packets: tap.permuted(packets),
    "overtaking one another in segments": lambda tap, packets: tap.overtaking(tap.in_segments(90)(packets)),
    "overtaking one another": lambda tap, packets: tap.overtaking(packets),
    "on Ethernet": lambda tap, packets: tap.on_link(ETHERNET)(packets),
    "on two VLANs": lambda tap, packets: tap.on_link(ETHERNET, 5, 9)(packets),
    "on Linux cooked": lambda tap, packets: tap.on_link(SLL)(packets),
    "on Linux cooked 2 without directions": lambda tap, packets: tap.on_link(SLL2)(packets),
    "on raw IP": lambda tap, packets: tap.on_link(RAW)(packets),
    "on BSD loopback": lambda tap, packets: tap.on_link(NULL)(packets),
    "among noise": lambda tap, packets: tap.among_noise(packets),
    "in microseconds": lambda tap, packets: tap.as_pcap(packets, unit_ns=1000),
    "big-endian": lambda tap, packets: tap.as_pcap(packets, order=">"),
    "as pcapng": lambda tap, packets: tap.as_pcapng(packets),
    "as big-endian pcapng": lambda tap, packets: tap.as_pcapng(packets, order=">"),
    "compressed": lambda tap, packets: gzip.compress(tap.as_pcap(packets)),
}


@pytest.mark.parametrize("way", WAYS)
def test_verdicts_do_not_depend_on_how_packets_were_captured(tap, recording, tmp_path, way) -> None:
    found = recording.calls(tmp_path, lambda packets: WAYS[way](tap, packets))

    assert tap.told(found) == tap.told(recording.base)


@pytest.mark.parametrize("parts", [2, 5])
def test_verdicts_do_not_depend_on_how_packets_were_split_over_files(tap, recording, tmp_path, parts) -> None:
    """As ``tcpdump -C`` rotates them: connections go on in the next file."""
    for name, packets in recording.taps.items():
        size = -(-len(packets) // parts)
        for part in range(parts):
            (tmp_path / f"{name}{part or ''}").write_bytes(tap.as_pcap(packets[part * size :][:size]))

    found = tap.calls_in(f"{tmp_path}/*", recording.folder / "mesh")

    assert tap.untrue(recording, found) == []


def test_verdicts_do_not_depend_on_hash_seed_time_zone_language_or_folder(recording, tmp_path) -> None:
    command = [sys.executable, "-m", "analyzer", "analyze", "-o", "jsonl"]
    relative, absolute = ["pods", "-m", "mesh"], [f"{recording.folder}/pods", "-m", f"{recording.folder}/mesh"]
    copied = shutil.copytree(recording.folder, tmp_path / "elsewhere")
    ways = [
        (relative, recording.folder, {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C"}),
        (relative, copied, {"PYTHONHASHSEED": "3", "TZ": "Asia/Kathmandu", "LC_ALL": "C.UTF-8"}),
        (absolute, tmp_path, {"PYTHONHASHSEED": "9", "TZ": "America/St_Johns", "LC_ALL": "tr_TR.UTF-8"}),
    ]

    outputs = [
        subprocess.run([*command, *paths], cwd=cwd, env={**os.environ, **env}, capture_output=True, check=True).stdout
        for paths, cwd, env in ways
    ]

    assert outputs[0]
    assert outputs[1:] == outputs[:1] * 2


def test_flows_that_are_added_change_no_other_flow(tap, recording, tmp_path) -> None:
    for name, packets in recording.taps.items():
        (tmp_path / name).write_bytes(tap.as_pcap(tap.among_noise(packets)))

    def flows(place):
        lines = b"".join(render_jsonl(analyze_paths([str(place)]))).splitlines()
        found = [record for record in map(json.loads, lines) if record["kind"] == "flow"]
        return {flow["uid"]: flow for flow in found if not flow["orig_h"].startswith(("203.", "198."))}

    assert flows(tmp_path) == flows(recording.folder / "pods")
