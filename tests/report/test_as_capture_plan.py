"""What to record, as lines for a shell or as JSON."""

from __future__ import annotations

import json
import subprocess

import pytest

from analyzer.report.as_capture_plan import capture_plan_json, render_capture_plan
from analyzer.verdict.capture_plan import plan_capture


@pytest.fixture
def plan():
    return plan_capture("refused", client="shop/sleep-0", servers=("shop/web-0",), seconds=30)


def test_the_text_is_a_script_that_records_all_pods_at_once(plan) -> None:
    text = render_capture_plan(plan, image="an image", folder="the mesh")

    assert subprocess.run(["sh", "-n"], input=text, text=True, check=False).returncode == 0
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert lines[0].endswith("--image='an image' --container=capture -- sleep 3630")
    assert "kubectl -n shop exec sleep-0 -c capture -- true" in lines[2]
    assert lines[4].startswith(
        "kubectl -n shop exec sleep-0 -c capture -- timeout 30 tcpdump -i any -s 0 -n -U -w - 'tcp"
    )
    assert lines[5].endswith("> shop_web-0.any.pcap &")
    assert lines[6] == "wait"
    assert lines[-1] == "meshverdict analyze shop_sleep-0.any.pcap shop_web-0.any.pcap -m 'the mesh'"


def test_the_size_is_told_and_a_ring_where_it_is_large(plan) -> None:
    large = plan_capture("where", client="a/b", servers=(), seconds=3600, calls_per_second=1000)

    assert "# 2 pods, about 4.8 MB in 30 s." in render_capture_plan(plan, image="i")
    assert "-C 100 -W 20" in render_capture_plan(large, image="i")
    assert "# a_b.any.pcap: 4096 bytes of each packet" in render_capture_plan(large, image="i")


def test_the_object_has_every_command(plan) -> None:
    found = json.loads(capture_plan_json(plan, image="i"))

    first = found["recordings"][0]
    assert {k: first[k] for k in ("namespace", "pod", "interface", "snap_len", "seconds", "file")} == {
        "namespace": "shop",
        "pod": "sleep-0",
        "interface": "any",
        "snap_len": 0,
        "seconds": 30,
        "file": "shop_sleep-0.any.pcap",
    }
    debug, until_ready, tcpdump = first["commands"]
    assert (debug.split()[3], tcpdump.split()[3]) == ("debug", "exec")
    assert until_ready.startswith("for try in $(seq 60); do kubectl")
    assert found["mesh"][-1] == "kubectl -n istio-system get configmap istio -o yaml > mesh/settings.yaml"
