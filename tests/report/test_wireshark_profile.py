"""A Wireshark profile for what is extracted."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from analyzer.capture.pcapng_writer import PickedPacket, write_pcapng
from analyzer.capture.reader import read_capture
from analyzer.report.packet_comments import MARK
from analyzer.report.wireshark_profile import profile_files, verdict_filter

NAKED = Path(__file__).resolve().parents[2] / "captures/shop-default/pods/legacy_naked-0.any.pcap"
NAMES = ["dropped", "undetermined", "passthrough", "headless-matched", "service-matched"]


def test_every_verdict_has_a_colour_of_its_own_and_the_worst_comes_first() -> None:
    rules = profile_files()["colorfilters"].splitlines()

    assert [rule.split("@")[1] for rule in rules] == NAMES
    assert len({rule.split("@")[3] for rule in rules}) == len(NAMES)


def test_colours_have_sixteen_bits() -> None:
    numbers = re.findall(r"(\d+)[,\]]", profile_files()["colorfilters"])

    assert len(numbers) == 2 * 3 * len(NAMES)
    assert all(0 <= int(number) <= 0xFFFF for number in numbers)


def test_every_verdict_has_a_button() -> None:
    assert [line.split(",")[1].strip('"') for line in profile_files()["dfilter_buttons"].splitlines()] == NAMES


def test_a_filter_asks_for_the_comment_on_every_packet() -> None:
    assert verdict_filter("dropped") == 'frame.comment contains "meshverdict: dropped"'


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not here")
def test_wireshark_reads_the_profile_without_complaint_and_shows_the_comments(tmp_path) -> None:
    folder, path = tmp_path / "profiles" / "mesh", tmp_path / "said.pcapng"
    folder.mkdir(parents=True)
    for name, text in profile_files().items():
        (folder / name).write_text(text)
    capture = read_capture(NAKED, name=NAKED.name)
    path.write_bytes(b"".join(write_pcapng([PickedPacket(capture, 0, (f"{MARK}dropped (call 1)",), None, "pod leg")])))

    done = subprocess.run(
        ["tshark", "-C", "mesh", "-r", path, "-Y", verdict_filter("dropped")],
        env={**os.environ, "WIRESHARK_CONFIG_DIR": str(tmp_path)}, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert "pod leg" in done.stdout
    assert "meshverdict: dropped (call 1)" in done.stdout
    assert not [line for line in done.stderr.splitlines() if "root" not in line]
