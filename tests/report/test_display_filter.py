"""A Wireshark display filter for a call."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from analyzer.base.fact import replace
from analyzer.flow.connection import Endpoint
from analyzer.pipeline import analyze_paths
from analyzer.report.as_chain import render_chain
from analyzer.report.as_json import render_jsonl
from analyzer.report.display_filter import display_filter

SLEEP = Path(__file__).resolve().parents[2] / "captures/shop-default/pods/shop_sleep-0.any.pcap"


def test_both_halves_of_a_redirected_leg_are_shown(shop):
    call = shop.calls[0]
    leg = replace(call.legs[0], client=Endpoint("10.1.0.1", 4000), server=Endpoint("10.9.0.1", 80))

    assert display_filter((leg,)) == (
        "(ip.addr == 10.1.0.1 && ip.addr == 10.9.0.1 && tcp.port == 4000 && tcp.port == 80) || "
        "(ip.src == 10.1.0.1 && tcp.srcport == 4000 && tcp.dstport == 15001)"
    )


def test_a_leg_that_two_captures_saw_is_there_once(shop):
    call = shop.calls[0]
    twice = (call.legs[1], replace(call.legs[1], capture="other.pcap"))

    assert display_filter(twice).count("tcp.port") == 2


def test_a_pod_that_calls_itself_is_redirected_on_arrival(shop):
    call = shop.calls[0]
    leg = replace(call.legs[1], client=Endpoint("fd00::1", 4000), server=Endpoint("fd00::1", 80))

    assert "(ipv6.src == fd00::1 && tcp.srcport == 4000 && tcp.dstport == 15006)" in display_filter((leg,))


def test_without_legs_there_is_no_filter(shop):
    assert display_filter(()) == ""
    assert "WIRESHARK" not in render_chain(replace(shop.calls[0], legs=()))


def test_explanations_and_json_have_the_filter(shop):
    call = shop.calls[0]
    first = next(line for line in map(json.loads, b"".join(render_jsonl(shop)).splitlines()) if line["kind"] == "call")

    assert first["display_filter"] == display_filter(call.legs)
    assert display_filter(call.legs) in " ".join(render_chain(call).split())


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not here")
def test_wireshark_shows_the_packets_of_the_legs():
    call = next(c for c in analyze_paths([str(SLEEP)]).calls if len(c.legs) == 2)
    command = ["tshark", "-r", SLEEP, "-Y", display_filter(call.legs), "-T", "fields", "-e", "frame.number"]

    done = subprocess.run(command, capture_output=True, text=True, check=True)

    numbers = sorted(map(int, done.stdout.split()))
    assert (numbers[0], numbers[-1]) == (
        min(leg.first_packet for leg in call.legs), max(leg.last_packet for leg in call.legs),
    )  # fmt: skip
