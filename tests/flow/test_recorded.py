"""Real captures: recorded meshes with what Envoy's logs say, hostile ones, and what tshark makes of the same bytes."""

import json
import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from analyzer.capture.decode import decode_packets
from analyzer.capture.reader import read_capture
from analyzer.flow.connection import Connection
from analyzer.flow.connections import connections

SHARED = Path(__file__).parents[3] / "shared"
WORLDS = SHARED / "worlds"
HOSTILE = SHARED / "adversarial"
TSHARK = shutil.which("tshark")

LOOPBACKS = sorted(WORLDS.glob("shop-*/pods/*.lo.pcap"))
BUSY = sorted(WORLDS.glob("busy-*/pods/shop_sleep-0.any.pcap"))
NONE = [pytest.param(None, marks=pytest.mark.skip("no recorded worlds"))]

# The codes that each hostile capture must give.
ODD = {
    "C06-exact-overlap-different-data": {"tcp-overlap-conflict"},
    "C07a-ooo-then-left-overlap-linux-policy": {"tcp-overlap-conflict"},
    "C08a-seq-wrap-in-request": set(),
    "C09-tfo-syn-data-acked": set(),
    "C10-tfo-syn-data-not-acked-resent": set(),
    "C13-midstream-body-then-request": {"tcp-midstream"},
    "C14-gap-inside-request-line-and-host": {"tcp-gap"},
    "C15-gap-inside-body-acked": {"tcp-gap"},
    "C16a-snaplen-96": {"tcp-payload-cut"},
    "C17a-out-of-window-rst-then-data": {"tcp-bad-rst"},
    "C17b-data-after-valid-rst": {"tcp-data-after-rst"},
    "C18-rst-with-payload": set(),
    "C19b-data-after-fin": {"tcp-data-after-fin"},
    "C24-ack-carries-2-pad-bytes": {"tcp-overlap-conflict"},
    "C25-urgent-oob-byte": {"tcp-urgent-data"},
    "C26-segment-1GiB-ahead": {"tcp-out-of-window"},
    "C27-server-side-only": {"tcp-one-sided"},
    "C28-client-side-only": {"tcp-one-sided"},
    "C32-20000-one-byte-holes": {"tcp-gap"},
    "C35-time-goes-backwards-and-jumps": set(),
    "C37-midstream-tiny-window-no-wscale": {"tcp-midstream"},
}
FIRST_WORDS = {
    "C03-http-random-order": b"GET /get HTTP/1.1\r\nHost: reviews.default",
    "C06-exact-overlap-different-data": b"GET /get HTTP/1.1\r\nHost: good.example\r\n",
    "C07a-ooo-then-left-overlap-linux-policy": b"GET /get HTTP/1.1\r\nHost: evil.example\r\n",
    "C10-tfo-syn-data-not-acked-resent": b"GET /get HTTP/1.1\r\nHost: reviews.default",
    "C26-segment-1GiB-ahead": b"GET /get HTTP/1.1\r\nHost: reviews.default",
}


def connections_of(path: Path) -> list[Connection]:
    capture = read_capture(path, name=path.name)
    return connections(capture.name, capture.buffer, capture.records, decode_packets(capture))


def called(world: Path) -> dict[str, set[str]]:
    """The servers that each client meant, by Envoy's logs."""
    found = defaultdict(set)
    for line in (world / "truth.jsonl").read_text().splitlines():
        call = json.loads(line)
        if call["client"]:
            found[call["client"]].add(f"{call['address']}:{call['port']}")
    return found


def astray(path: Path) -> list[str]:
    """The clients of redirected connections that are not joined, or go elsewhere than Envoy's logs say."""
    servers = called(path.parents[1])
    redirected = [c for c in connections_of(path) if c.redirect_port]
    return [
        str(c.client)
        for c in redirected
        if not c.joined or str(c.server) not in servers.get(str(c.client), {str(c.server)})
    ]


@pytest.mark.parametrize("path", LOOPBACKS or NONE, ids=str)
def test_every_redirected_connection_is_joined_and_goes_where_envoy_says(path: Path) -> None:
    assert astray(path) == []


@pytest.mark.parametrize("path", BUSY or NONE, ids=str)
def test_halves_are_joined_also_where_ports_collide_and_the_recording_began_late(path: Path) -> None:
    assert astray(path) == []


@pytest.mark.parametrize("name", ODD)
def test_hostile_captures_give_the_oddities_that_they_were_made_for(name: str) -> None:
    path = HOSTILE / f"{name}.pcap"
    if not path.is_file():
        pytest.skip("no hostile captures")

    (found,) = connections_of(path)

    assert {oddity.code.name for oddity in found.oddities} == ODD[name]


@pytest.mark.parametrize("name", FIRST_WORDS)
def test_hostile_captures_give_the_stream_that_a_linux_pod_reads(name: str) -> None:
    path = HOSTILE / f"{name}.pcap"
    if not path.is_file():
        pytest.skip("no hostile captures")

    (found,) = connections_of(path)

    assert found.from_client.read(0, len(FIRST_WORDS[name])) == FIRST_WORDS[name]


def tshark_streams(path: Path) -> dict[tuple[str, str], bytes]:
    """The reassembled bytes of each direction by its two ends, as ``tshark -z follow`` gives them."""
    command = [TSHARK, "-r", str(path), "-q"]
    count = subprocess.run(
        [TSHARK, "-r", str(path), "-T", "fields", "-e", "tcp.stream"], capture_output=True, text=True, check=True
    ).stdout.split()
    for n in sorted({int(number) for number in count}):
        command += ["-z", f"follow,tcp,raw,{n}"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = {}
    for block in text.split("Follow: tcp,raw")[1:]:
        lines = block.splitlines()
        ends = [line.split(": ", 1)[1] for line in lines if line.startswith("Node ")]
        data = [line for line in lines if set(line) <= set("\t0123456789abcdef") and line.strip()]
        found[ends[0], ends[1]] = bytes.fromhex("".join(line for line in data if line[0] != "\t"))
        found[ends[1], ends[0]] = bytes.fromhex("".join(line.strip() for line in data if line[0] == "\t"))
    return found


@pytest.mark.skipif(TSHARK is None or not WORLDS.is_dir(), reason="needs tshark and the recorded worlds")
@pytest.mark.parametrize("pod", ["shop_frontend-0.eth0", "shop_sleep-0.any"])
def test_streams_are_those_that_tshark_follows(pod: str) -> None:
    path = WORLDS / "shop-default" / "pods" / f"{pod}.pcap"
    followed = tshark_streams(path)

    for c in connections_of(path):
        towards = f"127.0.0.1:{c.redirect_port}" if c.redirect_port else str(c.server)
        assert c.from_client.read(0, c.client_bytes) == followed.get((str(c.client), towards), b"")
        assert c.from_server.read(0, c.server_bytes) == followed.get((str(c.server), str(c.client)), b"")


@pytest.mark.skipif(TSHARK is None or not WORLDS.is_dir(), reason="needs tshark and the recorded worlds")
def test_community_ids_are_those_of_tshark() -> None:
    path = WORLDS / "shop-default" / "pods" / "shop_frontend-0.eth0.pcap"
    command = [
        TSHARK,
        "--enable-protocol",
        "communityid",
        "-r",
        str(path),
        "-Y",
        "tcp",
        "-T",
        "fields",
        "-e",
        "communityid",
    ]
    theirs = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()

    assert {c.community_id for c in connections_of(path)} == set(theirs)
